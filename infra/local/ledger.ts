/* eslint-disable @typescript-eslint/require-await -- SQLite answers at once: async turns its throws into rejections */
import { setImmediate } from 'node:timers/promises';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

import { PermanentError } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import type { JobPage, Ledger, Progress } from '../../shared/ports.ts';
import type { Part, Result, ResultRows, SplitRecord } from '../../shared/shard.ts';
import { openDatabase, transaction } from './database.ts';
import { PART_PAGE, RESULT_PAGE, SQL } from './ledger-sql.ts';
import { decodePageToken, encodePageToken } from '../../shared/page-token.ts';

/** Pages given back to the file system in one go: the write lock is free in between. */
const VACUUM_PAGES = 1000;

type Row = Readonly<Record<string, unknown>>;

/** The ledger in one SQLite file, which several processes may have open. */
export class LocalLedger implements Ledger {
  readonly #database: DatabaseSync;
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>;

  /**
   * @param file the database's path; its folder is made. `:memory:` keeps nothing.
   * @throws PermanentError FAILED_PRECONDITION where a newer Fanfold wrote the file.
   */
  constructor(file: string) {
    this.#database = openDatabase(file);
    this.#statements = Object.fromEntries(
      Object.entries(SQL).map(([name, sql]) => [name, this.#database.prepare(sql)]),
    ) as Record<keyof typeof SQL, StatementSync>;
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  async createJob(job: Job): Promise<boolean> {
    return this.#run('createJob', job.id, job.state, job.createTime, JSON.stringify(job));
  }

  async getJob(job: string): Promise<Job | undefined> {
    return this.#json('getJob', job) as Job | undefined;
  }

  async listJobs(query: Parameters<Ledger['listJobs']>[0]): Promise<JobPage> {
    const after =
      query.pageToken === undefined ? { createTime: '\u{10ffff}', id: '' } : decodePageToken(query.pageToken);
    const rows = this.#statements.listJobs.all({
      time: after.createTime,
      id: after.id,
      states: query.states === undefined ? null : JSON.stringify(query.states),
      limit: query.pageSize + 1,
    });
    const jobs = rows.slice(0, query.pageSize).map((row) => JSON.parse(row['json'] as string) as Job);
    const last = jobs.at(-1);
    return rows.length > query.pageSize && last !== undefined
      ? { jobs, nextPageToken: encodePageToken(last) }
      : { jobs };
  }

