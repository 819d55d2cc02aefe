import type { Distribution, InferenceMetrics } from '../../shared/metrics.ts';
import { NO_METRICS } from '../../shared/metrics.ts';
import type { ModelMetrics } from '../../shared/ports.ts';
import type { RequestCounts } from './request-counts.ts';

export interface MetricsPage {
  readonly type: string;
  readonly text: string;
}

const HELP: Readonly<Record<keyof InferenceMetrics, string>> = {
  num_inferences: 'Rows given to the model.',
  failed_batches_counter: 'Calls to the model that failed.',
  inference_request_batch_size: 'Rows in one call to the model',
  inference_request_batch_byte_size: 'Bytes of the input tensors of one call',
  inference_batch_latency_micro_secs: 'Microseconds of one call',
  load_model_latency_milli_secs: 'Milliseconds that loading the model took',
  model_byte_size: "Bytes held by the model's weights",
};

/** A distribution's numbers, each a metric of its own: counts and sums only grow, the smallest and the largest are of the time since the start. */
const PARTS = { count: 'how many', sum: 'their sum', min: 'the smallest', max: 'the largest' } as const;

/**
 * What was measured, in Prometheus' text format, by model version and with the names of Beam's RunInference (shared/metrics.ts):
 * https://prometheus.io/docs/instrumenting/exposition_formats
 * @param queued requests that wait.
 */
export async function metricsPage(
  totals: readonly ModelMetrics[],
  requests: RequestCounts,
  queued: number,
): Promise<MetricsPage> {
  // CommonJS: bundled, it has no names of its own.
  const { Counter, Gauge, Registry } = (await import('prom-client')).default;
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ['model', 'version'];
  for (const name of Object.keys(NO_METRICS) as (keyof InferenceMetrics)[]) {
    if (typeof NO_METRICS[name] === 'number') {
      const counter = new Counter({ name, help: HELP[name], labelNames, registers });
      for (const { model, version, metrics } of totals) counter.inc({ model, version }, metrics[name] as number);
      continue;
    }
    for (const [part, what] of Object.entries(PARTS) as [keyof Distribution, string][]) {
      const options = { name: `${name}_${part}`, help: `${HELP[name]}: ${what}.`, labelNames, registers };
      const metric = part === 'count' || part === 'sum' ? new Counter(options) : new Gauge(options);
      for (const { model, version, metrics } of totals)
        metric.inc({ model, version }, (metrics[name] as Distribution)[part]);
    }
  }
  const answered = new Counter({
    name: 'predict_requests',
    help: 'Requests answered.',
    labelNames: ['method', 'status'],
    registers,
  });
  for (const { method, status, count } of requests.list()) answered.inc({ method, status }, count);
  new Gauge({ name: 'predict_queued_requests', help: 'Requests that wait for a model.', registers }).set(queued);
  return { type: registry.contentType, text: await registry.metrics() };
}
