import { NO_DISTRIBUTION, observe } from '../../shared/metrics.ts';
import type { Distribution, InferenceMetrics } from '../../shared/metrics.ts';
import type { Tensors } from '../../shared/tensor.ts';
import type { ModelLoad } from './model-cache.ts';

/** Measures the calls to a model of one scoring, by the names of Beam's RunInference (shared/metrics.ts). */
export class InferenceMeter {
  #rows = 0;
  #failed = 0;
  #batchRows = NO_DISTRIBUTION;
  #batchBytes = NO_DISTRIBUTION;
  #latency = NO_DISTRIBUTION;
  #loads = NO_DISTRIBUTION;
  #modelBytes = NO_DISTRIBUTION;

  /** The model had to be loaded for this scoring. */
  loaded({ milliseconds, byteSize }: ModelLoad): void {
    this.#loads = observe(this.#loads, milliseconds);
    this.#modelBytes = observe(this.#modelBytes, byteSize);
  }

  /** Rows that are given to the model: each once, however often its batch is halved. */
  given(rows: number): void {
    this.#rows += rows;
  }

  /**
   * Measures one call to the model: of one that fails, only that it failed.
   * @param rows in the batch, without those that it was filled up with.
   */
  async call<T>(rows: number, inputs: Tensors, predict: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      const outputs = await predict();
      this.#latency = observe(this.#latency, Math.round((performance.now() - start) * 1000));
      this.#batchRows = observe(this.#batchRows, rows);
      this.#batchBytes = observe(this.#batchBytes, byteSizeOf(inputs));
      return outputs;
    } catch (error) {
      this.#failed++;
      throw error;
    }
  }

  metrics(): InferenceMetrics {
    return {
      num_inferences: this.#rows,
      failed_batches_counter: this.#failed,
      inference_request_batch_size: this.#batchRows,
      inference_request_batch_byte_size: this.#batchBytes,
      inference_batch_latency_micro_secs: this.#latency,
      load_model_latency_milli_secs: this.#loads,
      model_byte_size: this.#modelBytes,
    } satisfies Record<keyof InferenceMetrics, number | Distribution>;
  }
}

/** Bytes of the tensors' elements; text counts as UTF-8. */
function byteSizeOf(tensors: Tensors): number {
  let bytes = 0;
  for (const { dtype, data } of Object.values(tensors)) {
    if (dtype !== 'string') bytes += data.byteLength;
    else for (const element of data) bytes += typeof element === 'string' ? Buffer.byteLength(element) : element.length;
  }
  return bytes;
}
