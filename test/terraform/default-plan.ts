import { TestReport } from './plan.ts';
import type { Plan } from './plan.ts';
import { openWorkspace } from './workspace.ts';

/** What a first `terraform apply` would make, with nothing set but what is required: the run "defaults" of terraform/tests. */
export async function defaultPlan(): Promise<Plan> {
  await using workspace = await openWorkspace();
  const outcome = await workspace.terraform('test', '-json', '-verbose', '-filter=tests/defaults.tftest.hcl');
  return new TestReport(outcome).plan('defaults');
}

/** The fields that tests look at, as the provider's schema names them. A block is a list. */
export interface FunctionValues {
  readonly name: string;
  readonly build_config: readonly [{ readonly runtime: string; readonly entry_point: string }];
  readonly event_trigger: readonly unknown[];
  readonly service_config: readonly [
    {
      readonly environment_variables: Readonly<Record<string, string>>;
      readonly ingress_settings: string;
      readonly service_account_email: string;
      readonly timeout_seconds: number;
    },
  ];
}

export interface SubscriptionValues {
  readonly name: string;
  readonly topic: string;
  readonly ack_deadline_seconds: number;
  readonly dead_letter_policy: readonly { readonly max_delivery_attempts: number }[];
  readonly push_config: readonly [
    { readonly push_endpoint: string; readonly oidc_token: readonly { readonly service_account_email: string }[] },
  ];
}

export interface BucketValues {
  readonly name: string;
  readonly force_destroy: boolean;
  readonly public_access_prevention: string;
  readonly uniform_bucket_level_access: boolean;
  readonly lifecycle_rule: readonly {
    readonly action: readonly [{ readonly type: string }];
    readonly condition: readonly [{ readonly age: number; readonly matches_prefix: readonly string[] | null }];
  }[];
}

export interface BindingValues {
  readonly role: string;
  readonly member: string;
  readonly bucket?: string;
  readonly topic?: string;
  readonly condition: readonly { readonly expression: string }[];
}
