import { isDeepStrictEqual } from 'node:util';
import { setTimeout } from 'node:timers/promises';

import { AggregateField, FieldPath } from '@google-cloud/firestore';
import type {
  CollectionReference,
  DocumentData,
  DocumentReference,
  Firestore,
  Query,
  QueryDocumentSnapshot,
} from '@google-cloud/firestore';

import { JOB_LIFETIME_MS } from '../../shared/config.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import { resultId, shardId, splitId } from '../../shared/names.ts';
import type { Clock, JobPage, Ledger, Progress } from '../../shared/ports.ts';
import type { Part, Result, SplitRecord } from '../../shared/shard.ts';
import { decodePageToken, encodePageToken } from '../../shared/page-token.ts';
import { SystemClock } from './clock.ts';
import * as documents from './documents.ts';
import { isContended, isTaken, translated } from './firestore-errors.ts';

/** Results read at a time: each is 1 MiB at most. */
const RESULT_PAGE = 12;
const PART_PAGE = 32;
/** Documents deleted between two looks for more. */
const DELETE_PAGE = 500;
/** Days after a job's last possible moment that its documents stay, for redrive and for who asks what happened. */
const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;
/** Each is five of the client's. */
const UPDATE_ATTEMPTS = 6;
const UPDATE_BACKOFF_MS = 100;

type Collection = 'splits' | 'results' | 'parts' | 'failures';

/**
 * The ledger in Firestore: `jobs/{job}` and below it `splits`, `results`, `parts` and `failures`. Its queries and aggregations are strongly
 * consistent (Datastore's once were not): a count that starts after a create was acknowledged sees that document. The
 * fan-ins rest on this.
 */
export class GoogleLedger implements Ledger {
  readonly #firestore: Firestore;
  readonly #jobs: CollectionReference;
  readonly #clock: Clock;

  constructor(firestore: Firestore, options: { readonly clock?: Clock } = {}) {
    this.#firestore = firestore;
    this.#jobs = firestore.collection('jobs');
    this.#clock = options.clock ?? new SystemClock();
  }

