import { DEFAULT_SIGNATURE } from '../../shared/models/model.ts';
import type { Model, Signature } from '../../shared/models/model.ts';
import type { Tensor, Tensors, TensorSpec } from '../../shared/tensor.ts';

export type Predict = (inputs: Tensors) => Tensors;

/** A model that is a function of tensors, and remembers what it was given. */
export class FakeModel implements Model {
  readonly runtime = 'fake 1.0';
  readonly byteSize = 8;
  readonly signatures: Readonly<Record<string, Signature>>;
  /** The shapes of the first input in every call. */
  readonly calls: (readonly number[])[] = [];
  disposed = false;
  readonly #predict: Predict;

  constructor(signature: Signature, predict: Predict) {
    this.signatures = { [signature.name]: signature };
    this.#predict = predict;
  }

  predict(_signature: string, inputs: Tensors): Promise<Tensors> {
    return Promise.resolve().then(() => {
      this.calls.push(Object.values(inputs)[0]?.shape ?? []);
      return this.#predict(inputs);
    });
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

export function signatureOf(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): Signature {
  return { name: DEFAULT_SIGNATURE, inputs, outputs };
}

export function floats(name: string, shape: TensorSpec['shape']): TensorSpec {
  return { name, dtype: 'float32', shape };
}

export function float32(shape: readonly number[], data: Iterable<number>): Tensor {
  return { dtype: 'float32', shape, data: Float32Array.from(data) };
}

/** The elements of a float32 input. */
export function numbersOf(inputs: Tensors, name = 'x'): Float32Array {
  const tensor = inputs[name];
  if (tensor?.dtype !== 'float32') throw new Error(`${name}: expected float32`);
  return tensor.data;
}

/** y = 5x, one number a row. @param refuses values that make a whole batch fail. */
export function timesFive(refuses: (x: number) => boolean = () => false): FakeModel {
  return new FakeModel(signatureOf([floats('x', [null])], [floats('y', [null])]), (inputs) => {
    const x = numbersOf(inputs);
    const bad = x.find(refuses);
    if (bad !== undefined) throw new Error(`${bad} is bad luck`);
    return {
      y: float32(
        [x.length],
        x.map((value) => 5 * value),
      ),
    };
  });
}
