import { deadLetter } from '../../functions/dead-letter/dead-letter.ts';
import { finalize } from '../../functions/finalize/finalize.ts';
import { inspectModel, scoreShard } from '../../functions/score/score-shard.ts';
import { score } from '../../functions/score/score.ts';
import { split } from '../../functions/split/split.ts';
import { createJob } from '../../functions/upload/create-job.ts';
import type { JobRequest } from '../../functions/upload/create-job.ts';
import { ManualClock } from '../../infra/memory/clock.ts';
import { MemoryLedger } from '../../infra/memory/ledger.ts';
import { MemoryLogger } from '../../infra/memory/logger.ts';
import { MemoryModelStore } from '../../infra/memory/model-store.ts';
import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { MemoryQueue } from '../../infra/memory/queue.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import type { JobTemplate } from '../../shared/job-template.ts';
import type { Message } from '../../shared/messages.ts';
import type { Model } from '../../shared/models/model.ts';
import { folderOutput, jobIdOf, outputFolder } from '../../shared/names.ts';
import type { ObjectStat, Ports } from '../../shared/ports.ts';
import { collect } from '../contract/builders.ts';
import { timesFive } from './fake-model.ts';

export interface PipelineOptions {
  readonly model?: Model;
  /** Files of the model store. */
  readonly models?: Readonly<Record<string, string>>;
  /** Bytes of input per split. */
  readonly splitBytes?: number;
}

/** Small chunks: records and gzip headers straddle them. */
const CHUNK_BYTES = 61;

/** The handlers on ports in memory. Messages wait in the queue until they are delivered. */
export class MemoryPipeline {
  readonly objects = new MemoryObjectStore({ chunkBytes: CHUNK_BYTES });
  readonly queue = new MemoryQueue();
  readonly ledger = new MemoryLedger();
  readonly clock = new ManualClock();
  readonly logger = new MemoryLogger();
  readonly model: Model;
  readonly ports: Ports;
  /** Shards that were scored, `<split>-<shard>`, in order. */
  readonly scored: string[] = [];
  readonly #splitBytes: number | undefined;

  constructor({ model = timesFive(), models = { 'm/1/model.onnx': 'bytes' }, splitBytes }: PipelineOptions = {}) {
    this.model = model;
    this.#splitBytes = splitBytes;
    const loaded = { with: <T>(_: unknown, use: (model: Model) => Promise<T>): Promise<T> => use(model) };
    this.ports = {
      objects: this.objects,
      queue: this.queue,
      ledger: this.ledger,
      clock: this.clock,
      logger: this.logger,
      models: new MemoryModelStore(models),
      scorer: {
        inspect: (pinned) => inspectModel(loaded, pinned),
        score: (request) => {
          this.scored.push(`${request.shard.split}-${request.shard.shard}`);
          return scoreShard({ objects: this.objects, models: loaded }, request);
        },
      },
    };
  }

  /** Writes an input file; one that is there is overwritten, as an upload does. */
  async put(name: string, content: string | Uint8Array): Promise<ObjectStat> {
    await this.objects.delete('input', name);
    const { object } = await this.objects.create('input', name, Buffer.from(content));
    const { bucket, generation, size } = object;
    return { bucket, name, generation, size };
  }

  request(inputs: readonly string[], template: JobTemplate = {}, change: Partial<JobRequest> = {}): JobRequest {
    return {
      id: jobIdOf('test', ...inputs),
      model: 'm',
      inputs: inputs.map((name) => ({ bucket: 'input', name })),
      template,
      output: (model, time) => folderOutput('output', `${outputFolder(model, time)}/`),
      scratchBucket: 'scratch',
      ...(this.#splitBytes !== undefined && { splitBytes: this.#splitBytes }),
      ...change,
    };
  }

  submit(inputs: readonly string[], template: JobTemplate = {}): Promise<Job> {
    return createJob(this.ports, this.request(inputs, template));
  }

  deliver(message: Message, ports: Ports = this.ports): Promise<void> {
    switch (message.kind) {
      case 'split':
        return split(ports, message);
      case 'score':
        return score(ports, message);
      case 'assemble':
      case 'commit':
        return finalize(ports, message);
      default:
        return message satisfies never;
    }
  }

  /** Delivers every message that is waiting, and those that come of it, once each. @param only those kinds; others wait. */
  async settle(...only: Message['kind'][]): Promise<void> {
    const kept: Message[] = [];
    for (let messages = this.queue.drain(); messages.length > 0; messages = this.queue.drain()) {
      for (const message of messages) {
        if (only.length === 0 || only.includes(message.kind)) await this.deliver(message);
        else kept.push(message);
      }
    }
    await this.queue.publish(kept);
  }

  async bury(message: Message, last?: ErrorInfo): Promise<void> {
    await deadLetter(this.ports, message, last);
  }

  async job(id: string): Promise<Job> {
    const job = await this.ledger.getJob(id);
    if (job === undefined) throw new Error(`no job ${id}`);
    return job;
  }

  async text(bucket: string, name: string): Promise<string> {
    const object = await this.objects.stat(bucket, name);
    if (object === undefined) throw new Error(`no object ${bucket}/${name}`);
    return Buffer.concat(await collect(this.objects.read(object, 0, object.size))).toString();
  }

  /** The lines of a job's output. */
  async lines(job: Job): Promise<string[]> {
    const text = await this.text(job.plan.output.bucket, job.plan.output.results);
    return text.split('\n').slice(0, -1);
  }

  async names(bucket: string): Promise<string[]> {
    return (await collect(this.objects.list(bucket, ''))).map(({ name }) => name);
  }

  /** How many messages of each kind are waiting. */
  waiting(): Partial<Record<Message['kind'], number>> {
    const counts: Partial<Record<Message['kind'], number>> = {};
    for (const { kind } of this.queue.messages) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }
}

/** The port, whose first calls of one method fail, before they do anything. */
export function failFirst<T extends object>(port: T, method: keyof T, times = 1): T {
  let left = times;
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (name === method && left-- > 0) return Promise.reject(new Error(`${String(name)} failed`));
        return Reflect.apply(value, target, args);
      };
    },
  });
}

/** `{"key":0,"x":0}`, `{"key":1,"x":1}` …, a line each. */
export function jsonLines(rows: number, valueOf: (row: number) => unknown = (row) => row): string {
  return Array.from({ length: rows }, (_, row) => `${JSON.stringify({ key: row, x: valueOf(row) })}\n`).join('');
}

export function csvLines(rows: number): string {
  return `key,x\n${Array.from({ length: rows }, (_, row) => `${row},${row}\n`).join('')}`;
}

/** The output of `jsonLines` with the key field and y = 5x. */
export function expectedLines(rows: number): string[] {
  return Array.from({ length: rows }, (_, row) => `{"key":${row},"prediction":${5 * row}}`);
}

export const KEYED = { instanceConfig: { keyField: 'key' } } as const;
