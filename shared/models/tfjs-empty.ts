import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';

type Tfjs = typeof import('@tensorflow/tfjs-core');

/**
 * TensorFlow.js 4.22 computes over nothing silently wrongly: a reduction over an empty axis, or a product of matrices over one, leaves the wasm backend's
 * output as the memory happened to be, which is other rows' data, and the cpu backend has its own idea of the least number of none. A row without a
 * value in a ragged feature makes such a tensor. Here these get what TensorFlow computes.
 */

type KernelFunc = KernelConfig['kernelFunc'];
type KernelArguments = Parameters<KernelFunc>[0];

/** What TensorFlow makes of no elements, by kernel; of an integer the least and the largest number it holds stand for the infinities. */
const OF_NOTHING: Readonly<Record<string, number>> = {
  All: 1,
  Any: 0,
  Max: -Infinity,
  Mean: NaN,
  Min: Infinity,
  Prod: 1,
  Sum: 0,
};

/** What says nothing of an input without elements that it cannot compute: TensorFlow refuses the first two, the others are right on cpu. */
const REFUSED = {
  cpu: ['ArgMax', 'ArgMin'],
  wasm: ['ArgMax', 'ArgMin', 'Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D', '_FusedMatMul'],
} as const;

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** Both backends keep a tensor's elements in memory that can be written; only where differs. */
interface Storage {
  disposeData(id: object): boolean;
  readonly typedArrayFromHeap?: (tensor: TensorInfo) => Elements;
  readonly data?: { get(id: object): { readonly values: Elements } };
}

type Elements = Float32Array | Int32Array | Uint8Array;

/** Replaces the backend's kernels that are wrong for empty inputs; to be called once, when it is registered. */
export function computeOverNothing(tf: Tfjs, backendName: 'wasm' | 'cpu'): void {
  for (const [kernel, value] of Object.entries(OF_NOTHING)) {
    replace(tf, kernel, backendName, (original) => (work) => {
      const output = original(work) as TensorInfo;
      if (isEmpty(work.inputs['x'])) elementsOf(work, output).fill(inDType(value, output.dtype));
      return output;
    });
  }
  replace(tf, 'BatchMatMul', backendName, (original) => (work) => {
    const { a, b } = work.inputs;
    if (a === undefined || b === undefined || !isEmpty(a) || !isEmpty(b)) return original(work);
    return tf.zeros(productShape(tf, a, b, work.attrs ?? {}));
  });
  for (const kernel of REFUSED[backendName]) {
    replace(tf, kernel, backendName, (original) => (work) => {
      const output = original(work) as TensorInfo;
      if (isEmpty(output) || !Object.values(work.inputs).some(isEmpty)) return output;
      (work.backend as Storage).disposeData(output.dataId);
      throw new Error(`${kernel} of an input without elements: shapes ${shapesOf(work)}`);
    });
  }
}

function replace(tf: Tfjs, kernelName: string, backendName: string, wrap: (original: KernelFunc) => KernelFunc): void {
  const config = tf.getKernel(kernelName, backendName) as KernelConfig | undefined;
  if (config === undefined) return;
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ ...config, kernelFunc: wrap(config.kernelFunc) });
}

function isEmpty(tensor: TensorInfo | undefined): boolean {
  return tensor?.shape.includes(0) === true;
}

function elementsOf({ backend }: KernelArguments, tensor: TensorInfo): Elements {
  const storage = backend as Storage;
  const elements = storage.typedArrayFromHeap?.(tensor) ?? storage.data?.get(tensor.dataId).values;
  if (elements === undefined) throw new Error('this backend of TensorFlow.js shows no memory of its tensors');
  return elements;
}

function inDType(value: number, dtype: string): number {
  return dtype === 'int32' ? Math.max(INT32.min, Math.min(INT32.max, value)) : value;
}

/** `[…batch, rows of a, columns of b]`. */
function productShape(tf: Tfjs, a: TensorInfo, b: TensorInfo, attrs: object): number[] {
  const { transposeA, transposeB } = attrs as { readonly transposeA?: boolean; readonly transposeB?: boolean };
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return [...batch, a.shape.at(transposeA === true ? -1 : -2) ?? 0, b.shape.at(transposeB === true ? -2 : -1) ?? 0];
}

function shapesOf({ inputs }: KernelArguments): string {
  return Object.values(inputs)
    .map((input) => `[${input?.shape.join(', ') ?? ''}]`)
    .join(', ');
}
