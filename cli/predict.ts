import { createReadStream } from 'node:fs';

import { Option } from 'commander';
import type { Command } from 'commander';

import type { ErrorInfo } from '../shared/errors.ts';
import { PermanentError } from '../shared/errors.ts';
import { EXIT, UsageError } from './exit.ts';
import { modelArgument } from './model-argument.ts';
import { examples } from './options.ts';
import { instanceLines } from './predict-instances.ts';
import type { ScoreLines } from './predict-local.ts';
import { modelsPlace, modelsStateOption } from './state-folder.ts';

interface PredictOptions {
  readonly model: string;
  readonly jsonInstances?: string;
  readonly textInstances?: string;
  readonly signature?: string;
  readonly format: 'lines' | 'json';
  readonly models?: string;
  readonly state?: string;
  readonly endpoint?: string;
  readonly googleIdentity?: boolean;
}

/** Instances scored at once; of a request, the server's own limit is larger. */
const LOCAL = { maxRows: 1_024, maxBytes: 4 * 1024 * 1024 };
const REMOTE = { maxRows: 256, maxBytes: 1024 * 1024 };
/** Errors that are told one by one. */
const MAX_TOLD = 20;
const PREDICTION = '{"prediction":';

const HELP = `
Instances are as in a job's JSON lines: the bare value where the signature has one input, an object by input name where it has several; {"b64": …} is
bytes. Each line of the output is the prediction of the instance on the same line; where that failed it is {"error": …}, and stderr says why.
Exit code: 0 all predicted, 3 some failed, 1 all failed, 2 usage.
${examples(
  "echo '[1.0, 2.0]' | fanfold predict --model ./my-model --json-instances -",
  'fanfold predict --model digits@2 --models ./models --json-instances digits.jsonl --signature probabilities',
  'fanfold predict --model reviews --text-instances reviews.txt --format json',
  'fanfold predict --model digits@canary --json-instances digits.jsonl --endpoint http://127.0.0.1:8501',
  'fanfold predict --model digits --json-instances digits.jsonl --endpoint https://fanfold-predict-xyz.run.app --google-identity',
)}`;

export function addPredictCommand(program: Command, exit: (code: number) => void): void {
  program
    .command('predict')
    .summary('predict some instances at once')
    .description(
      'Predict some instances at once: with the model itself, or by a server of TensorFlow Serving’s REST API.',
    )
    .requiredOption('--model <dir|name[@version]>', 'a model folder, or a name (with @version or @label)')
    .addOption(new Option('--json-instances <file>', 'one JSON instance a line; - is stdin').conflicts('textInstances'))
    .option('--text-instances <file>', 'one text a line, each a string instance; - is stdin')
    .option('--signature <name>', "the model's signature; default: what its serving.json says, or serving_default")
    .addOption(
      new Option('--format <format>', 'one prediction a line, or {"predictions": […]}')
        .choices(['lines', 'json'])
        .default('lines'),
    )
    .option('--models <dir>', 'the folder of models; default: models/')
    .addOption(modelsStateOption())
    .addOption(
      new Option('--endpoint <url>', 'ask this server: fanfold dev, the predict function, TensorFlow Serving').env(
        'FANFOLD_PREDICT_URL',
      ),
    )
    .option('--google-identity', 'show the endpoint who calls, by Application Default Credentials')
    .addHelpText('after', HELP)
    .action(async (options: PredictOptions) => {
      exit(await predict(options));
    });
}

async function predict(options: PredictOptions): Promise<number> {
  const { jsonInstances, textInstances, endpoint, format } = options;
  const file = jsonInstances ?? textInstances;
  if (file === undefined) throw new UsageError('--json-instances or --text-instances: give one of them');
  const score = await scorerOf(options);
  const lines = instanceLines(open(file), endpoint === undefined ? LOCAL : REMOTE, textInstances !== undefined);
  const printer = new Printer(format);
  try {
    for await (const instances of lines) await printer.print(Buffer.from(await score(instances)));
    await printer.finish();
  } catch (error) {
    // Who reads has seen enough: `fanfold predict … | head`.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.succeeded;
    throw error;
  }
  const { rows, failed } = printer;
  if (rows === 0) throw new PermanentError('INVALID_ARGUMENT', `${file === '-' ? 'stdin' : file} holds no instance`);
  if (failed > 0) process.stderr.write(`fanfold: ${failed} of ${rows} instances failed\n`);
  if (failed === 0) return EXIT.succeeded;
  return failed === rows ? EXIT.failed : EXIT.partiallySucceeded;
}

/** What is not needed is not loaded: a model runtime for a server's predictions, an HTTP client for the model's own. */
async function scorerOf({ model, signature, endpoint, googleIdentity, ...place }: PredictOptions): Promise<ScoreLines> {
  if (endpoint !== undefined) {
    const { remoteScorer } = await import('./predict-remote.ts');
    return remoteScorer({ endpoint, model, signature, googleIdentity: googleIdentity === true });
  }
  if (googleIdentity === true) throw new UsageError('--google-identity is for --endpoint');
  const { localScorer } = await import('./predict-local.ts');
  return localScorer(await modelArgument(model, modelsPlace(place)), signature);
}

async function* open(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* (file === '-' ? process.stdin : createReadStream(file)) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new PermanentError('NOT_FOUND', `instances ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** Prints predictions to stdout as they come, and errors to stderr. */
class Printer {
  rows = 0;
  failed = 0;
  readonly #json: boolean;

  constructor(format: 'lines' | 'json') {
    this.#json = format === 'json';
  }

  /** @param lines `{"prediction":…}` or `{"error":…}`. */
  async print(lines: Buffer): Promise<void> {
    const out: string[] = [];
    for (const line of lines.toString('utf8').split('\n').slice(0, -1)) {
      const predicted = line.startsWith(PREDICTION);
      const value = predicted ? line.slice(PREDICTION.length, -1) : line;
      if (!predicted) this.#tell(line);
      if (this.#json) out.push(this.rows === 0 ? '{"predictions": [\n' : ',\n', value);
      else out.push(value, '\n');
      this.rows++;
    }
    await write(out.join(''));
  }

  async finish(): Promise<void> {
    if (this.#json && this.rows > 0) await write('\n]}\n');
  }

  #tell(line: string): void {
    const { error } = JSON.parse(line) as { readonly error: ErrorInfo };
    if (++this.failed <= MAX_TOLD) process.stderr.write(`fanfold: row ${this.rows}: ${error.message}\n`);
  }
}

/** Done when it is written: whoever reads stdout may be slower. @throws Error EPIPE where nobody reads any more. */
function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.once('error', reject);
    process.stdout.write(text, (error) => {
      if (error != null) {
        reject(error);
        return; // the listener stays for the event that follows
      }
      process.stdout.off('error', reject);
      resolve();
    });
  });
}
