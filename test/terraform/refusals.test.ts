import { beforeAll, describe, expect, it } from 'vitest';

import { TestReport } from './plan.ts';
import type { Diagnostic } from './plan.ts';
import { hasTerraform, openVariables } from './workspace.ts';

/** A variable's value as HCL writes it, and what the refusal must tell. */
const REFUSALS: readonly { readonly variable: string; readonly value: string; readonly message: RegExp }[] = [
  { variable: 'alert_thresholds', value: '{ failed_rows_ratio = 5 }', message: /between 0 and 1/ },
  { variable: 'alert_thresholds', value: '{ oldest_task_minutes = 0 }', message: /above 0/ },
  { variable: 'bigquery', value: '{ datasets = ["bq://sales"] }', message: /without bq:\/\// },
  { variable: 'bigquery', value: '{ datasets = ["warehouse.sales.orders"] }', message: /without a table/ },
  { variable: 'bigquery', value: '{ datasets = ["sales"], location = "Europe" }', message: /US, EU, or a region/ },
  { variable: 'bucket_prefix', value: '"Fanfold"', message: /lowercase/ },
  { variable: 'bucket_prefix', value: '"my-google-data"', message: /google/ },
  { variable: 'compute_prices', value: '{ vcpu_second = -1 }', message: /negative/ },
  { variable: 'database', value: '"db"', message: /4–63/ },
  { variable: 'functions', value: '{ scoring = {} }', message: /no function: they are dead-letter, finalize/ },
  { variable: 'functions', value: '{ score = { available_cpu = 0.5 } }', message: /1, 2, 4 or 8/ },
  { variable: 'functions', value: '{ score = { available_memory = "4GB" } }', message: /Mi or Gi/ },
  { variable: 'functions', value: '{ score = { concurrency = 0 } }', message: /1–1000/ },
  { variable: 'functions', value: '{ score = { timeout_seconds = 600 } }', message: /ack deadline \(600 s\)/ },
  { variable: 'invokers', value: '["allUsers"]', message: /never public/ },
  { variable: 'invokers', value: '["allauthenticatedusers"]', message: /never public/ },
  { variable: 'invokers', value: '["ada@example.com"]', message: /user:ada@example\.com/ },
  { variable: 'jobs_ingress', value: '"ALL"', message: /ALLOW_INTERNAL_AND_GCLB/ },
  { variable: 'labels', value: '{ App = "Fanfold" }', message: /lowercase/ },
  { variable: 'location', value: '"EU"', message: /region such as/ },
  { variable: 'log_level', value: '"TRACE"', message: /DEBUG, INFO, WARNING or ERROR/ },
  { variable: 'name_prefix', value: '"a-very-long-name-prefix"', message: /2–17/ },
  { variable: 'notification_channels', value: '["ops@example.com"]', message: /notificationChannels/ },
  { variable: 'predict', value: '{ max_queue = 0 }', message: /at least 1/ },
  { variable: 'predict', value: '{ warm_up = ["digits/3"] }', message: /digits@canary/ },
  { variable: 'predict_ingress', value: '"NONE"', message: /ALLOW_INTERNAL_AND_GCLB/ },
  { variable: 'predict_invokers', value: '["allUsers"]', message: /never public/ },
  { variable: 'predict_invokers', value: '["ada@example.com"]', message: /user:ada@example\.com/ },
  { variable: 'project_id', value: '"123456789012"', message: /neither its name nor its number/ },
  { variable: 'scratch_retention_days', value: '1', message: /at least 8/ },
  { variable: 'source_archive', value: '"dist"', message: /\.zip/ },
  { variable: 'source_buckets', value: '["gs://warehouse"]', message: /without gs:\/\// },
  { variable: 'sweep_schedule', value: '"every 5 minutes"', message: /five fields/ },
  { variable: 'topic_prefix', value: '"goog-"', message: /not with "goog"/ },
];

const cases = REFUSALS.map((refusal, index) => ({ ...refusal, file: `tests/refusal-${index}.tftest.hcl` }));

describe.skipIf(!hasTerraform)(
  'a variable with a value that cannot work (skipped where terraform is not installed)',
  () => {
    let refused: readonly Diagnostic[];
    beforeAll(async () => {
      await using workspace = await openVariables(
        Object.fromEntries(cases.map((one) => [one.file, testFile(one.variable, one.value)])),
      );
      const report = new TestReport(
        await workspace.terraform('test', '-json', ...cases.map(({ file }) => `-filter=${file}`)),
      );
      refused = report.diagnostics();
    }, 120_000);

    it.each(cases)('$variable = $value is refused, and the message says why', ({ file, message }) => {
      const mine = refused.filter((diagnostic) => diagnostic.file === file);
      expect(mine.map(({ summary }) => summary)).toEqual(['Invalid value for variable']);
      expect(mine[0]?.detail.replaceAll(/\s+/g, ' ')).toMatch(message);
    });
  },
);

function testFile(variable: string, value: string): string {
  const project = variable === 'project_id' ? '' : 'project_id = "demo-project"';
  return `
variables {
  ${project}
  ${variable} = ${value}
}
run "refused" {
  command = plan
}
`;
}
