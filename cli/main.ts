import { Command, CommanderError } from 'commander';

import { PermanentError } from '../shared/errors.ts';
import { printable } from '../shared/models/printable.ts';
import { EXIT, UsageError } from './exit.ts';

type Exit = (code: number) => void;

/** Each command adds itself. Only the one that is asked for is loaded: a short job should not wait for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command, exit: Exit) => void>>> = {
  run: async () => (await import('./run.ts')).addRunCommand,
  dev: async () => (await import('./dev.ts')).addDevCommand,
  predict: async () => (await import('./predict.ts')).addPredictCommand,
  jobs: async () => (await import('./jobs.ts')).addJobsCommand,
  estimate: async () => (await import('./estimate.ts')).addEstimateCommand,
  models: async () => (await import('./models.ts')).addModelsCommand,
};

const EXAMPLES = `
Examples:
  $ fanfold run digits.jsonl --model ./digits --key-field id --output predictions.jsonl
  $ fanfold run --help`;

/** Runs the command that `argv` names. @returns the process's exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.succeeded;
  const program = new Command('fanfold')
    .description(
      'Batch inference that keeps its keys and its order: a file of instances in, one ordered line per instance out.',
    )
    .version('0.1.0')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride();
  const exit: Exit = (status) => {
    code = status;
  };
  const asked = COMMANDS[argv[2] ?? ''];
  for (const load of asked === undefined ? Object.values(COMMANDS) : [asked]) (await load())(program, exit);
  try {
    await program.parseAsync([...argv]);
    return code;
  } catch (error) {
    return explain(error);
  }
}

/** Tells what went wrong: a request's fault in one line, ours with its stack. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.succeeded : EXIT.usage;
  if (error instanceof UsageError) {
    process.stderr.write(`fanfold: ${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof PermanentError) process.stderr.write(`fanfold: ${shown(error.message)}\n`);
  else process.stderr.write(`fanfold: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failed;
}

/** What a message quotes may come out of files: no terminal is to obey it. */
function shown(message: string): string {
  return message.split('\n').map(printable).join('\n');
}
