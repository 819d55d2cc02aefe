import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { readConfig } from '../../functions/config.ts';
import { PREDICT_LIMITS } from '../../functions/predict/limits.ts';
import { COMPOSITE_INDEXES, TTL_COLLECTIONS, TTL_FIELD, UNINDEXED_FIELDS } from '../../infra/gcp/indexes.ts';
import { JOB_LIFETIME_MS, MAX_ATTEMPTS } from '../../shared/config.ts';
import { TOPICS } from '../../shared/messages.ts';
import { NO_METRICS } from '../../shared/metrics.ts';
import { scratchPrefix } from '../../shared/names.ts';
import { defaultPlan } from './default-plan.ts';
import type { BucketValues, BindingValues, FunctionValues, SubscriptionValues } from './default-plan.ts';
import type { Plan, Planned } from './plan.ts';
import { readSchema } from './provider/schema.ts';
import { tableOfRights } from './rights-table.ts';
import { hasTerraform, TERRAFORM } from './workspace.ts';

/**
 * What stands both in the code and in terraform/ must be the same, both ways. What a part of the code that is not written yet would say is
 * skipped, visibly.
 */

const ROOT = path.dirname(TERRAFORM);
const INDEX = path.join(ROOT, 'functions/index.ts');

/** The functions that functions/index.ts registers, and how: `http('split', …)`, `cloudEvent('upload', …)`. */
const registered = existsSync(INDEX)
  ? [...readFileSync(INDEX, 'utf8').matchAll(/\b(http|cloudEvent)\(\s*'([\w-]+)'/g)].map(
      ([, kind = '', name = '']) => ({ kind, name }),
    )
  : [];

/** Read on a laptop only: emulators, and what tests make small. */
const NOT_IN_THE_CLOUD = [
  'FANFOLD_BIGQUERY_ENDPOINT',
  'FANFOLD_SPLIT_BYTES',
  'FANFOLD_STORAGE_ENDPOINT',
  'FIRESTORE_EMULATOR_HOST',
  'PUBSUB_EMULATOR_HOST',
];

/** The configuration variables that deployed code reads: those named in quotes in functions/ and infra/gcp. */
const variables = [...new Set([...sourcesOf('functions'), ...sourcesOf('infra/gcp')].flatMap(variablesIn))].filter(
  (name) => !NOT_IN_THE_CLOUD.includes(name),
);

interface IndexValues {
  readonly collection: string;
  readonly fields: readonly { readonly field_path: string; readonly order: string }[];
}

interface MetricValues {
  readonly filter: string;
  readonly value_extractor: string | null;
}

interface FieldValues {
  readonly collection: string;
  readonly field: string;
  readonly index_config: readonly { readonly indexes: readonly unknown[] }[];
  readonly ttl_config: readonly unknown[];
}

describe.skipIf(!hasTerraform)('code and terraform/ agree (skipped where terraform is not installed)', () => {
  let plan: Plan;
  let functions: readonly Planned<FunctionValues>[];
  let subscriptions: readonly Planned<SubscriptionValues>[];
  beforeAll(async () => {
    plan = await defaultPlan();
    functions = plan.resources<FunctionValues>('google_cloudfunctions2_function');
    subscriptions = plan.resources<SubscriptionValues>('google_pubsub_subscription');
  }, 120_000);

  const entryPoints = (): readonly string[] => functions.map(({ values }) => values.build_config[0].entry_point).sort();

  it('on the functions: a folder each', () => {
    for (const name of entryPoints()) expect(existsSync(path.join(ROOT, 'functions', name)), name).toBe(true);
  });

  it.skipIf(registered.length === 0)(
    'on the functions’ registered names (skipped until functions/index.ts registers them)',
    () => {
      expect(registered.map(({ name }) => name).sort()).toEqual(entryPoints());
    },
  );

  it.skipIf(registered.length === 0)(
    'on which function takes events (skipped until functions/index.ts registers them)',
    () => {
      const triggered = functions
        .filter(({ values }) => values.event_trigger.length > 0)
        .map(({ values }) => values.build_config[0].entry_point);
      expect(registered.filter(({ kind }) => kind === 'cloudEvent').map(({ name }) => name)).toEqual(triggered);
    },
  );

  it.skipIf(variables.length === 0)(
    'on the configuration variables (skipped until functions/ or infra/gcp reads one)',
    () => {
      for (const { key, values } of functions) {
        expect(Object.keys(values.service_config[0].environment_variables).sort(), key).toEqual(variables.toSorted());
      }
    },
  );

  it('on the limits of predict', () => {
    const environment = functions.find(({ key }) => key === 'predict')?.values.service_config[0].environment_variables;
    expect(readConfig(environment ?? {}).predict).toEqual({ warmUp: [], limits: PREDICT_LIMITS });
  });

  it('on the topics', () => {
    expect(
      plan
        .resources('google_pubsub_topic')
        .map(({ key }) => key)
        .sort(),
    ).toEqual([...Object.keys(TOPICS), 'dead-letters'].sort());
  });

  it('on the topics’ names: the prefix that the functions are told, then the topic', () => {
    const [first] = functions;
    const prefix = first?.values.service_config[0].environment_variables['FANFOLD_TOPIC_PREFIX'] ?? '';
    for (const { key, values } of plan.resources<{ readonly name: string }>('google_pubsub_topic'))
      expect(values.name).toBe(`${prefix}${key}`);
  });

  it('on the attempts before a task is a dead letter', () => {
    const attempts = subscriptions.flatMap(({ values }) =>
      values.dead_letter_policy.map((policy) => policy.max_delivery_attempts),
    );
    expect(new Set(attempts)).toEqual(new Set([MAX_ATTEMPTS]));
  });

  it('on where scratch lies, and that it outlives its job', () => {
    const prefix = scratchPrefix('');
    const folder = prefix.slice(0, prefix.indexOf('/') + 1);
    const rules = plan.resources<BucketValues>('google_storage_bucket').flatMap(({ values }) => values.lifecycle_rule);
    const deletions = rules.filter((rule) => rule.action[0].type === 'Delete').map((rule) => rule.condition[0]);
    expect(deletions.map((condition) => condition.matches_prefix)).toEqual([[folder]]);
    for (const { age } of deletions) expect(age * 86_400_000).toBeGreaterThan(JOB_LIFETIME_MS);
    for (const { values } of plan.resources<BindingValues>('google_storage_bucket_iam_member')) {
      for (const { expression } of values.condition) expect(expression).toContain(`/objects/${folder}"`);
    }
  });

  it('on the Node that runs the functions', () => {
    const { devDependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      readonly devDependencies: { readonly node: string };
    };
    const runtimes = new Set(functions.map(({ values }) => values.build_config[0].runtime));
    expect(runtimes).toEqual(new Set([`nodejs${devDependencies.node.split('.')[0] ?? ''}`]));
  });

  it('on the log entries that metrics read: their message, or their fields', () => {
    for (const { key, values } of plan.resources<MetricValues>('google_logging_metric')) {
      const services = [...values.filter.matchAll(/"fanfold-([\w-]+)"/g)].map(([, name = '']) => name);
      const message = /jsonPayload\.message="([^"]+)"/.exec(values.filter)?.[1];
      const field = /EXTRACT\(jsonPayload\.(\w+)(?:\.(?:sum|count))?\)/.exec(values.value_extractor ?? '')?.[1];
      const written = field !== undefined && field in NO_METRICS ? '\\.\\.\\.metrics' : `\\b${field ?? 'job'}\\b`;
      expect(services.length, key).toBeGreaterThan(0);
      for (const service of services) {
        const calls = sourcesOf(`functions/${service}`).flatMap((text) => text.match(/logger\.log\([^;]*;/g) ?? []);
        const logged = calls.filter((call) => call.includes(message === undefined ? 'job:' : `'${message}'`));
        expect(
          logged.filter((call) => new RegExp(written).test(call)),
          `${key}: ${service}`,
        ).toHaveLength(1);
      }
    }
  });

  it('on what is measured of inferences: a metric of each', () => {
    const metrics = plan.resources<MetricValues>('google_logging_metric').map(({ key }) => key);
    expect(metrics).toEqual(expect.arrayContaining(Object.keys(NO_METRICS)));
  });

  it('on the composite indexes', () => {
    const planned = plan.resources<IndexValues>('google_firestore_index').map(({ values: { collection, fields } }) => ({
      collection,
      fields: fields.map(({ field_path: field, order }) => ({ field, order })),
    }));
    expect(planned).toHaveLength(COMPOSITE_INDEXES.length);
    expect(planned).toEqual(expect.arrayContaining([...COMPOSITE_INDEXES]));
  });

  it('on the fields without an index, and on when documents expire', () => {
    const planned = plan.resources<FieldValues>('google_firestore_field').map(({ values }) => values);
    const named = planned.filter(({ index_config }) => index_config[0]?.indexes.length === 0).map(nameOf);
    expect(named.sort()).toEqual(
      Object.entries(UNINDEXED_FIELDS)
        .flatMap(([collection, fields]) => fields.map((field) => `${collection}.${field}`))
        .sort(),
    );
    const expiring = planned.filter(({ ttl_config }) => ttl_config.length === 1).map(nameOf);
    expect(expiring.sort()).toEqual(TTL_COLLECTIONS.map((collection) => `${collection}.${TTL_FIELD}`).sort());
  });

  it('on the version of the provider: the offline schema is of the one that versions.tf asks for', () => {
    const asked = /version = "~> ([\d.]+)"/.exec(readFileSync(path.join(TERRAFORM, 'versions.tf'), 'utf8'))?.[1];
    expect(readSchema().version.startsWith(`${asked ?? '?'}.`)).toBe(true);
  });

  it('on the rights: the table in README.md says what each account may do', () => {
    const granted = plan.resources<BindingValues>('_iam_member').flatMap(({ values }) => {
      const account = accountOf(values);
      return account === undefined ? [] : [`${account}: ${values.role.replace(/^.*\/(fanfold_)?/, '')}`];
    });
    const everyone = functions.filter(({ key }) => key !== 'predict').map(({ key }) => `${key}: datastore.user`); // said once, above the table
    const said = [...tableOfRights().map(({ account, role }) => `${account}: ${role}`), ...everyone];
    expect([...new Set(said)].sort()).toEqual([...new Set(granted)].sort());
  });

  it('on the topics that each function publishes to, as the table says', () => {
    const granted = plan.resources<BindingValues>('google_pubsub_topic_iam_member').flatMap(({ values }) => {
      const account = accountOf(values);
      return account === undefined ? [] : [`${account}: ${values.topic?.replace(/^.*\/fanfold-/, '') ?? ''}`];
    });
    const said = tableOfRights().filter(({ role }) => role === 'pubsub.publisher');
    expect(said.flatMap(({ account, where }) => where.map((topic) => `${account}: ${topic}`)).sort()).toEqual(
      granted.sort(),
    );
  });
});

function accountOf({ member }: BindingValues): string | undefined {
  return /^serviceAccount:fanfold-([\w-]+)@/.exec(member)?.[1];
}

function nameOf({ collection, field }: FieldValues): string {
  return `${collection}.${field}`;
}

function variablesIn(text: string): readonly string[] {
  return [...text.matchAll(/'((?:FANFOLD|GOOGLE_CLOUD)_[A-Z_]+|[A-Z]+_EMULATOR_HOST)'/g)].map(([, name = '']) => name);
}

/** The text of each TypeScript file below a folder of the repository. */
function sourcesOf(folder: string): readonly string[] {
  const root = path.join(ROOT, folder);
  if (!existsSync(root)) return [];
  const files = readdirSync(root, { withFileTypes: true, recursive: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.ts'),
  );
  return files.map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'));
}
