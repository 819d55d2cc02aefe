import { registerOp } from '@tensorflow/tfjs-converter';
import * as tfc from '@tensorflow/tfjs-core';
import { PermanentError } from '../../errors.ts';

/** What a convolution is called in a segment's graph-model where some of its convolutions are of groups of channels. */
export const GROUPED_CONVOLUTION = 'FanfoldGroupedConv2D';

type Pair = [number, number];

interface ConvolutionAttrs {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly padding?: string;
  readonly explicit_paddings?: readonly number[];
  readonly data_format?: string;
}

/** TensorFlow's words of a kernel with fewer channels than the input: TensorFlow.js has convolutions of one group only. */
export function isOfGroups(error: unknown): boolean {
  return error instanceof Error && /^Error in conv2d: depth of input \(\d+\) must match/.test(error.message);
}

/**
 * Conv2D as TensorFlow has it: a kernel [height, width, channels / groups, outputs] convolves each group of channels by itself.
 * Source: https://www.tensorflow.org/api_docs/python/tf/nn/conv2d
 */
function convolve(input: tfc.Tensor4D, kernel: tfc.Tensor4D, attrs: ConvolutionAttrs): tfc.Tensor {
  const [channels, depth, outputs] = [input.shape[3], kernel.shape[2], kernel.shape[3]];
  if ((attrs.data_format ?? 'nhwc').toUpperCase() !== 'NHWC' || depth === 0 || channels % depth !== 0) {
    const found = `an input of ${channels} channels and a kernel of ${depth} (${attrs.data_format ?? 'NHWC'})`;
    throw new PermanentError('INVALID_ARGUMENT', `Conv2D: ${found}; expected a multiple, NHWC`);
  }
  const strides = spatial(attrs.strides);
  const dilations = spatial(attrs.dilations);
  const padding = paddingOf(attrs);
  const groups = channels / depth;
  if (groups === 1) return tfc.conv2d(input, kernel, strides, padding, 'NHWC', dilations);
  const [height, width] = kernel.shape;
  if (depth === 1) {
    const byChannel = tfc.reshape(kernel, [height, width, channels, outputs / channels]);
    return tfc.depthwiseConv2d(input, byChannel as tfc.Tensor4D, strides, padding, 'NHWC', dilations);
  }
  const kernels = tfc.split(kernel, groups, 3);
  const parts = tfc
    .split(input, groups, 3)
    .map((part, group) =>
      tfc.conv2d(part as tfc.Tensor4D, kernels[group] as tfc.Tensor4D, strides, padding, 'NHWC', dilations),
    );
  return tfc.concat(parts, 3);
}

function spatial(values: readonly number[] | undefined): Pair {
  return [values?.[1] ?? 1, values?.[2] ?? 1];
}

function paddingOf({
  padding = 'valid',
  explicit_paddings: explicit = [],
}: ConvolutionAttrs): 'same' | 'valid' | [Pair, Pair, Pair, Pair] {
  const name = padding.toLowerCase();
  if (name !== 'explicit') return name === 'same' ? 'same' : 'valid';
  const [top = 0, bottom = 0, left = 0, right = 0] = explicit.slice(2);
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

registerOp(GROUPED_CONVOLUTION, ({ inputs, attrs }) => {
  const [input, kernel] = inputs as [tfc.Tensor4D, tfc.Tensor4D];
  return convolve(input, kernel, attrs);
});
