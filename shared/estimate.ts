import { COMPOSE_FAN_IN, MAX_INLINE_RESULT_BYTES, TEMPLATE_DEFAULTS, SPLIT_BYTES } from './config.ts';
import { PRICES, QUOTAS } from './prices.ts';

/** What a job is, for an estimate. */
export interface JobSize {
  readonly rows: number;
  /** Bytes of input and of output per row. */
  readonly rowBytes: number;
  readonly outputBytes: number;
  /** Rows that one vCPU scores in a second, reading and writing included. */
  readonly rowsPerSecond: number;
  /** Where the input's bytes do not say it: a compressed file is one split, a table has units of its own. */
  readonly splits?: number;
  /** Whether shards are staged as objects, because what they are cut from cannot be ranged: compressed files and tables. */
  readonly staged?: boolean;
  /**
   * Bytes of records of the longest stretch that one function after the other, or one alone, must look through: a file of CSV or TFRecords, a compressed
   * file, a table's unit. Unset: splits are found side by side.
   */
  readonly sequenceBytes?: number;
  /** Objects that scoring fetches for each row: those that a file list names. */
  readonly objectsPerRow?: number;
}

/** What the deployment may use: terraform's defaults. */
export interface Fleet {
  readonly instances: number;
  readonly vcpus: number;
  readonly gib: number;
}

export const DEFAULT_FLEET: Fleet = { instances: 200, vcpus: 1, gib: 2 };

/** Bytes of a task as it is published: coordinates and a range. */
const MESSAGE_BYTES = 500;
/** Seconds that a function needs to start and load a small model, and that a split takes to be cut, an output to be committed. */
const COLD_START_SECONDS = 8;
const SPLIT_SECONDS = 2;
const COMMIT_SECONDS = 3;
/** Bytes of records that a split function looks through, unpacks or writes as JSON in a second, staging included. */
const SEQUENCE_BYTES_PER_SECOND = 40_000_000;
/** A look at an object, and its bytes. */
const READS_PER_OBJECT = 2;
/** The sum of what one shard asks of the ledger: reads, and a result's write and delete. */
const READS_PER_SHARD = 5;

export interface Estimate {
  readonly splits: number;
  readonly shards: number;
  readonly messages: number;
  readonly documentWrites: number;
  readonly documentReads: number;
  readonly documentDeletes: number;
  readonly storageClassA: number;
  readonly storageClassB: number;
  readonly requests: number;
  /** Seconds by each limit alone; the largest is what binds. */
  readonly secondsBy: Readonly<Record<Limit, number>>;
  readonly binds: Limit;
  readonly seconds: number;
  readonly dollarsBy: Readonly<Record<'compute' | 'pubsub' | 'firestore' | 'storage', number>>;
  readonly dollars: number;
}

type Limit =
  | 'instances of score'
  | 'reading in sequence'
  | 'Firestore writes (500/50/5)'
  | 'bucket reads'
  | 'bucket writes'
  | 'Pub/Sub push';

/** Time, operations and dollars of a job on Google Cloud, from the published prices and quotas. */
export function estimate(size: JobSize, fleet: Fleet = DEFAULT_FLEET): Estimate {
  const rowsPerShard = Math.max(
    1,
    Math.min(TEMPLATE_DEFAULTS.maxItemsPerBatch, Math.floor(TEMPLATE_DEFAULTS.maxInputBytesPerBatch / size.rowBytes)),
  );
  const splits = size.splits ?? Math.max(1, Math.ceil((size.rows * size.rowBytes) / SPLIT_BYTES));
  const shards = Math.max(splits, Math.ceil(size.rows / rowsPerShard));
  const largeResults = rowsPerShard * size.outputBytes > MAX_INLINE_RESULT_BYTES ? shards : 0;
  const messages = shards + 2 * splits + 1;
  const counts = {
    splits,
    shards,
    messages,
    documentWrites: shards + 2 * splits + 4,
    documentReads: READS_PER_SHARD * shards + shards + 6 * splits,
    documentDeletes: shards + splits,
    storageClassA:
      largeResults + (size.staged === true ? shards : 0) + splits + Math.ceil(splits / (COMPOSE_FAN_IN - 1)) + 3,
    storageClassB: shards + splits + largeResults + READS_PER_OBJECT * (size.objectsPerRow ?? 0) * size.rows,
    requests: messages,
  };
  const secondsBy = secondsByLimit(size, fleet, counts);
  const binds = (Object.keys(secondsBy) as Limit[]).reduce((most, limit) =>
    secondsBy[limit] > secondsBy[most] ? limit : most,
  );
  const dollarsBy = dollars(size, fleet, counts);
  return {
    ...counts,
    secondsBy,
    binds,
    seconds: secondsBy[binds] + COLD_START_SECONDS + SPLIT_SECONDS + COMMIT_SECONDS,
    dollarsBy,
    dollars: Object.values(dollarsBy).reduce((sum, value) => sum + value, 0),
  };
}

type Counts = Omit<Estimate, 'secondsBy' | 'binds' | 'seconds' | 'dollarsBy' | 'dollars'>;

function secondsByLimit(
  { rows, rowsPerSecond, sequenceBytes = 0 }: JobSize,
  fleet: Fleet,
  counts: Counts,
): Record<Limit, number> {
  return {
    'instances of score': rows / rowsPerSecond / (fleet.instances * fleet.vcpus),
    'reading in sequence': sequenceBytes / SEQUENCE_BYTES_PER_SECOND,
    'Firestore writes (500/50/5)': rampSeconds(counts.documentWrites + counts.documentDeletes),
    'bucket reads': counts.storageClassB / QUOTAS.storageReadsPerSecond,
    'bucket writes': counts.storageClassA / QUOTAS.storageWritesPerSecond,
    'Pub/Sub push':
      (counts.messages * Math.max(MESSAGE_BYTES, PRICES.pubsubMinimumBytes)) / QUOTAS.pubsubPushBytesPerSecond,
  };
}

/** Seconds for so many writes to a collection that starts cold: 500 a second, half as many more every five minutes. */
function rampSeconds(writes: number): number {
  let rate: number = QUOTAS.firestoreStartPerSecond;
  let seconds = 0;
  let left = writes;
  while (left > rate * QUOTAS.firestoreGrowthSeconds) {
    left -= rate * QUOTAS.firestoreGrowthSeconds;
    seconds += QUOTAS.firestoreGrowthSeconds;
    rate *= QUOTAS.firestoreGrowth;
  }
  return seconds + left / rate;
}

function dollars({ rows, rowsPerSecond }: JobSize, fleet: Fleet, counts: Counts): Estimate['dollarsBy'] {
  const vcpuSeconds = rows / rowsPerSecond;
  const bytes = counts.messages * Math.max(MESSAGE_BYTES, PRICES.pubsubMinimumBytes);
  return {
    compute:
      vcpuSeconds * (PRICES.vcpuSecond + (fleet.gib / fleet.vcpus) * PRICES.gibSecond) +
      counts.requests * PRICES.request,
    pubsub: (2 * bytes * PRICES.pubsubTiB) / 2 ** 40,
    firestore:
      counts.documentWrites * PRICES.firestoreWrite +
      counts.documentReads * PRICES.firestoreRead +
      counts.documentDeletes * PRICES.firestoreDelete,
    storage: counts.storageClassA * PRICES.storageClassA + counts.storageClassB * PRICES.storageClassB,
  };
}
