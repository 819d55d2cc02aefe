import { floats, graphError, numberOf, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';

/** Colours of pixels, channels last. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/image_ops.cc */

type Pixel = readonly [number, number, number];

/** Hue, saturation and value, each from 0 to 1. */
function toHsv([r, g, b]: Pixel): Pixel {
  const value = Math.max(r, g, b);
  const range = value - Math.min(r, g, b);
  const saturation = value > 0 ? range / value : 0;
  if (range <= 0) return [0, saturation, value];
  const hue =
    r === value ? (g - b) / 6 / range : g === value ? (b - r) / 6 / range + 1 / 3 : (r - g) / 6 / range + 2 / 3;
  return [hue < 0 ? hue + 1 : hue, saturation, value];
}

function toRgb([h, s, v]: Pixel): Pixel {
  const at = h * 6;
  const parts = [Math.abs(at - 3) - 1, 2 - Math.abs(at - 2), 2 - Math.abs(at - 4)];
  return parts.map((part) => (1 - s + s * Math.min(Math.max(part, 0), 1)) * v) as unknown as Pixel;
}

function eachPixel(input: OpTensor | undefined, change: (pixel: Pixel) => Pixel): OpTensor[] {
  const data = numbersOf(input, 'images');
  if (input?.shape.at(-1) !== 3) throw graphError(`input must have 3 channels but instead has ${input?.shape.at(-1)}`);
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += 3) out.set(change([data[i] ?? 0, data[i + 1] ?? 0, data[i + 2] ?? 0]), i);
  return [floats(input.shape, out)];
}

/** Away from each channel's mean over the image, by the factor. */
const contrast: Op = ([images, factor]) => {
  const data = numbersOf(images, 'images');
  const by = numberOf(factor, 'contrast_factor');
  const [height = 1, width = 1, channels = 1] = images?.shape.slice(-3) ?? [];
  const size = height * width * channels;
  const out = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += size) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let i = start + c; i < start + size; i += channels) sum += data[i] ?? 0;
      const mean = sum / (height * width);
      for (let i = start + c; i < start + size; i += channels) out[i] = ((data[i] ?? 0) - mean) * by + mean;
    }
  }
  return [floats(images?.shape ?? [], out)];
};

export const colorOps: Ops = {
  RGBToHSV: ([images]) => eachPixel(images, toHsv),
  HSVToRGB: ([images]) => eachPixel(images, toRgb),
  AdjustHue: ([images, delta]) => {
    const by = numberOf(delta, 'delta');
    return eachPixel(images, (pixel) => {
      const [h, s, v] = toHsv(pixel);
      return toRgb([(((h + by) % 1) + 1) % 1, s, v]);
    });
  },
  AdjustSaturation: ([images, scale]) => {
    const by = numberOf(scale, 'scale');
    return eachPixel(images, (pixel) => {
      const [h, s, v] = toHsv(pixel);
      return toRgb([h, Math.min(Math.max(s * by, 0), 1), v]);
    });
  },
  AdjustContrastv2: contrast,
};
