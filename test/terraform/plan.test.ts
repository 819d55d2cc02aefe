import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { defaultPlan } from './default-plan.ts';
import type { BindingValues, BucketValues, FunctionValues, SubscriptionValues } from './default-plan.ts';
import type { Plan, Planned } from './plan.ts';
import { hasTerraform, TERRAFORM } from './workspace.ts';

/** Rules that hold for whatever terraform/ makes, also for what is added later. */
describe.skipIf(!hasTerraform)('the plan (skipped where terraform is not installed)', () => {
  let plan: Plan;
  let bindings: readonly Planned<BindingValues>[];
  let functions: readonly Planned<FunctionValues>[];
  beforeAll(async () => {
    plan = await defaultPlan();
    bindings = plan.resources<BindingValues>('_iam_member');
    functions = plan.resources<FunctionValues>('google_cloudfunctions2_function');
  }, 120_000);

  it('names nobody who is everybody', () => {
    const everybody = /allUsers|allAuthenticatedUsers/i;
    expect(plan.toString()).not.toMatch(everybody);
    // Nor does anything that a variable could bring about: only their refusal names them.
    const naming = readdirSync(TERRAFORM).filter(
      (file) => file.endsWith('.tf') && everybody.test(readFileSync(path.join(TERRAFORM, file), 'utf8')),
    );
    expect(naming).toEqual(['variables.tf']);
  });

  it('grants roles member by member, and never takes others’ away', () => {
    expect([...plan.types].filter((type) => /_iam_(binding|policy)$/.test(type))).toEqual([]);
  });

  it('gives nobody a basic role, or one that hands out rights', () => {
    const broad =
      /^roles\/(owner|editor|viewer)$|[aA]dmin$|securityAdmin|serviceAccountUser|serviceAccountTokenCreator|serviceAccountKeyAdmin/;
    expect(bindings.filter(({ values }) => broad.test(values.role))).toEqual([]);
  });

  it('makes no key of a service account', () => {
    expect(plan.types).not.toContain('google_service_account_key');
  });

  it('narrows every right of a function on the project to one resource', () => {
    const accounts = new Set(
      functions.map(({ values }) => `serviceAccount:${values.service_config[0].service_account_email}`),
    );
    const wide = plan
      .resources<BindingValues>('google_project_iam_member')
      .filter(({ values }) => accounts.has(values.member) && values.condition.length === 0);
    expect(wide).toEqual([]);
  });

  it('runs each function as an account of its own, and nothing else as that', () => {
    const accounts = functions.map(({ values }) => values.service_config[0].service_account_email);
    expect(new Set(accounts).size).toBe(functions.length);
    const pushers = plan
      .resources<SubscriptionValues>('google_pubsub_subscription')
      .map(({ values }) => values.push_config[0].oidc_token[0]);
    for (const pusher of pushers) expect(accounts).not.toContain(pusher?.service_account_email);
  });

  it('lets nobody but finalize create outside of scratch, and nobody delete or overwrite there', () => {
    const harmless = ['roles/storage.objectViewer', 'projects/demo-project/roles/fanfold_output_lister'];
    const creates = bindings.filter(
      ({ values }) =>
        values.bucket?.endsWith('-output') === true && !harmless.includes(values.role) && values.condition.length === 0,
    );
    expect(creates.map(({ values }) => [values.role, values.member.replace(/@.*/, '')])).toEqual([
      ['roles/storage.objectCreator', 'serviceAccount:fanfold-finalize'],
    ]);
  });

  it('lets nobody write inputs or models', () => {
    const writes = bindings.filter(
      ({ values }) => /-(input|models)$/.test(values.bucket ?? '') && values.role !== 'roles/storage.objectViewer',
    );
    expect(writes).toEqual([]);
  });

  it('hardens every bucket', () => {
    for (const { values } of plan.resources<BucketValues>('google_storage_bucket')) {
      expect(values, values.name).toMatchObject({
        force_destroy: false,
        public_access_prevention: 'enforced',
        uniform_bucket_level_access: true,
      });
      expect(
        values.lifecycle_rule.map((rule) => rule.action[0].type),
        values.name,
      ).toContain('AbortIncompleteMultipartUpload');
    }
  });

  it('pushes every topic’s tasks, signed, with dead letters for all but the dead letters', () => {
    const topics = plan.resources<{ readonly name: string }>('google_pubsub_topic').map(({ values }) => values.name);
    const subscriptions = plan.resources<SubscriptionValues>('google_pubsub_subscription');
    expect(subscriptions.map(({ values }) => values.topic.replace(/.*\//, '')).sort()).toEqual(topics.sort());
    for (const { key, values } of subscriptions) {
      expect(values.ack_deadline_seconds, key).toBe(600);
      expect(values.push_config[0].oidc_token, key).toHaveLength(1);
      expect(values.dead_letter_policy, key).toHaveLength(key === 'dead-letters' ? 0 : 1);
    }
  });

  it('has pushed functions give up before the push does', () => {
    const pushed = plan
      .resources<SubscriptionValues>('google_pubsub_subscription')
      .map(({ values }) => values.push_config[0].push_endpoint);
    for (const { values } of functions.filter(({ values }) => pushed.includes(`https://${values.name}.run.app`))) {
      expect(values.service_config[0].timeout_seconds, values.name).toBeLessThan(600);
    }
  });
});
