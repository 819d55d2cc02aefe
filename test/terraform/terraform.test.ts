import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { TestReport } from './plan.ts';
import { hasTerraform, openWorkspace } from './workspace.ts';
import type { Outcome, Workspace } from './workspace.ts';

describe.skipIf(!hasTerraform)('terraform/ (skipped where terraform is not installed)', { timeout: 120_000 }, () => {
  let workspace: Workspace | undefined;
  beforeAll(async () => {
    workspace = await openWorkspace();
  }, 120_000);
  afterAll(() => workspace?.[Symbol.asyncDispose]());

  const terraform = (...args: readonly string[]): Promise<Outcome> => {
    if (workspace === undefined) throw new Error('no workspace');
    return workspace.terraform(...args);
  };

  it('is formatted', async () => {
    const { stdout } = await terraform('fmt', '-check', '-recursive', '-diff');
    expect(stdout).toBe('');
  });

  it('is valid by the provider’s schema', async () => {
    const { stdout } = await terraform('validate', '-json');
    expect((JSON.parse(stdout) as { readonly diagnostics: readonly unknown[] }).diagnostics).toEqual([]);
  });

  it('passes its own tests', async () => {
    const report = new TestReport(await terraform('test', '-json'));
    expect(report.diagnostics()).toEqual([]);
    expect(report.runs().filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(report.runs().length).toBeGreaterThanOrEqual(10);
  });
});
