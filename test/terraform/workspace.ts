import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { startStubProvider } from './provider/stub-provider.ts';

/** The repository's terraform/ folder. */
export const TERRAFORM = path.resolve(import.meta.dirname, '../../terraform');

/**
 * Whether the tests of terraform/ run: where `terraform` is installed. FANFOLD_REQUIRE_TERRAFORM=1 makes its absence a failure instead of a
 * visible skip.
 */
export const hasTerraform =
  spawnSync('terraform', ['version'], { stdio: 'ignore' }).status === 0 ||
  process.env['FANFOLD_REQUIRE_TERRAFORM'] === '1';

/**
 * FANFOLD_TERRAFORM_REAL=1: the same tests with the real provider, downloaded, or from a mirror that TF_CLI_CONFIG_FILE names. Otherwise a
 * stand-in serves its schema, and nothing is downloaded.
 */
const REAL_PROVIDER = process.env['FANFOLD_TERRAFORM_REAL'] === '1';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Workspace extends AsyncDisposable {
  terraform(...args: readonly string[]): Promise<Outcome>;
}

/** A copy of terraform/ to work in, initialized, so that nothing is left in the checkout. */
export async function openWorkspace(): Promise<Workspace> {
  return open((folder) =>
    cp(TERRAFORM, folder, { recursive: true, filter: (source) => !path.basename(source).startsWith('.terraform') }),
  );
}

/** Only the variables of terraform/, and `files`: enough to see what they refuse, and ten times as fast. */
export async function openVariables(files: Readonly<Record<string, string>>): Promise<Workspace> {
  return open(async (folder) => {
    await cp(path.join(TERRAFORM, 'variables.tf'), path.join(folder, 'variables.tf'));
    await mkdir(path.join(folder, 'tests'));
    for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content);
  });
}

async function open(fill: (folder: string) => Promise<unknown>): Promise<Workspace> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fanfold-terraform-'));
  await fill(folder);
  const provider = REAL_PROVIDER ? undefined : await startStubProvider();
  const environment = {
    ...process.env,
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
    ...(provider && { TF_REATTACH_PROVIDERS: provider.reattach, TF_CLI_CONFIG_FILE: '/dev/null' }),
  };
  const terraform = (...args: readonly string[]): Promise<Outcome> => run(folder, environment, args);
  const close = async (): Promise<void> => {
    await provider?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const init = await terraform('init', '-backend=false', '-input=false', '-no-color');
    if (init.code !== 0) throw new Error(`terraform init failed: ${init.stdout}${init.stderr}`);
  } catch (error) {
    await close();
    throw error;
  }
  return { terraform, [Symbol.asyncDispose]: close };
}

function run(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    execFile('terraform', args, { cwd, env, maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`terraform ${args.join(' ')} did not run`, { cause: error }));
    });
  });
}
