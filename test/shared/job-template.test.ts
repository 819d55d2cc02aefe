import { describe, expect, it } from 'vitest';

import { parseTemplate } from '../../shared/job-template.ts';

describe('a job template', () => {
  it.each([
    { written: { predictionsFormat: 'csv' }, template: { predictionsFormat: 'csv' } },
    { written: { outputConfig: { predictionsFormat: 'parquet' } }, template: { predictionsFormat: 'parquet' } },
    {
      written: { inputConfig: { instancesFormat: 'csv' }, outputConfig: {}, maxItemsPerBatch: 5 },
      template: { instancesFormat: 'csv', maxItemsPerBatch: 5 },
    },
    { written: {}, template: {} },
  ])('of $written says $template', ({ written, template }) => {
    expect(parseTemplate(written, 'fanfold.json')).toEqual(template);
  });

  it.each([
    { written: { predictionsFormat: 'xml' }, field: 'predictionsFormat' },
    { written: { outputConfig: { predictionsFormat: 'xml' } }, field: 'outputConfig.predictionsFormat' },
    { written: { outputConfig: { format: 'csv' } }, field: 'format' },
    { written: { outputFormat: 'csv' }, field: 'outputFormat' },
    { written: { labels: { '': 'digits' } }, field: 'labels' },
    {
      written: { labels: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, 'x'])) },
      field: 'labels',
    },
  ])('refuses $written, and names the field', ({ written, field }) => {
    expect(() => parseTemplate(written, 'fanfold.json')).toThrow(new RegExp(`^fanfold.json: .*${field}`, 's'));
  });
});
