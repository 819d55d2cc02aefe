import { parseArgs } from 'node:util';

import { missingEmulator } from './google.ts';
import { copyModels } from './copy-models.ts';
import { startStack } from './stack.ts';
import type { Stack, StackOptions } from './stack.ts';

const HELP = `The deployed pipeline on this machine: Google's Pub/Sub and Firestore emulators, a Cloud Storage emulator, and every function in a
process of its own. Runs until Ctrl-C.

Usage: npm run emulators -- [options]

  --models DIR         copy the models of this folder (<model>/<version>/…) into the models bucket
  --folder DIR         keep buckets and objects here; without it they are in memory
  --project NAME       the project's name (fanfold-emulators)
  --jobs-port PORT     the jobs API's port on 127.0.0.1; any free one by default
  --split-bytes BYTES  bytes of input per split (67108864)
  --log-level LEVEL    what the functions write: DEBUG, INFO (default), WARNING, ERROR
  --help               show this

It prints the environment to set. Then, in another shell:

  fanfold jobs submit instances.jsonl --model my-model --target emulators --watch
  fanfold jobs list --target emulators
  fanfold predict --model my-model --json-instances instances.jsonl
`;

/** Exit code of wrong usage. */
const USAGE = 2;

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;

interface Arguments extends StackOptions {
  readonly help: boolean;
  readonly models: string | undefined;
}

/** @throws Error naming the option that is wrong. */
function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      models: { type: 'string' },
      folder: { type: 'string' },
      project: { type: 'string' },
      'jobs-port': { type: 'string' },
      'split-bytes': { type: 'string' },
      'log-level': { type: 'string', default: 'INFO' },
      help: { type: 'boolean', default: false },
    },
  });
  const logLevel = LEVELS.find((level) => level === values['log-level']);
  if (logLevel === undefined) throw new Error(`--log-level takes ${LEVELS.join(', ')}, not '${values['log-level']}'`);
  const jobsPort = number('--jobs-port', values['jobs-port']);
  const splitBytes = number('--split-bytes', values['split-bytes']);
  return {
    help: values.help,
    models: values.models,
    logLevel,
    ...(values.project !== undefined && { projectId: values.project }),
    ...(values.folder !== undefined && { storage: { folder: values.folder } }),
    ...(jobsPort !== undefined && { jobsPort }),
    ...(splitBytes !== undefined && { splitBytes }),
  };
}

function number(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} takes a positive number, not '${text}'`);
  return Number(text);
}

async function main(options: Arguments): Promise<void> {
  const missing = missingEmulator('pubsub') ?? missingEmulator('firestore');
  if (missing !== undefined) throw new Error(missing);
  const stop = untilStopped();
  process.stderr.write('starting the emulators and the functions …\n');
  const stack = await startStack({ ...options, onLine: writeLine });
  try {
    if (options.models !== undefined) await loadModels(stack, options.models);
    const lines = Object.entries(stack.env).map(([name, value]) => `export ${name}=${value}\n`);
    process.stdout.write(lines.join(''));
    process.stderr.write(
      `ready: upload to gs://${stack.buckets.input}/<model>/, or use ${stack.jobsUrl}, or predict at ${stack.predictUrl}/v1/models/<model>:predict\nset the environment above in another shell; Ctrl-C stops everything\n`,
    );
    await stop;
    process.stderr.write('stopping …\n');
  } finally {
    await stack.close();
  }
}

async function loadModels({ projectId, buckets, storage }: Stack, folder: string): Promise<void> {
  const files = await copyModels(folder, { projectId, endpoint: storage.url, bucket: buckets.models });
  process.stderr.write(`copied ${files} model files to gs://${buckets.models}/\n`);
}

/** What functions write goes to stderr: stdout holds the environment and nothing else. */
function writeLine(target: string, line: string): void {
  process.stderr.write(`${target.padEnd(11)} ${line}\n`);
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        resolve();
      });
    }
  });
}

async function run(): Promise<number> {
  let options: Arguments;
  try {
    options = readArguments();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nTry --help.\n`);
    return USAGE;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    await main(options);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exit(await run());
