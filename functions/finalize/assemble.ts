import { ErrorGroups } from '../../shared/error-groups.ts';
import { PermanentError } from '../../shared/errors.ts';
import { announceJob, isSplitComplete, needsRowNumbers } from '../../shared/fan-in.ts';
import { insertRowKeys } from '../../shared/formats/row-keys.ts';
import type { Job } from '../../shared/job.ts';
import type { AssembleTask } from '../../shared/messages.ts';
import { partName, shardId } from '../../shared/names.ts';
import type { ByteStream, Ports, StoredObject } from '../../shared/ports.ts';
import type { Part, Result, ShardExtent, SplitRecord } from '../../shared/shard.ts';
import { runTask } from '../job-task.ts';

export type AssemblePorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'clock' | 'logger'>;

/** Streams a complete split's results, in shard order, into its part; then makes the completion check of the job. */
export async function assemble(ports: AssemblePorts, task: AssembleTask): Promise<void> {
  await runTask(ports, task.job, async (job) => {
    if ((await ports.ledger.getPart(job.id, task.split)) === undefined) {
      if (!(await isSplitComplete(ports, job, task.split))) return; // announced too early: whoever completes it announces again
      await ports.ledger.createPart(job.id, await writePart(ports, job, task.split));
    }
    await announceJob(ports, job);
  });
}

async function writePart(ports: AssemblePorts, job: Job, split: number): Promise<Part> {
  const record = await ports.ledger.getSplit(job.id, split);
  if (record === undefined) throw new Error(`no record [job=${job.id}, split=${split}]`);
  const firstRow = needsRowNumbers(job) ? await ports.ledger.rowsBefore(job.id, split) : undefined;
  let assembly = new Assembly(ports, job, record, firstRow);
  const { bucket, prefix } = job.plan.scratch;
  const { created, object } = await ports.objects.create(bucket, partName(prefix, split), assembly.lines());
  if (!created) {
    // Written by an attempt that ended before it could say so. Results never change, so the content is equal; its index is counted anew.
    assembly = new Assembly(ports, job, record, firstRow);
    await assembly.recount();
  }
  return assembly.part(object);
}

/** One pass over a split's results: their lines, and the counts and extents gathered on the way. */
class Assembly {
  readonly #ports: AssemblePorts;
  readonly #job: Job;
  readonly #record: SplitRecord;
  readonly #firstRow: number | undefined;
  readonly #errors = new ErrorGroups();
  readonly #shards: ShardExtent[] = [];
  readonly #runtimes = new Set<string>();
  #rows = 0;
  #failed = 0;
  #bytes = 0;

  constructor(ports: AssemblePorts, job: Job, record: SplitRecord, firstRow: number | undefined) {
    this.#ports = ports;
    this.#job = job;
    this.#record = record;
    this.#firstRow = firstRow;
  }

  async *lines(): ByteStream {
    for await (const result of this.#ports.ledger.readResults(this.#job.id, this.#record.split)) {
      const before = this.#bytes;
      for await (const chunk of this.#numbered(result)) {
        this.#bytes += chunk.length;
        yield chunk;
      }
      this.#count(result, this.#bytes - before);
    }
    this.#check();
  }

  /** The same pass without a use for the lines. */
  async recount(): Promise<void> {
    const lines = this.lines()[Symbol.asyncIterator]();
    while ((await lines.next()).done !== true);
  }

  part(object: StoredObject): Part {
    if (object.size !== this.#bytes)
      this.#lost(`${object.size} bytes in ${object.name}, ${this.#bytes} in its results`);
    return {
      split: this.#record.split,
      rows: this.#rows,
      failed: this.#failed,
      object,
      shards: this.#shards,
      errors: this.#errors.list(),
      runtimes: [...this.#runtimes].sort(),
    };
  }

  #numbered(result: Result): ByteStream {
    const lines = this.#stored(result);
    if (this.#firstRow === undefined || (result.lines.kind === 'object' && result.lines.numbered)) return lines;
    return insertRowKeys(lines, this.#firstRow + this.#rows);
  }

  async *#stored({ lines }: Result): ByteStream {
    if (lines.kind === 'inline') yield lines.bytes;
    else yield* this.#ports.objects.read(lines.object, lines.start, lines.end);
  }

  #count(result: Result, bytes: number): void {
    if (result.shard !== this.#shards.length)
      this.#lost(`no result of shard ${shardId(result.split, this.#shards.length)}`);
    this.#errors.merge(result.errors, this.#rows);
    this.#shards.push({ rows: result.rows, failed: result.failed, bytes });
    this.#rows += result.rows;
    this.#failed += result.failed;
    if (result.runtime !== undefined) this.#runtimes.add(result.runtime);
  }

  #check(): void {
    const { shards, rows } = this.#record;
    if (this.#shards.length !== shards) this.#lost(`${this.#shards.length} results of ${shards} shards`);
    if (this.#rows !== rows) this.#lost(`${this.#rows} output rows of ${rows} input rows`);
  }

  #lost(what: string): never {
    throw new PermanentError('DATA_LOSS', `${what} [job=${this.#job.id}, split=${this.#record.split}]`);
  }
}
