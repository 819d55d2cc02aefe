import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'vitest';

import { createStorage } from '../../infra/gcp/clients.ts';
import { startStack } from '../../infra/emulators/stack.ts';
import type { Stack, StackOptions } from '../../infra/emulators/stack.ts';
import { makeMlp } from '../shared/models/onnx-maker.ts';

/** Small: files of some hundred KB have several. */
export const SPLIT_BYTES = 64 * 1024;

/** The project's folder. */
export const ROOT = path.resolve(import.meta.dirname, '../..');

/** As the stack names it, unless it is told otherwise: file lists name it too. */
export const INPUT_BUCKET = 'fanfold-emulators-input';

/** SavedModels; pipelines of them, in sequence and side by side; one with a serving.json. */
const EXAMPLES = ['times-five', 'times-ten', 'times-fifty', 'times-five-and-ten', 'images', 'image-files'];

/** `<model>/<version>/<file>`: small perceptrons; `wide` makes long lines, `changed` takes four numbers in version 1 and three in version 2. */
export const MODELS: Readonly<Record<string, Uint8Array>> = {
  'mlp/1/model.onnx': makeMlp({ inputs: 4, hidden: [8], outputs: 2, seed: 1 }),
  'mlp/2/model.onnx': makeMlp({ inputs: 4, hidden: [8], outputs: 2, seed: 2 }),
  'wide/1/model.onnx': makeMlp({ inputs: 4, hidden: [8], outputs: 400 }),
  'changed/1/model.onnx': makeMlp({ inputs: 4, hidden: [4], outputs: 1 }),
  'changed/2/model.onnx': makeMlp({ inputs: 3, hidden: [4], outputs: 1 }),
  'changed/config.json': Buffer.from('{"defaultVersion": "1"}'),
  ...Object.fromEntries(EXAMPLES.flatMap(exampleModel)),
};

