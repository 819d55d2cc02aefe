import { PermanentError } from '../../shared/errors.ts';
import { isVersion } from '../../shared/models/catalog.ts';
import { DEFAULT_SIGNATURE } from '../../shared/models/model.ts';
import { readServingConfig } from '../../shared/models/serving-config.ts';
import type { Clock, ModelDescription, ModelStore, ModelSummary, ModelVersion, Scorer } from '../../shared/ports.ts';
import type { ModelPath } from './route.ts';

/** For how long a look at the store is believed: another default version takes effect after as long. */
const BELIEF_MS = 2_000;
/** References and descriptions remembered. */
const MAX_REMEMBERED = 1_000;

/** A model version as it is served. */
export interface ServedModel {
  readonly version: ModelVersion;
  readonly description: ModelDescription;
  /** The signature of requests that name none. */
  readonly signatureName: string;
  /** Rows in one call to the model, where its serving.json says it. */
  readonly batchSize?: number;
}

export interface DirectoryPorts {
  readonly models: ModelStore;
  readonly scorer: Pick<Scorer, 'inspect'>;
  readonly clock: Clock;
}

/** Finds model versions, and remembers for a moment what the store said: it is not asked again by each request. */
export class ModelDirectory {
  readonly #ports: DirectoryPorts;
  readonly #versions = new Map<string, { readonly until: number; readonly version: Promise<ModelVersion> }>();
  readonly #served = new Map<string, Promise<ServedModel>>();
  #summaries: { readonly until: number; readonly list: Promise<readonly ModelSummary[]> } | undefined;

  constructor(ports: DirectoryPorts) {
    this.#ports = ports;
  }

  /** @throws PermanentError NOT_FOUND naming what there is. */
  find(path: ModelPath): Promise<ModelVersion> {
    const reference = referenceOf(path);
    const now = this.#ports.clock.now();
    const known = this.#versions.get(reference);
    if (known !== undefined && now < known.until) return known.version;
    if (this.#versions.size >= MAX_REMEMBERED) this.#versions.clear();
    const version = this.#resolve(path, reference);
    this.#versions.set(reference, { until: now + BELIEF_MS, version });
    version.catch(() => undefined); // believed for as long: who asks in a loop for what is not there asks the store once
    return version;
  }

  /** A version is a number: 123 is also found in a folder called 00000123. */
  async #resolve(path: ModelPath, reference: string): Promise<ModelVersion> {
    try {
      return await this.#ports.models.resolve(reference);
    } catch (error) {
      if (path.version === undefined || !(error instanceof PermanentError) || error.status !== 'NOT_FOUND') throw error;
      const wanted = BigInt(path.version);
      const summaries = await this.#list();
      const versions = summaries.find(({ model }) => model === path.model)?.versions ?? [];
      const folder = versions.find((version) => BigInt(version) === wanted);
      if (folder === undefined) throw error;
      return this.#ports.models.resolve(`${path.model}@${folder}`);
    }
  }

  /**
   * The model version loaded, and what it is.
   * @throws PermanentError NOT_FOUND; where it cannot be loaded, why.
   */
  async open(path: ModelPath): Promise<ServedModel> {
    const version = await this.find(path);
    const key = JSON.stringify([version.model, version.version, version.digest]);
    const known = this.#served.get(key);
    if (known !== undefined) return known;
    if (this.#served.size >= MAX_REMEMBERED) this.#served.clear();
    const served = this.#describe(version);
    this.#served.set(key, served);
    served.catch(() => this.#served.delete(key)); // tried again by the next request
    return served;
  }

  /** The versions that a path means: one, or all that the model has. */
  async versions(path: ModelPath): Promise<readonly string[]> {
    const { version } = await this.find(path);
    if (path.version !== undefined || path.label !== undefined) return [version];
    const summaries = await this.#list();
    return summaries.find(({ model }) => model === path.model)?.versions ?? [version];
  }

  #list(): Promise<readonly ModelSummary[]> {
    const now = this.#ports.clock.now();
    if (this.#summaries === undefined || now >= this.#summaries.until) {
      const list = this.#ports.models.list();
      this.#summaries = { until: now + BELIEF_MS, list };
      list.catch(() => (this.#summaries = undefined));
    }
    return this.#summaries.list;
  }

  async #describe(version: ModelVersion): Promise<ServedModel> {
    const { models, scorer } = this.#ports;
    const serving = await readServingConfig(await models.open(version.model, version.version));
    const { model, digest } = version;
    const description = await scorer.inspect({ model, version: version.version, digest });
    return {
      version,
      description,
      signatureName: serving.signatureName ?? DEFAULT_SIGNATURE,
      ...(serving.batchSize !== undefined && { batchSize: serving.batchSize }),
    };
  }
}

/** `model`, `model@3` or `model@label`. */
function referenceOf({ model, version, label }: ModelPath): string {
  const selector = version ?? label;
  return selector === undefined ? model : `${model}@${selector}`;
}

/** `digits@3` as a path. @throws PermanentError INVALID_ARGUMENT */
export function pathOf(reference: string): ModelPath {
  const [model = '', selector, ...rest] = reference.split('@');
  if (model === '' || selector === '' || rest.length > 0)
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(reference)}: expected model, model@3 or model@label`,
    );
  if (selector === undefined) return { model };
  return isVersion(selector) ? { model, version: selector } : { model, label: selector };
}
