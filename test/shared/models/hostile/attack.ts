import fc from 'fast-check';
import { PermanentError } from '../../../../shared/errors.ts';
import { loadModel } from '../../../../shared/models/load.ts';
import { printable } from '../../../../shared/models/printable.ts';
import { memoryFiles } from '../model-files.ts';
import { CONFIG_CASES } from './config-cases.ts';
import type { HostileModel, MadeModel } from './hostile-model.ts';
import { mutations } from './mutations.ts';
import { onnxCases } from './onnx-cases.ts';
import { savedModelCases } from './saved-model-cases.ts';
import { tfjsCases } from './tfjs-cases.ts';

/**
 * The process that `hostile.test.ts` starts, with little memory: what a model does to it — an abort, a crash of native code, memory without end — the test sees
 * from outside. Writes one line of JSON: what went wrong by case, and the greatest resident set, in bytes.
 */

type Suite = () => Promise<readonly string[]>;

const cases = (list: () => readonly MadeModel[] | Promise<readonly MadeModel[]>): Suite => {
  return async () => {
    const wrong: string[] = [];
    for (const made of await list()) {
      const { name, files, message } = await made;
      const found = await outcome(files);
      if (found === undefined) wrong.push(`${name}: it is taken for a model`);
      else if (!message.test(found)) wrong.push(`${name}: ${found}`);
    }
    return wrong;
  };
};

const SUITES: Readonly<Record<string, Suite>> = {
  onnx: cases(onnxCases),
  tfjs: cases(tfjsCases),
  savedModel: cases(savedModelCases),
  config: cases(() => CONFIG_CASES),
  mutations: async () => {
    const wrong: string[] = [];
    for (const { name, truncations, mutated } of await mutations()) {
      for (const files of truncations)
        await outcome(files).catch((error: unknown) => wrong.push(`${name}: ${String(error)}`));
      const checked = await fc.check(
        fc.asyncProperty(mutated, async (files) => {
          await outcome(files);
        }),
        { seed: 4, numRuns: 150, endOnFailure: true },
      );
      if (checked.failed) wrong.push(`${name}: ${String(checked.errorInstance)}`);
    }
    return wrong;
  },
};

/**
 * The refusal; undefined of a sound model.
 * @throws Error where it is no refusal, or one that cannot be shown.
 */
async function outcome(files: HostileModel['files']): Promise<string | undefined> {
  try {
    const model = await loadModel(memoryFiles(files), { tfjsNode: false });
    await model.dispose();
    return undefined;
  } catch (error) {
    if (!(error instanceof PermanentError)) throw new Error(`no refusal: ${String(error)}`, { cause: error });
    if (error.message !== printable(error.message))
      throw new Error(`no message to show: ${error.message}`, { cause: error });
    return error.message;
  }
}

const wrong = await (SUITES[process.argv[2] ?? ''] ?? (() => Promise.reject(new Error('no such suite'))))();
const peak = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ wrong, peak })}\n`);
