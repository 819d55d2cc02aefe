/**
 * What scoring measures, by the names of Apache Beam's RunInference
 * (https://beam.apache.org/documentation/ml/runinference-metrics/): counters, and distributions that add up over batches, shards and jobs.
 */

/** Of some observations; `min` and `max` are 0 where there is none. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

export interface InferenceMetrics {
  /** Rows that were given to the model. */
  readonly num_inferences: number;
  /** Calls to the model that failed; each is halved and tried again. */
  readonly failed_batches_counter: number;
  /** Rows in one call. */
  readonly inference_request_batch_size: Distribution;
  /** Bytes of the tensors given in one call. */
  readonly inference_request_batch_byte_size: Distribution;
  readonly inference_batch_latency_micro_secs: Distribution;
  readonly load_model_latency_milli_secs: Distribution;
  /** Bytes held by the model's weights. */
  readonly model_byte_size: Distribution;
}

export const NO_DISTRIBUTION: Distribution = { count: 0, sum: 0, min: 0, max: 0 };

export const NO_METRICS: InferenceMetrics = {
  num_inferences: 0,
  failed_batches_counter: 0,
  inference_request_batch_size: NO_DISTRIBUTION,
  inference_request_batch_byte_size: NO_DISTRIBUTION,
  inference_batch_latency_micro_secs: NO_DISTRIBUTION,
  load_model_latency_milli_secs: NO_DISTRIBUTION,
  model_byte_size: NO_DISTRIBUTION,
};

/** The distribution with one observation more. */
export function observe({ count, sum, min, max }: Distribution, value: number): Distribution {
  if (count === 0) return { count: 1, sum: value, min: value, max: value };
  return { count: count + 1, sum: sum + value, min: Math.min(min, value), max: Math.max(max, value) };
}

/** Both together. Associative and commutative, with NO_METRICS as the neutral element. */
export function addMetrics(a: InferenceMetrics, b: InferenceMetrics): InferenceMetrics {
  return {
    num_inferences: a.num_inferences + b.num_inferences,
    failed_batches_counter: a.failed_batches_counter + b.failed_batches_counter,
    inference_request_batch_size: merge(a.inference_request_batch_size, b.inference_request_batch_size),
    inference_request_batch_byte_size: merge(a.inference_request_batch_byte_size, b.inference_request_batch_byte_size),
    inference_batch_latency_micro_secs: merge(
      a.inference_batch_latency_micro_secs,
      b.inference_batch_latency_micro_secs,
    ),
    load_model_latency_milli_secs: merge(a.load_model_latency_milli_secs, b.load_model_latency_milli_secs),
    model_byte_size: merge(a.model_byte_size, b.model_byte_size),
  };
}

function merge(a: Distribution, b: Distribution): Distribution {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  return { count: a.count + b.count, sum: a.sum + b.sum, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}
