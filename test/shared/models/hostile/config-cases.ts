import { makeMlp } from '../onnx-maker.ts';
import type { HostileModel } from './hostile-model.ts';

/** pipeline.json, remote.json and serving.json that nobody writes by accident; the models beside them are sound. */

const MLP = makeMlp({ inputs: 2, hidden: [], outputs: 2 });

const serving = (name: string, config: unknown, message: RegExp, files = {}): HostileModel => ({
  name: `serving.json: ${name}`,
  files: { 'm.onnx': MLP, 'serving.json': written(config), ...files },
  message,
});
const labels = (file: string) => ({ postprocess: [{ op: 'labels', output: 'y', file }] });

const pipeline = (
  name: string,
  config: unknown,
  message: RegExp,
  files: HostileModel['files'] = { 'a/m.onnx': MLP },
): HostileModel => ({
  name: `pipeline.json: ${name}`,
  files: { 'pipeline.json': written(config), ...files },
  message,
});
const step = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({ name, folder: 'a', ...more });
const outputs = { y: 'a.y' };
/** A pipeline in the folder `a` of a pipeline in the folder `a` of … */
const inside = (depth: number): HostileModel['files'] => ({
  ...Object.fromEntries(
    Array.from({ length: depth }, (_, level) => [
      `${'a/'.repeat(level)}pipeline.json`,
      { steps: [step('a')], outputs },
    ]),
  ),
  [`${'a/'.repeat(depth)}m.onnx`]: MLP,
});

const remote = (name: string, config: unknown, message: RegExp): HostileModel => ({
  name: `remote.json: ${name}`,
  files: { 'remote.json': written(config) },
  message,
});
const at = (url: string, more = {}) => ({
  protocol: 'tf-serving',
  url,
  signature: {
    inputs: [{ name: 'x', dtype: 'float32', shape: [null] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null] }],
  },
  ...more,
});

/** Bytes and text stay what they are. */
function written(config: unknown): Uint8Array | string {
  return config instanceof Uint8Array || typeof config === 'string' ? config : JSON.stringify(config);
}

export const CONFIG_CASES: readonly HostileModel[] = [
  serving('an empty file', '', /serving\.json is not JSON/),
  serving('bytes that are no text', new Uint8Array(10).fill(0xff), /serving\.json is not JSON/),
  serving('lists in lists', '['.repeat(1_000_000), /serving\.json .*nests deeper/),
  serving('an unknown key named by terminal escapes', { '\u001b[31m': 1 }, /serving\.json.*\\u001b\[31m/),
  serving(
    'a hundred thousand unknown keys',
    Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i])),
    /serving\.json.*\(\d+ characters\)/,
  ),
  serving('a batch without end', { batchSize: 1e300 }, /batchSize/),
  serving('labels outside the folder', labels('../../etc/passwd'), /inside the model's folder/),
  serving('labels at an absolute path', labels('/etc/passwd'), /inside the model's folder/),
  serving('labels behind backslashes', labels('..\\labels.txt'), /inside the model's folder/),
  serving('labels behind a NUL', labels('labels.txt\0'), /inside the model's folder/, { 'labels.txt': 'a\nb\n' }),
  serving('labels that are no text', labels('labels.txt'), /labels\.txt is not text in UTF-8/, {
    'labels.txt': new Uint8Array(10).fill(0xff),
  }),
  serving('no labels', labels('labels.txt'), /labels\.txt holds no line/, { 'labels.txt': '' }),
  serving('labels without end', labels('labels.txt'), /labels\.txt holds \d+ lines/, {
    'labels.txt': '\n'.repeat(5_000_000),
  }),
  serving(
    'an image of terapixels',
    {
      preprocess: {
        x: { field: 'f', steps: [{ op: 'decodeImage' }, { op: 'resize', width: 2 ** 20, height: 2 ** 20 }] },
      },
    },
    /preprocess\.x/,
  ),
  serving(
    'a tensor of 2^60 elements',
    { preprocess: { x: { field: 'f', shape: [2 ** 20, 2 ** 20, 2 ** 20] } } },
    /preprocess\.x/,
  ),
  pipeline('an empty file', '', /pipeline\.json is not JSON/),
  pipeline('lists in lists', '['.repeat(1_000_000), /pipeline\.json .*nests deeper/),
  pipeline('a step that needs itself', { steps: [step('a', { inputs: { x: 'a.y' } })], outputs }, /step.*"a"/),
  pipeline(
    'steps that need each other',
    { steps: [step('a', { inputs: { x: 'b.y' } }), step('b', { inputs: { x: 'a.y' } })], outputs },
    /need each other/,
  ),
  pipeline('a folder outside', { steps: [step('a', { folder: '../other' })], outputs }, /steps\.0\.folder/),
  pipeline('an absolute folder', { steps: [step('a', { folder: '/etc' })], outputs }, /steps\.0\.folder/),
  pipeline(
    'a folder named by an escape',
    { steps: [step('a', { folder: '\u001b[31m' })], outputs },
    /steps\.0\.folder/,
  ),
  pipeline('a folder that is not there', { steps: [step('a', { folder: 'b' })], outputs }, /no file in the folder b/),
  pipeline(
    'a step called __proto__',
    { steps: [step('__proto__', { folder: 'b' })], outputs },
    /folder b|steps\.0\.name/,
  ),
  pipeline(
    'ten thousand steps',
    { steps: Array.from({ length: 10_000 }, (_, i) => step(`s${i}`)), outputs },
    /pipeline\.json: steps/,
  ),
  pipeline('pipelines in pipelines', { steps: [step('a')], outputs }, /pipelines in pipelines/, inside(20)),
  pipeline('a step whose model is broken', { steps: [step('a')], outputs }, /step "a".*m\.onnx/, {
    'a/m.onnx': MLP.slice(0, 50),
  }),
  remote('an empty file', '', /remote\.json is not JSON/),
  remote('lists in lists', '['.repeat(1_000_000), /remote\.json .*nests deeper/),
  remote('a file of this machine', at('file:///etc/passwd'), /remote\.json: /),
  remote('a script', at('javascript:alert(1)'), /remote\.json: /),
  remote('no address', at('http://'), /remote\.json: /),
  remote('a password in the address', at('https://user:secret@example.com/v1/models/m'), /remote\.json: /),
  remote(
    'a header that ends the line',
    at('https://example.com/v1/models/m', { headers: { a: 'b\r\nc: d' } }),
    /remote\.json: headers/,
  ),
  remote('a pause without end', at('https://example.com/v1/models/m', { timeoutSeconds: 1e300 }), /timeoutSeconds/),
];
