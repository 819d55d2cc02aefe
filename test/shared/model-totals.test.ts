import { expect, it } from 'vitest';

import { NO_METRICS, observe, NO_DISTRIBUTION } from '../../shared/metrics.ts';
import { ModelTotals } from '../../shared/model-totals.ts';

it('totals add up what was measured, each model version by itself', () => {
  const totals = new ModelTotals();
  const one = { model: 'm', version: '1' };
  const size = (rows: number) => ({ ...NO_METRICS, inference_request_batch_size: observe(NO_DISTRIBUTION, rows) });
  totals.add(one, size(3));
  totals.add({ ...one, version: '2' }, size(9));
  totals.add(one, size(5));
  totals.add(one, undefined);
  expect(totals.list()).toEqual([
    { ...one, metrics: { ...NO_METRICS, inference_request_batch_size: { count: 2, sum: 8, min: 3, max: 5 } } },
    { ...one, version: '2', metrics: size(9) },
  ]);
});