  async updateJob(job: string, change: (job: Job) => Job | undefined): Promise<Job> {
    return transaction(this.#database, () => {
      const before = this.#json('getJob', job) as Job | undefined;
      if (before === undefined) throw new PermanentError('NOT_FOUND', `no job ${job}`);
      const after = change(before);
      if (after === undefined) return this.#json('getJob', job) as Job;
      const json = JSON.stringify(after);
      this.#run('updateJob', after.state, json, job);
      return JSON.parse(json) as Job;
    });
  }

  async putSplit(job: string, record: SplitRecord): Promise<void> {
    const { split, start, end, shards, rows } = record;
    if (this.#run('createSplit', job, split, start, end, shards, rows)) return;
    const there = this.#get('getSplit', job, split) as SplitRecord | undefined;
    if (there?.start === start && there.end === end && there.shards === shards && there.rows === rows) return;
    throw new PermanentError(
      'ABORTED',
      `split ${split} was recorded differently [job=${job}, there=${JSON.stringify(there)}]`,
    );
  }

  async getSplit(job: string, split: number): Promise<SplitRecord | undefined> {
    const row = this.#get('getSplit', job, split);
    return row && ({ ...row } as unknown as SplitRecord);
  }

  async countSplits(job: string): Promise<number> {
    return this.#number('countSplits', 'count', job);
  }

  async rowsBefore(job: string, split: number): Promise<number> {
    return this.#number('rowsBefore', 'rows', job, split);
  }

  async createResult(job: string, result: Result): Promise<boolean> {
    const { split, shard, rows, failed, errors, runtime, metrics, outputs, lines } = result;
    return transaction(this.#database, () => {
      if (this.#get('hasResult', job, split, shard) !== undefined) return false;
      const [bytes, object] = lines.kind === 'inline' ? [lines.bytes, null] : [null, JSON.stringify(lines)];
      const body = this.#statements.createBody.run(
        JSON.stringify(errors),
        runtime ?? null,
        JSON.stringify({ metrics, outputs }),
        bytes,
        object,
      ).lastInsertRowid;
      return this.#run('createResult', job, split, shard, rows, failed, body);
    });
  }

  async hasResult(job: string, split: number, shard: number): Promise<boolean> {
    return this.#get('hasResult', job, split, shard) !== undefined;
  }

  async countResults(job: string, split: number): Promise<number> {
    return this.#number('countResults', 'count', job, split);
  }

  async listResultShards(job: string, split: number): Promise<readonly number[]> {
    return this.#statements.listResultShards.all(job, split).map((row) => row['shard'] as number);
  }

  async *readResults(job: string, split: number): AsyncIterable<Result> {
    for (let last = -1; ;) {
      const rows = this.#statements.readResults.all(job, split, last) as unknown as ResultRow[];
      for (const row of rows) yield resultOf(row);
      const end = rows.at(-1);
      if (end === undefined || rows.length < RESULT_PAGE) return;
      last = end.shard;
    }
  }

  async createPart(job: string, part: Part): Promise<boolean> {
    return this.#run('createPart', job, part.split, JSON.stringify(part));
  }

  async getPart(job: string, split: number): Promise<Part | undefined> {
    return this.#json('getPart', job, split) as Part | undefined;
  }

  async countParts(job: string): Promise<number> {
    return this.#number('countParts', 'count', job);
  }

  async *readParts(job: string): AsyncIterable<Part> {
    for (let last = -1; ;) {
      const rows = this.#statements.readParts.all(job, last);
      for (const row of rows) yield JSON.parse(row['json'] as string) as Part;
      if (rows.length < PART_PAGE) return;
      last = rows.at(-1)?.['split'] as number;
    }
  }

  async recordFailure(job: string, split: number, shard: number, error: ErrorInfo): Promise<void> {
    this.#run('recordFailure', job, split, shard, JSON.stringify(error));
  }

  async getFailure(job: string, split: number, shard: number): Promise<ErrorInfo | undefined> {
    return this.#json('getFailure', job, split, shard) as ErrorInfo | undefined;
  }

  async progress(job: string): Promise<Progress> {
    const parts = this.#number('countParts', 'count', job);
    return { ...this.#get('planned', job), ...this.#get('scored', job), parts } as Progress;
  }

  async deleteScratch(job: string): Promise<void> {
    for (let next = this.#get('someSplit', job); next !== undefined; next = this.#get('someSplit', job)) {
      const split = next['split'] as number;
      transaction(this.#database, () => {
        this.#run('deleteBodies', job, split);
        this.#run('deleteResults', job, split);
      });
      await setImmediate(); // others use the connection between one split and the next
    }
    transaction(this.#database, () => {
      this.#run('deleteSplits', job);
      this.#run('deleteFailures', job);
    });
    await this.#giveBackSpace();
  }

  async deleteJob(job: string): Promise<void> {
    await this.deleteScratch(job);
    transaction(this.#database, () => {
      this.#run('deleteParts', job);
      this.#run('deleteJob', job);
    });
  }

  /** Cuts free pages off the file; what SQLite would use again anyway, so that a large job does not leave a large file. */
  async #giveBackSpace(): Promise<void> {
    let before = Infinity;
    for (let free = this.#freePages(); free > 0 && free < before; free = this.#freePages()) {
      before = free;
      this.#database.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
      await setImmediate();
    }
  }

  #freePages(): number {
    return this.#number('freePages', 'freelist_count');
  }

  #get(statement: keyof typeof SQL, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#statements[statement].get(...parameters);
  }

  /** What stands in the column `json` of the row, if there is one. */
  #json(statement: keyof typeof SQL, ...parameters: SQLInputValue[]): unknown {
    const row = this.#get(statement, ...parameters);
    return row && (JSON.parse(row['json'] as string) as unknown);
  }

  #number(statement: keyof typeof SQL, column: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#get(statement, ...parameters)?.[column]);
  }

  /** @returns whether the statement changed anything. */
  #run(statement: keyof typeof SQL, ...parameters: SQLInputValue[]): boolean {
    return this.#statements[statement].run(...parameters).changes > 0;
  }
}

/** As `readResults` selects it. */
interface ResultRow extends Pick<Result, 'split' | 'shard' | 'rows' | 'failed'> {
  readonly errors: string;
  readonly runtime: string | null;
  readonly details: string;
  readonly bytes: Uint8Array;
  readonly object: string | null;
}

function resultOf({ errors, runtime, details, bytes, object, ...counts }: ResultRow): Result {
  const lines: ResultRows = object === null ? { kind: 'inline', bytes } : (JSON.parse(object) as ResultRows);
  const known = JSON.parse(details) as Pick<Result, 'metrics' | 'outputs'>;
  const result = { ...counts, ...known, errors: JSON.parse(errors) as Result['errors'], lines };
  return runtime === null ? result : { ...result, runtime };
}
