import { floats, graphError, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { OpAttrs } from '../op-attrs.ts';
import type { Op, Ops } from '../op.ts';
import { takeAt } from '../ops/take.ts';

/** Pictures in batches, `[pictures, height, width, channels]`. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/image_ops.cc */

interface Pictures {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: Float32Array | Int32Array | Uint8Array;
}

const MAX_ELEMENTS = 2 ** 28;

function picturesOf(tensor: OpTensor | undefined): Pictures {
  const [count = 0, height = 0, width = 0, channels = 0] = tensor?.shape ?? [];
  if (tensor?.shape.length !== 4) throw graphError('images of 4 dimensions are expected');
  return { count, height, width, channels, values: numbersOf(tensor, 'images') };
}

/** Which input pixels an output pixel is made of, and how much of each. */
interface Weighted {
  readonly places: readonly number[];
  readonly weights: readonly number[];
}

/** One axis at a time: a resampling of rows and columns is the product of both. */
function resample(input: Pictures, rows: readonly Weighted[], columns: readonly Weighted[]): OpTensor {
  const { count, height, width, channels, values } = input;
  if (count * rows.length * columns.length * channels > MAX_ELEMENTS) throw graphError('a picture of too many pixels');
  const wide = new Float64Array(count * height * columns.length * channels);
  columns.forEach(({ places, weights }, x) => {
    for (let line = 0; line < count * height; line++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        places.forEach((place, i) => (sum += (weights[i] ?? 0) * (values[(line * width + place) * channels + c] ?? 0)));
        wide[(line * columns.length + x) * channels + c] = sum;
      }
    }
  });
  const out = new Float32Array(count * rows.length * columns.length * channels);
  const line = columns.length * channels;
  for (let n = 0; n < count; n++) {
    rows.forEach(({ places, weights }, y) => {
      for (let i = 0; i < line; i++) {
        let sum = 0;
        places.forEach((place, p) => (sum += (weights[p] ?? 0) * (wide[(n * height + place) * line + i] ?? 0)));
        out[(n * rows.length + y) * line + i] = sum;
      }
    });
  }
  return floats([count, rows.length, columns.length, channels], out);
}

type Axis = (from: number, to: number, attrs: OpAttrs) => Weighted[];

const resize =
  (axis: Axis): Op =>
  ([images, size], attrs) => {
    const input = picturesOf(images);
    const [rows = 0, columns = 0] = numbersOf(size, 'size');
    return [resample(input, axis(input.height, rows, attrs), axis(input.width, columns, attrs))];
  };

function scaleOf(from: number, to: number, alignCorners: boolean): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

const TABLE = 1024;

/** Keys' cubic; TensorFlow reads its coefficients from a table of 1,024 steps. With half-pixel centers A is −0.5, and weights outside are left out. */
const bicubic: Axis = (from, to, attrs) => {
  const half = attrs.bool('half_pixel_centers', false);
  const scale = scaleOf(from, to, attrs.bool('align_corners', false));
  const a = half ? -0.5 : -0.75;
  const near = (x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number): number => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return Array.from({ length: to }, (_, i) => {
    const at = half ? (i + 0.5) * scale - 0.5 : i * scale;
    const left = Math.floor(at);
    const step = Math.round((at - left) * TABLE) / TABLE;
    const taps = [far(step + 1), near(step), near(1 - step), far(2 - step)];
    const positions = [left - 1, left, left + 1, left + 2];
    const places = positions.map((place) => Math.min(Math.max(place, 0), from - 1));
    if (!half) return { places, weights: taps };
    const inside = taps.map((weight, n) => (places[n] === positions[n] ? weight : 0));
    const sum = inside.reduce((total, weight) => total + weight, 0);
    return { places, weights: Math.abs(sum) < 1000 * Number.MIN_VALUE ? inside : inside.map((weight) => weight / sum) };
  });
};

/** Each output pixel is the mean of the area that it covers. */
const area: Axis = (from, to, attrs) => {
  const scale = scaleOf(from, to, attrs.bool('align_corners', false));
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * scale, (i + 1) * scale];
    const first = Math.floor(start);
    const positions = Array.from({ length: Math.ceil(end) - first }, (__, n) => first + n);
    return {
      places: positions.map((place) => Math.min(Math.max(place, 0), from - 1)),
      weights: positions.map((place) => (Math.min(place + 1, end) - Math.max(place, start)) / scale),
    };
  });
};

const KERNELS: Readonly<Record<string, { readonly radius: number; readonly weight: (x: number) => number }>> = {
  triangle: { radius: 1, weight: (x) => Math.max(0, 1 - x) },
  box: { radius: 1, weight: (x) => (x < 0.5 ? 1 : x === 0.5 ? 0.5 : 0) },
  lanczos1: { radius: 1, weight: (x) => lanczos(x, 1) },
  lanczos3: { radius: 3, weight: (x) => lanczos(x, 3) },
  lanczos5: { radius: 5, weight: (x) => lanczos(x, 5) },
  gaussian: { radius: 1.5, weight: (x) => (x >= 1.5 ? 0 : Math.exp((-x * x) / (2 * 0.5 * 0.5))) },
  keyscubic: {
    radius: 2,
    weight: (x) => (x >= 2 ? 0 : x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1),
  },
  mitchellcubic: {
    radius: 2,
    weight: (x) =>
      x >= 2 ? 0 : x >= 1 ? (((-7 / 18) * x + 2) * x - 10 / 3) * x + 16 / 9 : ((7 / 6) * x - 2) * x * x + 8 / 9,
  },
};

