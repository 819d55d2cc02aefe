import { ErrorGroups } from '../../shared/error-groups.ts';
import { PermanentError } from '../../shared/errors.ts';
import { insertRowKeys } from '../../shared/formats/row-keys.ts';
import type { Job } from '../../shared/job.ts';
import { addMetrics } from '../../shared/metrics.ts';
import type { InferenceMetrics } from '../../shared/metrics.ts';
import { shardId } from '../../shared/names.ts';
import type { ByteStream, Ports, StoredObject } from '../../shared/ports.ts';
import type { Part, Result, ShardExtent, SplitRecord } from '../../shared/shard.ts';

type AssemblyPorts = Pick<Ports, 'objects' | 'ledger'>;

/** One pass over a split's results: their lines, and the counts and extents gathered on the way. */
export class Assembly {
  readonly #ports: AssemblyPorts;
  readonly #job: Job;
  readonly #record: SplitRecord;
  readonly #firstRow: number | undefined;
  readonly #errors = new ErrorGroups();
  readonly #shards: ShardExtent[] = [];
  readonly #runtimes = new Set<string>();
  #metrics: InferenceMetrics | undefined;
  #rows = 0;
  #failed = 0;
  /** Of lines so far: a shard's extent is that of its lines, also where they become another format. */
  #bytes = 0;

  constructor(ports: AssemblyPorts, job: Job, record: SplitRecord, firstRow: number | undefined) {
    this.#ports = ports;
    this.#job = job;
    this.#record = record;
    this.#firstRow = firstRow;
  }

  /** The split's output lines, with their row keys. */
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

  /**
   * What the pass found; asked for when it is over.
   * @param size bytes that the lines became: those of the object, if it is this split's.
   */
  part(object: StoredObject, size: number): Part {
    if (object.size !== size) this.#lost(`${object.size} bytes in ${object.name}, ${size} in its results`);
    return {
      split: this.#record.split,
      rows: this.#rows,
      failed: this.#failed,
      object,
      shards: this.#shards,
      errors: this.#errors.list(),
      runtimes: [...this.#runtimes].sort(),
      ...(this.#metrics && { metrics: this.#metrics }),
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
    if (result.metrics !== undefined)
      this.#metrics = this.#metrics === undefined ? result.metrics : addMetrics(this.#metrics, result.metrics);
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
