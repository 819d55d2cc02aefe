import type { TfjsArtifacts } from './tfjs-artifacts.ts';

/**
 * TensorFlow.js 4.22's wasm backend computes a convolution with SAME padding silently wrongly where the kernel is smaller than the
 * stride and its windows do not reach the input's end; depthwise ones too. Compared with the cpu backend over 1,224
 * shapes: wrong only there; VALID padding, kernels of 1×1, pooling and transposed convolutions are right.
 */

/**
 * Whether a convolution with SAME padding may be one of those.
 * @param kernel spatial sizes; empty where they are not known. @param strides of the same dimensions, or one for all.
 */
export function convolvesWrongly(kernel: readonly number[], strides: readonly number[]): boolean {
  if (kernel.length === 0) return strides.some((stride) => stride > 1);
  if (kernel.every((size) => size === 1)) return false;
  return kernel.some((size, axis) => size < (strides[axis] ?? strides[0] ?? 1));
}

/** Whether the wasm backend cannot compute the model, or not rightly. */
export function layersNeedCpu({ topology }: TfjsArtifacts): boolean {
  return hasWrongConvolution(topology);
}

/** Layers nest in models, wrappers and lists of layers: anything with a class name may be one. */
function hasWrongConvolution(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { class_name: className, config } = value as { class_name?: unknown; config?: Record<string, unknown> };
  // Its WebAssembly kernel is wrong too (4.22).
  if (className === 'MaxPooling3D') return true;
  const isConvolution = typeof className === 'string' && className.includes('Conv') && !className.includes('Transpose');
  if (isConvolution && config?.['padding'] === 'same') {
    if (convolvesWrongly(toSizes(config['kernel_size']), toSizes(config['strides']))) return true;
  }
  return Object.values(value).some(hasWrongConvolution);
}

function toSizes(value: unknown): number[] {
  return [value].flat().filter((size) => typeof size === 'number');
}
