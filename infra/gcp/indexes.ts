/**
 * What the ledger's queries need of Firestore's indexes, as data: terraform/ creates exactly these (google_firestore_index and
 * google_firestore_field), and a test holds the two together. The emulator needs none, and does not complain where one is missing.
 *
 * All collections but `jobs` are subcollections; query scope is COLLECTION throughout. Firestore ends every index with `__name__` in
 * the direction of the last field. Automatic single-field indexes serve the rest: the count of a split's results, parts by split, the sums.
 */

export interface CompositeIndex {
  readonly collection: string;
  readonly fields: readonly { readonly field: string; readonly order: 'ASCENDING' | 'DESCENDING' }[];
}

export const COMPOSITE_INDEXES: readonly CompositeIndex[] = [
  // The list of jobs in some states, newest first.
  {
    collection: 'jobs',
    fields: [
      { field: 'state', order: 'ASCENDING' },
      { field: 'createTime', order: 'DESCENDING' },
    ],
  },
  // A split's results in shard order, and the shards that have one.
  {
    collection: 'results',
    fields: [
      { field: 'split', order: 'ASCENDING' },
      { field: 'shard', order: 'ASCENDING' },
    ],
  },
  // The sum of rows over the splits before one: an aggregation with a filter needs both fields in one index.
  {
    collection: 'splits',
    fields: [
      { field: 'split', order: 'ASCENDING' },
      { field: 'rows', order: 'ASCENDING' },
    ],
  },
];

/**
 * Fields that nobody asks for, exempt from the automatic indexes: an index multiplies a write's latency and price, and
 * `expireAt`, which only grows, would make one spot of an index hot.
 */
export const UNINDEXED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  jobs: ['expireAt', 'json', 'model'],
  splits: ['end', 'expireAt', 'start'],
  results: ['bytes', 'details', 'errors', 'expireAt', 'object', 'runtime', 'shard'],
  parts: ['expireAt', 'json'],
  failures: ['expireAt', 'json'],
};

/** The field that Firestore's time-to-live policy deletes by, in each of these collections. */
export const TTL_FIELD = 'expireAt';
export const TTL_COLLECTIONS: readonly string[] = ['jobs', 'splits', 'results', 'parts', 'failures'];