function lanczos(x: number, radius: number): number {
  if (x > radius) return 0;
  if (x <= 1e-3) return 1;
  return (radius * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / radius)) / (Math.PI * Math.PI * x * x);
}

/** tf.image.resize with antialias. Inputs: images, size, scale (rows, columns), translation. */
const scaleAndTranslate: Op = ([images, size, scales, translations], attrs) => {
  const input = picturesOf(images);
  const [rows = 0, columns = 0] = numbersOf(size, 'size');
  const [scale, translation] = [numbersOf(scales, 'scale'), numbersOf(translations, 'translation')];
  const kernel = KERNELS[attrs.text('kernel_type', 'lanczos3')];
  if (kernel === undefined) throw graphError(`kernel_type ${attrs.text('kernel_type', '')} is not supported`);
  const spans = (axis: 0 | 1, from: number, to: number): Weighted[] => {
    const inverse = 1 / (scale[axis] ?? 1);
    const shift = -inverse * (translation[axis] ?? 0);
    const stretch = attrs.bool('antialias', true) ? Math.max(inverse, 1) : 1;
    return Array.from({ length: to }, (_, i) => {
      const center = (i + 0.5) * inverse + shift;
      if (center < 0 || center > from) return { places: [], weights: [] };
      const first = Math.max(0, Math.ceil(center - kernel.radius * stretch - 0.5));
      const last = Math.min(from - 1, Math.floor(center + kernel.radius * stretch - 0.5));
      const places = Array.from({ length: Math.max(0, last - first + 1) }, (__, n) => first + n);
      const weights = places.map((place) => kernel.weight(Math.abs(place + 0.5 - center) / stretch));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return { places, weights: sum === 0 ? weights : weights.map((weight) => weight / sum) };
    });
  };
  return [resample(input, spans(0, input.height, rows), spans(1, input.width, columns))];
};

/** Each patch's pixels as the channels of one. */
const patches: Op = ([images], attrs) => {
  const { count, height, width, channels } = picturesOf(images);
  const at = (name: string, axis: number): number => Number(attrs.ints(name)[axis] ?? 1n);
  const span = (axis: 1 | 2): number => (at('ksizes', axis) - 1) * at('rates', axis) + 1;
  const same = attrs.text('padding', 'VALID') === 'SAME';
  const [rows, columns] = ([1, 2] as const).map((axis) => {
    const size = axis === 1 ? height : width;
    return Math.ceil((same ? size : Math.max(0, size - span(axis) + 1)) / at('strides', axis));
  }) as [number, number];
  const pad = (axis: 1 | 2, from: number, to: number): number =>
    same ? Math.floor(Math.max(0, (to - 1) * at('strides', axis) + span(axis) - from) / 2) : 0;
  const [top, left] = [pad(1, height, rows), pad(2, width, columns)];
  const depth = at('ksizes', 1) * at('ksizes', 2) * channels;
  const total = count * rows * columns * depth;
  if (total > MAX_ELEMENTS) throw graphError('patches of too many pixels');
  const none = images?.data.length ?? 0;
  const places = Int32Array.from({ length: total }, (_, i) => {
    const c = i % channels;
    const kx = Math.floor(i / channels) % at('ksizes', 2);
    const ky = Math.floor(i / channels / at('ksizes', 2)) % at('ksizes', 1);
    const patch = Math.floor(i / depth);
    const x = (patch % columns) * at('strides', 2) - left + kx * at('rates', 2);
    const y = (Math.floor(patch / columns) % rows) * at('strides', 1) - top + ky * at('rates', 1);
    const n = Math.floor(patch / columns / rows);
    return x < 0 || y < 0 || x >= width || y >= height ? none : ((n * height + y) * width + x) * channels + c;
  });
  const taken = takeAt(images as OpTensor, [count, rows, columns, depth], places);
  // Outside of the picture is nothing: zeros.
  return [
    { ...taken, data: (taken.data as Float32Array).map((value) => (Number.isNaN(value) ? 0 : value)) } as OpTensor,
  ];
};

/** Blocks of pixels as the channels of one. */
const spaceToDepth: Op = ([images], attrs) => {
  const { count, height, width, channels } = picturesOf(images);
  const block = attrs.int('block_size', 2);
  if (attrs.text('data_format', 'NHWC') !== 'NHWC') throw graphError('SpaceToDepth takes NHWC only');
  const shape = [count, height / block, width / block, channels * block * block] as const;
  const [, rows, columns, depth] = shape;
  const places = Int32Array.from({ length: images?.data.length ?? 0 }, (_, i) => {
    const [c, pixel] = [i % channels, Math.floor((i % depth) / channels)];
    const [x, y] = [Math.floor(i / depth) % columns, Math.floor(i / depth / columns) % rows];
    const n = Math.floor(i / depth / columns / rows);
    return ((n * height + y * block + Math.floor(pixel / block)) * width + x * block + (pixel % block)) * channels + c;
  });
  return [takeAt(images as OpTensor, shape, places)];
};

export const pictureOps: Ops = {
  ResizeBicubic: resize(bicubic),
  ResizeArea: resize(area),
  ScaleAndTranslate: scaleAndTranslate,
  ExtractImagePatches: patches,
  SpaceToDepth: spaceToDepth,
};