/** The files of a model of examples/. */
function exampleModel(model: string): readonly (readonly [string, Uint8Array])[] {
  const folder = path.join(ROOT, 'examples/models');
  const files = readdirSync(path.join(folder, model), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return files.map((file) => [path.relative(folder, file), readFileSync(file)]);
}

export interface JobView {
  readonly name: string;
  readonly state: string;
  readonly model: string;
  readonly modelVersionId: string;
  readonly error?: { readonly message: string };
  /** Without `gcsSource` where the input is a table. */
  readonly inputConfig: { readonly gcsSource?: { readonly uris: readonly string[] } };
  readonly outputInfo?: { readonly results: string; readonly manifest: string; readonly gcsOutputDirectory: string };
  readonly completionStats: { readonly successfulCount: number; readonly failedCount: number };
  readonly redriveOf?: string;
}

/** A running stack, and what a client does with it. */
export class Running {
  readonly stack: Stack;
  readonly storage: ReturnType<typeof createStorage>;
  /** What the functions wrote. */
  readonly lines: string[];

  private constructor(stack: Stack, lines: string[]) {
    this.stack = stack;
    this.lines = lines;
    this.storage = createStorage({ projectId: stack.projectId, storageEndpoint: stack.storage.url });
  }

  static async start(options: StackOptions = {}): Promise<Running> {
    const lines: string[] = [];
    const onLine: StackOptions['onLine'] = (target, line) => {
      if (!line.includes('option is deprecated')) lines.push(`${target} ${line}`);
    };
    const running = new Running(await startStack({ splitBytes: SPLIT_BYTES, onLine, ...options }), lines);
    const { models } = running.stack.buckets;
    await Promise.all(Object.entries(MODELS).map(([name, content]) => running.put(models, name, content)));
    return running;
  }

  async put(bucket: string, name: string, content: string | Uint8Array): Promise<void> {
    const file = this.storage.bucket(bucket).file(name);
    // An overwriting save is not repeated by the client: where storage is made to fail, we do it.
    for (let attempt = 1; ; attempt++) {
      const failed = await file.save(Buffer.from(content), { resumable: false }).catch((error: unknown) => error);
      if (failed === undefined) return;
      if (attempt === 10) throw failed as Error;
    }
  }

  /** Drops a file, with the template of its folder's jobs. @returns its URI. */
  async drop(name: string, content: string | Uint8Array, template: object = {}): Promise<string> {
    const { input } = this.stack.buckets;
    await this.put(input, `${name.slice(0, name.indexOf('/'))}/fanfold.json`, JSON.stringify(template));
    await this.put(input, name, content);
    return `gs://${input}/${name}`;
  }

  async call(method: string, below = '', body?: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    const answer = await fetch(`${this.stack.jobsUrl}${below}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: answer.status, body: await answer.json() };
  }

  async job(id: string): Promise<JobView> {
    const { status, body } = await this.call('GET', `/${id}`);
    expect(status, JSON.stringify(body)).toBe(200);
    return body as JobView;
  }

  async jobs(): Promise<readonly JobView[]> {
    const { body } = await this.call('GET', '?pageSize=100');
    return (body as { batchPredictionJobs?: JobView[] }).batchPredictionJobs ?? [];
  }

  /** The only job of that input, once it is there. */
  async jobOf(uri: string): Promise<JobView> {
    return this.until(`a job of ${uri}`, async () => {
      const found = (await this.jobs()).filter(({ inputConfig }) => inputConfig.gcsSource?.uris[0] === uri);
      expect(found.length).toBeLessThanOrEqual(1);
      return found[0];
    });
  }

  async ended(id: string): Promise<JobView> {
    return this.until(`the end of job ${id}`, async () => {
      const job = await this.job(id);
      return /_(?:SUCCEEDED|FAILED|CANCELLED|EXPIRED)$/.test(job.state) ? job : undefined;
    });
  }

  /** The dropped file's job once it has ended. */
  async finished(uri: string): Promise<JobView> {
    return this.ended(idOf(await this.jobOf(uri)));
  }

  async until<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > deadline)
        throw new Error(`${what} did not come in ${timeoutMs / 1000} s:\n${this.lines.slice(-30).join('\n')}`);
      await sleep(100);
    }
  }

  async read(uri: string): Promise<Buffer> {
    const [, bucket = '', name = ''] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    const [content] = await this.storage.bucket(bucket).file(name).download();
    return content;
  }

  async results(job: JobView): Promise<string> {
    return (await this.bytes(job)).toString();
  }

  async bytes(job: JobView): Promise<Buffer> {
    if (job.outputInfo === undefined) throw new Error(`job ${job.name} is ${job.state}: ${job.error?.message ?? ''}`);
    return this.read(job.outputInfo.results);
  }

  /** The real command, as a process with the stack's environment. */
  fanfold(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = { ...process.env, ...this.stack.env };
    return new Promise((resolve) => {
      execFile(process.execPath, [path.join(ROOT, 'cli/fanfold.js'), ...args], { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  }

  async outputNames(): Promise<string[]> {
    const [files] = await this.storage.bucket(this.stack.buckets.output).getFiles();
    return files.map(({ name }) => name);
  }
}

export function idOf({ name }: Pick<JobView, 'name'>): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** `{"key":…,"x":[…]}`, a line each: keys beyond 2^53, some rows that the model cannot take. */
export function jsonLines(
  rows: number,
  options: { readonly bad?: (row: number) => boolean; readonly width?: number } = {},
): string {
  const { bad = (row) => row % 97 === 13, width = 4 } = options;
  return Array.from({ length: rows }, (_, row) => {
    const x = bad(row)
      ? '"no numbers"'
      : JSON.stringify(Array.from({ length: width }, (__, column) => (row % 50) / 7 - column));
    return `{"key":90071992547409930${String(row).padStart(5, '0')},"x":${x}}\n`;
  }).join('');
}

/** With quoted cells that hold newlines: splits cannot be told apart from anywhere. */
export function csvLines(rows: number): string {
  const lines = Array.from(
    { length: rows },
    (_, row) => `${row / 8},${row % 3},"row\n${row}, of ""many""",${-row},1\n`,
  );
  return `a,b,key,c,d\n${lines.join('')}`;
}

export const KEYED = { instanceConfig: { keyField: 'key' }, maxItemsPerBatch: 200 };
