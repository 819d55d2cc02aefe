import { oneLine } from '../shared/errors.ts';
import { encodeExample } from '../shared/formats/example/example.ts';
import type { FeatureValues } from '../shared/formats/example/example.ts';
import type { FeatureSpec, Model, Signature } from '../shared/models/model.ts';
import { batchDimension } from '../shared/tensor-rows.ts';
import { elementCount, newData, newTensor } from '../shared/tensor.ts';
import type { Tensor, Tensors } from '../shared/tensor.ts';

/** Elements of an input that is tried; a model that takes more in one row is not asked for a test. */
const MAX_ELEMENTS = 50_000_000;

/** What became of one signature's trial. */
export interface SmokeTest {
  readonly signature: string;
  /**
   * unsure: it failed, and may be right to: an empty text is not always a valid one (an image, a serialized message).
   */
  readonly outcome: 'passed' | 'failed' | 'unsure' | 'not tried';
  /** Why, where it did not pass. */
  readonly message?: string;
}

/** Scores one row of zeros and empty texts with each signature. */
export async function smokeTest(model: Model): Promise<SmokeTest[]> {
  const tests: SmokeTest[] = [];
  for (const signature of Object.values(model.signatures)) tests.push(await trySignature(model, signature));
  return tests;
}

async function trySignature(model: Model, signature: Signature): Promise<SmokeTest> {
  const { name } = signature;
  const inputs: Record<string, Tensor> = {};
  const rows = batchDimension(signature) ?? 1;
  const { examples } = signature;
  for (const { name: input, dtype, shape } of signature.inputs) {
    if (input === examples?.input) continue;
    if (shape === null) return { signature: name, outcome: 'not tried', message: `input ${input} has no known rank` };
    const sizes = shape.map((size, axis) => (axis === 0 ? rows : (size ?? 1)));
    if (elementCount(sizes) > MAX_ELEMENTS) {
      const message = `a row of input ${input} has ${elementCount(sizes)} elements`;
      return { signature: name, outcome: 'not tried', message };
    }
    inputs[input] = newTensor(dtype, sizes, newData(dtype, elementCount(sizes)));
  }
  if (examples !== undefined) {
    if (examples.features === undefined) {
      const message = `nobody tells the features that input ${examples.input} takes`;
      return { signature: name, outcome: 'not tried', message };
    }
    const example = encodeExample(new Map(examples.features.map((feature) => [feature.name, zeroFeature(feature)])));
    inputs[examples.input] = { dtype: 'string', shape: [rows], data: Array.from({ length: rows }, () => example) };
  }
  try {
    requireOutputs(signature, await model.predict(name, inputs));
    return { signature: name, outcome: 'passed' };
  } catch (error) {
    const message = oneLine(error).slice(0, 500);
    const takesText = signature.inputs.some(({ dtype }) => dtype === 'string');
    return { signature: name, outcome: takesText ? 'unsure' : 'failed', message };
  }
}

function requireOutputs({ outputs }: Signature, found: Tensors): void {
  const missing = outputs.find(({ name }) => found[name] === undefined);
  if (missing !== undefined) throw new Error(`it returned no output ${missing.name}`);
}

function zeroFeature({ dtype, shape }: FeatureSpec): FeatureValues {
  const count = shape === null ? 0 : elementCount(shape);
  switch (dtype) {
    case 'float32':
      return { kind: 'float', values: new Float32Array(count) };
    case 'int64':
      return { kind: 'int64', values: new BigInt64Array(count) };
    case 'string':
      return { kind: 'bytes', values: Array.from({ length: count }, () => '') };
    default:
      return dtype satisfies never;
  }
}
