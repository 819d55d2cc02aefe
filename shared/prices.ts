/**
 * Google Cloud's published prices and quotas that a job's cost and time depend on, as of 2026-11-21, for us-central1, in US dollars, beyond the
 * free tiers. Look them up again before you rely on them: https://cloud.google.com/pubsub/pricing, /firestore/pricing, /storage/pricing, /run/pricing.
 */
export const PRICES = {
  asOf: '2026-11-21',
  /** Per TiB published, and the same again delivered; a request counts as 1,000 bytes at least. */
  pubsubTiB: 40,
  pubsubMinimumBytes: 1_000,
  firestoreWrite: 0.09 / 100_000,
  firestoreRead: 0.03 / 100_000,
  firestoreDelete: 0.01 / 100_000,
  /** Inserts, composes and lists are class A; reads class B; deletes are free. */
  storageClassA: 0.005 / 1_000,
  storageClassB: 0.0004 / 1_000,
  /** Cloud Run functions, billed while a request is under way. */
  vcpuSecond: 0.000024,
  gibSecond: 0.0000025,
  request: 0.4 / 1_000_000,
} as const;

/** Sustained rates, each with what it limits. */
export const QUOTAS = {
  /** New document traffic starts at 500 operations a second and may grow by half every five minutes ("500/50/5"). */
  firestoreStartPerSecond: 500,
  firestoreGrowth: 1.5,
  firestoreGrowthSeconds: 300,
  /** A bucket serves so many from the start, and more as it splits its ranges. */
  storageReadsPerSecond: 5_000,
  storageWritesPerSecond: 1_000,
  /** One object name, one document: sustained writes. */
  writesPerSecondOfOneName: 1,
  /** Bytes a second published to push subscriptions in one region (regional quota of a large region). */
  pubsubPushBytesPerSecond: 440_000_000,
} as const;
