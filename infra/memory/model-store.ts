import { compareUtf8 } from '../../shared/compare-utf8.ts';
import { PermanentError } from '../../shared/errors.ts';
import { chooseVersion, digestFiles, isVersion, parseModelReference, summarize } from '../../shared/models/catalog.ts';
import { parseModelConfig, writeModelConfig } from '../../shared/models/model-config.ts';
import type { ModelFiles } from '../../shared/models/model.ts';
import { alreadyExists, checkNewVersion } from '../../shared/models/registry.ts';
import type {
  CatalogModel,
  ModelConfig,
  ModelRegistry,
  ModelSummary,
  ModelVersion,
  NewModelFile,
} from '../../shared/ports.ts';

/** Models as a record of files: `{'digits/3/model.onnx': bytes, 'digits/config.json': '{…}'}`. */
export class MemoryModelStore implements ModelRegistry {
  readonly #files: Map<string, Uint8Array>;

  constructor(files: Readonly<Record<string, Uint8Array | string>>) {
    this.#files = new Map(
      Object.entries(files).map(([name, content]) => [
        name,
        new Uint8Array(typeof content === 'string' ? Buffer.from(content) : content),
      ]),
    );
  }

  async resolve(reference: string): Promise<ModelVersion> {
    const { model, selector } = parseModelReference(reference);
    const version = chooseVersion(this.#find(model), selector);
    const files = await this.open(model, version);
    const contents = await Promise.all(files.names.map(async (name) => ({ name, bytes: await files.read(name) })));
    const digest = await digestFiles(
      contents.map(({ name, bytes }) => ({ name, size: bytes.length, content: () => streamOf(bytes) })),
    );
    return { model, version, digest, byteSize: contents.reduce((total, { bytes }) => total + bytes.length, 0) };
  }

  open(model: string, version: string): Promise<ModelFiles> {
    return Promise.resolve().then(() => {
      const found = this.#find(model);
      if (!isVersion(version))
        throw new PermanentError('NOT_FOUND', `model ${model} has no version ${JSON.stringify(version)}`);
      const prefix = `${model}/${chooseVersion(found, version)}/`;
      const names = [...this.#files.keys()]
        .filter((name) => name.startsWith(prefix))
        .map((name) => name.slice(prefix.length));
      const label = `${model}@${version}`;
      return { label, names: names.sort(compareUtf8), read: (name) => this.#read(label, prefix, name) };
    });
  }

  list(): Promise<readonly ModelSummary[]> {
    const summaries = this.#models().map((model) => summarize(this.#find(model)));
    return Promise.resolve(summaries.filter((summary) => summary !== undefined));
  }

  async publish(model: string, version: string, files: readonly NewModelFile[]): Promise<void> {
    checkNewVersion(model, version, files);
    const written = await Promise.all(
      files.map(async (file) => [`${model}/${version}/${file.name}`, await readNewFile(file)] as const),
    );
    if (this.#isThere(model, version)) throw alreadyExists(model, version);
    for (const [name, content] of written) this.#files.set(name, content);
  }

  configure(model: string, change: (model: CatalogModel) => ModelConfig | undefined): Promise<void> {
    return Promise.resolve().then(() => {
      const next = change(this.#find(model));
      if (next === undefined) return;
      const text = writeModelConfig(next);
      if (text === undefined) this.#files.delete(`${model}/config.json`);
      else this.#files.set(`${model}/config.json`, new Uint8Array(Buffer.from(text)));
    });
  }

  remove(model: string, version: string): Promise<void> {
    return Promise.resolve().then(() => {
      if (!this.#isThere(model, version))
        throw new PermanentError('NOT_FOUND', `model ${model} has no version ${version}`);
      for (const name of this.#files.keys()) if (name.startsWith(`${model}/${version}/`)) this.#files.delete(name);
    });
  }

  #isThere(model: string, version: string): boolean {
    return [...this.#files.keys()].some((name) => isVersion(version) && name.startsWith(`${model}/${version}/`));
  }

  #read(label: string, prefix: string, name: string): Promise<Uint8Array> {
    const content = this.#files.get(prefix + name);
    if (content === undefined) return Promise.reject(new PermanentError('NOT_FOUND', `${label} holds no file ${name}`));
    return Promise.resolve(content.slice());
  }

  #models(): string[] {
    return [...new Set([...this.#files.keys()].map((name) => name.split('/')[0] ?? ''))].sort(compareUtf8);
  }

  #find(model: string): CatalogModel {
    const names = [...this.#files.keys()].filter((name) => name.startsWith(`${model}/`));
    if (names.length === 0)
      throw new PermanentError('NOT_FOUND', `no model ${model}: there are ${this.#models().join(', ')}`);
    const versions = new Set(
      names.filter((name) => name.split('/').length > 2).map((name) => name.split('/')[1] ?? ''),
    );
    const config = this.#files.get(`${model}/config.json`);
    return {
      model,
      versions: [...versions].filter(isVersion),
      config: config === undefined ? {} : parseModelConfig(config, `${model}/config.json`),
    };
  }
}

async function readNewFile({ name, size, content }: NewModelFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length === size) return new Uint8Array(bytes);
  const found = `found ${bytes.length} bytes, expected ${size}`;
  throw new PermanentError('ABORTED', `${name}: ${found}: it changed while it was read`);
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}
