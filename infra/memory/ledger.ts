/* eslint-disable @typescript-eslint/require-await -- all is at hand: async turns throws into rejections */
import { isDeepStrictEqual } from 'node:util';

import { PermanentError } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import type { JobPage, Ledger, Progress } from '../../shared/ports.ts';
import type { Part, Result, SplitRecord } from '../../shared/shard.ts';
import { decodePageToken, encodePageToken } from '../../shared/page-token.ts';

/** What belongs to a job; also kept for a job that does not exist (yet, or any more), as the other ledgers do. */
interface Records {
  readonly splits: Map<number, SplitRecord>;
  /** By split, then by shard. */
  readonly results: Map<number, Map<number, Result>>;
  readonly parts: Map<number, Part>;
  readonly failures: Map<string, ErrorInfo>;
}

/** Everything goes in and comes out as a copy. */
export class MemoryLedger implements Ledger {
  readonly #jobs = new Map<string, Job>();
  readonly #records = new Map<string, Records>();

  async createJob(job: Job): Promise<boolean> {
    return createIn(this.#jobs, job.id, job);
  }

  async getJob(job: string): Promise<Job | undefined> {
    return structuredClone(this.#jobs.get(job));
  }

  async listJobs(query: Parameters<Ledger['listJobs']>[0]): Promise<JobPage> {
    const after = query.pageToken === undefined ? undefined : decodePageToken(query.pageToken);
    const found = [...this.#jobs.values()]
      .filter((job) => query.states === undefined || query.states.includes(job.state))
      .sort(newestFirst)
      .filter((job) => after === undefined || newestFirst(after, job) < 0);
    const jobs = structuredClone(found.slice(0, query.pageSize));
    const last = jobs.at(-1);
    return found.length > jobs.length && last !== undefined ? { jobs, nextPageToken: encodePageToken(last) } : { jobs };
  }

  async updateJob(job: string, change: (job: Job) => Job | undefined): Promise<Job> {
    const before = this.#jobs.get(job);
    if (before === undefined) throw new PermanentError('NOT_FOUND', `no job ${job}`);
    const after = change(structuredClone(before)) ?? before;
    this.#jobs.set(job, structuredClone(after));
    return structuredClone(after);
  }

  async putSplit(job: string, record: SplitRecord): Promise<void> {
    const { splits } = this.#of(job);
    if (createIn(splits, record.split, record) || isDeepStrictEqual(splits.get(record.split), record)) return;
    throw new PermanentError('ABORTED', `split ${record.split} was recorded differently [job=${job}]`);
  }

  async getSplit(job: string, split: number): Promise<SplitRecord | undefined> {
    return structuredClone(this.#of(job).splits.get(split));
  }

  async countSplits(job: string): Promise<number> {
    return this.#of(job).splits.size;
  }

  async rowsBefore(job: string, split: number): Promise<number> {
    return sum(
      [...this.#of(job).splits.values()].filter((record) => record.split < split),
      'rows',
    );
  }

  async createResult(job: string, result: Result): Promise<boolean> {
    const { results } = this.#of(job);
    const shards = results.get(result.split) ?? new Map<number, Result>();
    results.set(result.split, shards);
    return createIn(shards, result.shard, result);
  }

  async hasResult(job: string, split: number, shard: number): Promise<boolean> {
    return this.#shards(job, split).has(shard);
  }

  async countResults(job: string, split: number): Promise<number> {
    return this.#shards(job, split).size;
  }

  async listResultShards(job: string, split: number): Promise<readonly number[]> {
    return [...this.#shards(job, split).keys()].sort((a, b) => a - b);
  }

  async *readResults(job: string, split: number): AsyncIterable<Result> {
    for (const shard of await this.listResultShards(job, split)) {
      const result = this.#shards(job, split).get(shard);
      if (result !== undefined) yield structuredClone(result);
    }
  }

  async createPart(job: string, part: Part): Promise<boolean> {
    return createIn(this.#of(job).parts, part.split, part);
  }

  async getPart(job: string, split: number): Promise<Part | undefined> {
    return structuredClone(this.#of(job).parts.get(split));
  }

  async countParts(job: string): Promise<number> {
    return this.#of(job).parts.size;
  }

  async *readParts(job: string): AsyncIterable<Part> {
    const parts = [...this.#of(job).parts.values()].sort((a, b) => a.split - b.split);
    for (const part of parts) {
      await Promise.resolve();
      yield structuredClone(part);
    }
  }

  async recordFailure(job: string, split: number, shard: number, error: ErrorInfo): Promise<void> {
    this.#of(job).failures.set(`${split}-${shard}`, structuredClone(error));
  }

  async getFailure(job: string, split: number, shard: number): Promise<ErrorInfo | undefined> {
    return structuredClone(this.#of(job).failures.get(`${split}-${shard}`));
  }

  async progress(job: string): Promise<Progress> {
    const { parts, ...records } = this.#of(job);
    const splits = [...records.splits.values()];
    const results = [...records.results.values()].flatMap((shards) => [...shards.values()]);
    return {
      splits: splits.length,
      plannedShards: sum(splits, 'shards'),
      plannedRows: sum(splits, 'rows'),
      results: results.length,
      rows: sum(results, 'rows'),
      failed: sum(results, 'failed'),
      parts: parts.size,
    };
  }

  async deleteScratch(job: string): Promise<void> {
    const { splits, results, failures } = this.#of(job);
    for (const records of [splits, results, failures]) records.clear();
  }

  async deleteJob(job: string): Promise<void> {
    this.#records.delete(job);
    this.#jobs.delete(job);
  }

  #of(job: string): Records {
    const found = this.#records.get(job) ?? {
      splits: new Map(),
      results: new Map(),
      parts: new Map(),
      failures: new Map(),
    };
    this.#records.set(job, found);
    return found;
  }

  #shards(job: string, split: number): ReadonlyMap<number, Result> {
    return this.#of(job).results.get(split) ?? new Map<number, Result>();
  }
}

/** @returns false where the key is taken: what is there stays. */
function createIn<K, V>(map: Map<K, V>, key: K, value: V): boolean {
  if (map.has(key)) return false;
  map.set(key, structuredClone(value));
  return true;
}

function newestFirst(a: Pick<Job, 'createTime' | 'id'>, b: Pick<Job, 'createTime' | 'id'>): number {
  if (a.createTime !== b.createTime) return a.createTime < b.createTime ? 1 : -1;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

function sum<K extends string>(records: readonly Readonly<Record<K, number>>[], field: K): number {
  return records.reduce((total, record) => total + record[field], 0);
}
