import { floats, numberOf, numbersOf } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { roundHalfEven } from './round.ts';

/** Quantization that is only felt: floats in, floats out, on the steps that integers would have. In float32, as TensorFlow computes it. */

const { fround } = Math;

/** Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/fake_quant_ops_functor.h */
function fakeQuantizer(min: number, max: number, bits: number, narrow: boolean): (x: number) => number {
  if (min === 0 && max === 0) return () => 0;
  const [least, most] = [narrow ? 1 : 0, 2 ** bits - 1];
  const scale = fround(fround(max - min) / (most - least));
  const zero = fround(least - fround(min / scale));
  const nudged = zero < least ? least : zero > most ? most : Math.round(zero);
  const [low, high] = [fround((least - nudged) * scale), fround((most - nudged) * scale)];
  const inverse = fround(1 / scale);
  return (x) => {
    const shifted = fround(Math.min(Math.max(x, low), high) - low);
    return fround(Math.floor(fround(fround(shifted * inverse) + 0.5)) * scale) + low;
  };
}

const fakeQuant: Op = ([input, min, max], attrs) => {
  const values = numbersOf(input, 'inputs');
  const [low, high] = [
    min ? numbersOf(min, 'min') : [attrs.float('min', -6)],
    max ? numbersOf(max, 'max') : [attrs.float('max', 6)],
  ];
  const [bits, narrow] = [attrs.int('num_bits', 8), attrs.bool('narrow_range', false)];
  const quantizers = Array.from(low, (from, c) => fakeQuantizer(from, high[c] ?? 0, bits, narrow));
  // One, or one for each channel, which is the last dimension.
  const out = values.map((x: number, i: number) => quantizers[i % quantizers.length]?.(x) ?? 0);
  return [floats(input?.shape ?? [], out as Float32Array)];
};

/** Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/quantize_and_dequantize_op.h */
const quantizeAndDequantize: Op = ([input, min, max, bitsInput], attrs) => {
  const values = numbersOf(input, 'input');
  const bits = bitsInput ? numberOf(bitsInput, 'num_bits') : attrs.int('num_bits', 8);
  const axis = attrs.int('axis', -1);
  const shape = input?.shape ?? [];
  const [channels, inner] =
    axis < 0
      ? [1, values.length]
      : [shape[axis] ?? 1, shape.slice(axis + 1).reduce((product, size) => product * size, 1)];
  const round =
    attrs.text('round_mode', 'HALF_TO_EVEN') === 'HALF_UP' ? (x: number) => Math.floor(x + 0.5) : roundHalfEven;
  const given = attrs.bool('range_given', false);
  const signed = attrs.bool('signed_input', true);
  const least = signed ? -(2 ** (bits - 1)) + Number(attrs.bool('narrow_range', false)) : 0;
  const most = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const ranges = given
    ? Array.from(numbersOf(min, 'input_min'), (low, c): [number, number] => [low, numbersOf(max, 'input_max')[c] ?? 0])
    : rangesOf(values, channels, channelOf);
  const scales = ranges.map(([low, high]) => {
    const [byLow, byHigh] = [least * low > 0 ? least / low : Infinity, most * high > 0 ? most / high : Infinity];
    const scale = fround(Math.min(byLow, byHigh));
    const inverse = byLow < byHigh ? fround(low / least) : fround(high / most);
    return { scale, inverse, low: fround(least * inverse), high: fround(most * inverse) };
  });
  const out = Float32Array.from(values, (x: number, i: number) => {
    const { scale = 1, inverse = 0, low = 0, high = 0 } = scales[channelOf(i) % scales.length] ?? {};
    if (!Number.isFinite(scale)) return 0;
    return round(fround((given ? Math.min(Math.max(x, low), high) : x) * scale)) * inverse;
  });
  return [floats(shape, out)];
};

function rangesOf(values: ArrayLike<number>, channels: number, channelOf: (i: number) => number): [number, number][] {
  const ranges = Array.from({ length: channels }, (): [number, number] => [Infinity, -Infinity]);
  for (let i = 0; i < values.length; i++) {
    const range = ranges[channelOf(i)] as [number, number];
    range[0] = Math.min(range[0], values[i] ?? 0);
    range[1] = Math.max(range[1], values[i] ?? 0);
  }
  return ranges;
}

export const quantizeOps: Ops = {
  FakeQuantWithMinMaxArgs: fakeQuant,
  FakeQuantWithMinMaxVars: fakeQuant,
  FakeQuantWithMinMaxVarsPerChannel: fakeQuant,
  QuantizeAndDequantizeV2: quantizeAndDequantize,
  QuantizeAndDequantizeV3: quantizeAndDequantize,
  QuantizeAndDequantizeV4: quantizeAndDequantize,
};
