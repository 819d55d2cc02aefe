import fc from 'fast-check';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import type { ModelFiles } from '../../../../shared/models/model.ts';
import { makeMlp } from '../onnx-maker.ts';
import { graphModel } from '../saved-model/graph-maker.ts';
import {
  graphFiles,
  layersFiles,
  saveLayers,
  placeholder as tfjsPlaceholder,
  type as tfjsType,
} from '../tfjs-maker.ts';
import type { HostileModel } from './hostile-model.ts';
import { READ, V } from './saved-model-cases.ts';
import { bundleFiles } from '../saved-model/saved-model-maker.ts';

type Files = Readonly<Record<string, Uint8Array>>;

interface Mutations {
  readonly name: string;
  /** Its main file, cut at places all along it. */
  readonly truncations: readonly HostileModel['files'][];
  /** One file of it, with some bytes flipped, put in or taken out. */
  readonly mutated: fc.Arbitrary<HostileModel['files']>;
}

const CUTS = 40;

/** Sound models, one of each kind, and what damage makes of them. */
export async function mutations(): Promise<readonly Mutations[]> {
  const x = tfjsPlaceholder('x', 'DT_FLOAT', [-1, 2]);
  const product = { name: 'y', op: 'MatMul', input: ['x', 'w'], attr: { T: tfjsType('DT_FLOAT') } };
  const mlp = makeMlp({ inputs: 2, hidden: [3], outputs: 2, last: 'Softmax' });
  const layers = await saveLayers((made) =>
    made.sequential({ layers: [made.layers.dense({ units: 2, inputShape: [2] })] }),
  );
  const pipeline = {
    steps: [{ name: 'a', folder: 'a' }],
    outputs: { y: 'a.y', m: { mean: ['a.y', 'a.y'], weights: [1, 2] } },
  };
  const serving = { batchSize: 4, postprocess: [{ op: 'argmax', output: 'y', as: 'best' }] };
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return [
    damaged('an ONNX model', 'm.onnx', { 'm.onnx': mlp }),
    damaged(
      'a graph-model',
      'model.json',
      await content(
        graphFiles({ nodes: [x, product], weights: [{ name: 'w', shape: [2, 1], data: Float32Array.of(1, 2) }] }),
      ),
    ),
    damaged('a layers-model', 'model.json', await content(layersFiles(layers))),
    damaged(
      'a SavedModel',
      'saved_model.pb',
      await content(
        await graphModel(READ, {
          files: await bundleFiles({ v: V, s: { dtype: DT.STRING, shape: [2], data: ['a', 'b'] } }),
        }),
      ),
    ),
    damaged('a pipeline', 'pipeline.json', { 'pipeline.json': json(pipeline), 'a/m.onnx': mlp }),
    damaged('a model with serving.json', 'serving.json', { 'serving.json': json(serving), 'm.onnx': mlp }),
  ];
}

async function content(files: ModelFiles): Promise<Files> {
  return Object.fromEntries(
    await Promise.all(files.names.map(async (name) => [name, await files.read(name)] as const)),
  );
}

function damaged(name: string, main: string, files: Files): Mutations {
  const whole = files[main] ?? new Uint8Array();
  const stride = Math.max(1, Math.floor(whole.length / CUTS));
  const truncations = Array.from({ length: Math.ceil(whole.length / stride) }, (_, cut) => ({
    ...files,
    [main]: whole.slice(0, cut * stride),
  }));
  const change = fc.record({
    kind: fc.constantFrom('flip', 'set', 'insert', 'remove'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  });
  const mutated = fc
    .record({ file: fc.constantFrom(...Object.keys(files)), changes: fc.array(change, { minLength: 1, maxLength: 4 }) })
    .map(({ file, changes }) => {
      let bytes = files[file] ?? new Uint8Array();
      for (const { kind, at, bytes: given } of changes) {
        const start = Math.floor(at * bytes.length);
        const taken = kind === 'insert' ? 0 : given.length;
        const put =
          kind === 'remove'
            ? new Uint8Array()
            : kind === 'flip'
              ? given.map((byte, i) => byte ^ (bytes[start + i] ?? 0))
              : given;
        bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + taken)]));
      }
      return { ...files, [file]: bytes };
    });
  return { name, truncations, mutated };
}
