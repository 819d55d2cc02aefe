import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ATTACK = fileURLToPath(new URL('./attack.ts', import.meta.url));
/** Of a whole suite: Node.js and the runtimes take 150 MB. */
const MAX_RESIDENT_BYTES = 2 ** 30;

describe('hostile models are refused in a message that can be shown, within bounded memory', () => {
  it.each([
    ['ONNX models', 'onnx'],
    ['TensorFlow.js models', 'tfjs'],
    ['SavedModels', 'savedModel'],
    ['pipelines, remote models and serving.json', 'config'],
    ['sound models, damaged or cut short', 'mutations'],
  ])(
    '%s',
    async (_, suite) => {
      const { stdout } = await run(process.execPath, ['--max-old-space-size=512', ATTACK, suite]);
      const { wrong, peak } = JSON.parse(stdout) as { wrong: readonly string[]; peak: number };
      expect(wrong).toEqual([]);
      expect(peak).toBeLessThan(MAX_RESIDENT_BYTES);
    },
    60_000,
  );
});
