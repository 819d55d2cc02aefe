const MiB = 1024 * 1024;

/** What one instance takes at once. */
export interface PredictLimits {
  /** Bytes of a request's body, decompressed. */
  readonly maxBodyBytes: number;
  /** Instances (or examples) of one request. */
  readonly maxInstances: number;
  /** Requests that wait for a model; one more is answered 429. */
  readonly maxQueuedRequests: number;
  /** Rows that requests of one model version and signature are joined to. A larger request is scored by itself. */
  readonly maxBatchRows: number;
  /** Milliseconds that requests wait to be joined while another batch is being scored. None is waited where nothing is. */
  readonly batchDelayMs: number;
}

/** Cloud Run takes requests of 32 MiB. A queue of 1,000 is some seconds of work: who comes later should rather ask another instance. */
export const PREDICT_LIMITS: PredictLimits = {
  maxBodyBytes: 32 * MiB,
  maxInstances: 100_000,
  maxQueuedRequests: 1_000,
  maxBatchRows: 1_024,
  batchDelayMs: 2,
};