  async createJob(job: Job): Promise<boolean> {
    return createOnce(this.#job(job.id), documents.jobDocument(job, this.#expireAt()));
  }

  async getJob(job: string): Promise<Job | undefined> {
    const found = await this.#job(job).get();
    return found.exists ? documents.toJob(found) : undefined;
  }

  async listJobs(query: Parameters<Ledger['listJobs']>[0]): Promise<JobPage> {
    const { pageSize, pageToken, states } = query;
    if (states?.length === 0) return { jobs: [] };
    let wanted: Query = this.#jobs.orderBy('createTime', 'desc').orderBy(FieldPath.documentId(), 'desc');
    if (states !== undefined) wanted = wanted.where('state', 'in', states);
    if (pageToken !== undefined) {
      const { createTime, id } = decodePageToken(pageToken);
      wanted = wanted.startAfter(createTime, this.#job(id));
    }
    const found = await wanted.limit(pageSize + 1).get();
    const jobs = found.docs.slice(0, pageSize).map(documents.toJob);
    const last = jobs.at(-1);
    return found.size > pageSize && last !== undefined ? { jobs, nextPageToken: encodePageToken(last) } : { jobs };
  }

  async updateJob(job: string, change: (job: Job) => Job | undefined): Promise<Job> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#updateOnce(job, change);
      } catch (error) {
        if (!isContended(error) || attempt === UPDATE_ATTEMPTS) throw translated(error, `job ${job}`);
        await setTimeout(UPDATE_BACKOFF_MS * 2 ** attempt * Math.random());
      }
    }
  }

  async putSplit(job: string, record: SplitRecord): Promise<void> {
    const document = this.#in(job, 'splits').doc(splitId(record.split));
    if (await createOnce(document, documents.splitDocumentOf(record, this.#expireAt()))) return;
    const there = await this.getSplit(job, record.split);
    if (isDeepStrictEqual(there, { ...record })) return;
    throw new PermanentError(
      'ABORTED',
      `split ${record.split} was recorded differently [job=${job}, there=${JSON.stringify(there)}]`,
    );
  }

  async getSplit(job: string, split: number): Promise<SplitRecord | undefined> {
    const found = await this.#in(job, 'splits').doc(splitId(split)).get();
    return found.exists ? documents.toSplit(found) : undefined;
  }

  async countSplits(job: string): Promise<number> {
    return countOf(this.#in(job, 'splits'));
  }

  async rowsBefore(job: string, split: number): Promise<number> {
    return sumOf(this.#in(job, 'splits').where('split', '<', split), 'rows');
  }

  async createResult(job: string, result: Result): Promise<boolean> {
    const document = this.#in(job, 'results').doc(resultId(result.split, result.shard));
    return createOnce(document, documents.resultDocumentOf(result, this.#expireAt()));
  }

  async hasResult(job: string, split: number, shard: number): Promise<boolean> {
    const document = this.#in(job, 'results').doc(resultId(split, shard));
    const [found] = await this.#firestore.getAll(document, { fieldMask: ['shard'] }); // without its lines
    return found?.exists === true;
  }

  async countResults(job: string, split: number): Promise<number> {
    return countOf(this.#resultsOf(job, split));
  }

  async listResultShards(job: string, split: number): Promise<readonly number[]> {
    const found = await this.#resultsOf(job, split).orderBy('shard').select('shard').get();
    return found.docs.map(documents.toShard);
  }

  async *readResults(job: string, split: number): AsyncIterable<Result> {
    const pages = pagesOf(this.#resultsOf(job, split).orderBy('shard'), RESULT_PAGE);
    for await (const page of pages) for (const document of page) yield documents.toResult(document);
  }

  async createPart(job: string, part: Part): Promise<boolean> {
    const document = this.#in(job, 'parts').doc(splitId(part.split));
    return createOnce(document, documents.partDocument(part, this.#expireAt()));
  }

  async getPart(job: string, split: number): Promise<Part | undefined> {
    const found = await this.#in(job, 'parts').doc(splitId(split)).get();
    return found.exists ? documents.toPart(found) : undefined;
  }

  async countParts(job: string): Promise<number> {
    return countOf(this.#in(job, 'parts'));
  }

  async *readParts(job: string): AsyncIterable<Part> {
    const pages = pagesOf(this.#in(job, 'parts').orderBy('split'), PART_PAGE);
    for await (const page of pages) for (const document of page) yield documents.toPart(document);
  }

  async recordFailure(job: string, split: number, shard: number, error: ErrorInfo): Promise<void> {
    const document = this.#in(job, 'failures').doc(shardId(split, shard));
    await document.set(documents.failureDocument(error, this.#expireAt()));
  }

  async getFailure(job: string, split: number, shard: number): Promise<ErrorInfo | undefined> {
    const found = await this.#in(job, 'failures').doc(shardId(split, shard)).get();
    return found.exists ? documents.toFailure(found) : undefined;
  }

  /** Each sum is a query of its own, which the automatic index of its field serves; several fields at once would need one more index. */
  async progress(job: string): Promise<Progress> {
    const planned = this.#in(job, 'splits');
    const done = this.#in(job, 'results');
    const [splits, plannedShards, plannedRows, results, rows, failed, parts] = await Promise.all([
      countOf(planned),
      sumOf(planned, 'shards'),
      sumOf(planned, 'rows'),
      countOf(done),
      sumOf(done, 'rows'),
      sumOf(done, 'failed'),
      this.countParts(job),
    ]);
    return { splits, plannedShards, plannedRows, results, rows, failed, parts };
  }

  async deleteScratch(job: string): Promise<void> {
    for (const name of ['results', 'splits', 'failures'] as const) await this.#deleteAll(this.#in(job, name));
  }

  async deleteJob(job: string): Promise<void> {
    await this.deleteScratch(job);
    await this.#deleteAll(this.#in(job, 'parts'));
    await this.#job(job).delete();
  }

  /** A job's id comes from outside: it must be one name, and no path. */
  #job(id: string): DocumentReference {
    if (/^(?!\.\.?$|__.*__$)[^/]{1,256}$/.test(id)) return this.#jobs.doc(id);
    throw new PermanentError('INVALID_ARGUMENT', `${JSON.stringify(id)} is no job's id`);
  }

  #in(job: string, collection: Collection): CollectionReference {
    return this.#job(job).collection(collection);
  }

  #resultsOf(job: string, split: number): Query {
    return this.#in(job, 'results').where('split', '==', split);
  }

  /** From the time of writing: nothing is written under a job after its lifetime. */
  #expireAt(): Date {
    return new Date(this.#clock.now() + JOB_LIFETIME_MS + RETENTION_MS);
  }

  #updateOnce(id: string, change: (job: Job) => Job | undefined): Promise<Job> {
    const document = this.#job(id);
    return this.#firestore.runTransaction(async (transaction) => {
      const found = await transaction.get(document);
      if (!found.exists) throw new PermanentError('NOT_FOUND', `no job ${id}`);
      const before = documents.toJob(found);
      const after = change(before);
      if (after === undefined) return documents.toJob(found);
      transaction.set(document, documents.jobDocument(after, this.#expireAt()));
      return JSON.parse(JSON.stringify(after)) as Job;
    });
  }

  /** Goes on behind what it deleted: looking from the start again would step over every one of them. */
  async #deleteAll(collection: CollectionReference): Promise<void> {
    const writer = this.#firestore.bulkWriter();
    for await (const page of pagesOf(collection.select(), DELETE_PAGE)) {
      const deleted = page.map((document) => writer.delete(document.ref));
      await Promise.all([...deleted, writer.flush()]);
    }
    await writer.close();
  }
}

/** @returns false where the document exists already; also where the client sent a create again whose answer was lost. */
async function createOnce(document: DocumentReference, data: DocumentData): Promise<boolean> {
  try {
    await document.create(data);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw translated(error, document.path);
  }
}

async function countOf(query: Query): Promise<number> {
  return (await query.count().get()).data().count;
}

async function sumOf(query: Query, field: string): Promise<number> {
  return (await query.aggregate({ sum: AggregateField.sum(field) }).get()).data().sum;
}

/** No query stays open while a page is used, however long that takes. */
async function* pagesOf(query: Query, size: number): AsyncGenerator<readonly QueryDocumentSnapshot[]> {
  let next = query;
  for (;;) {
    const { docs } = await next.limit(size).get();
    if (docs.length > 0) yield docs;
    const last = docs.at(-1);
    if (last === undefined || docs.length < size) return;
    next = query.startAfter(last);
  }
}
