/** Resizing as `tf.image.resize` does it: half-pixel centres, separable kernels, values that are not rounded. */

/** Row-major `[height, width, channels]`. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Float32Array;
}

type Kernel = 'nearest' | 'linear' | 'cubic' | 'lanczos3';
type Fit = 'fill' | 'contain' | 'cover';

export interface ResizeOptions {
  readonly width: number;
  readonly height: number;
  /** `fill` stretches; `cover` fills all of it and cuts off what stands over; `contain` puts black around. Both keep the proportions. */
  readonly fit: Fit;
  readonly kernel: Kernel;
  /** Where the image becomes smaller, average over all pixels that fall into one. */
  readonly antialias: boolean;
}

/** The image in another size, channels 0 to 255 as before. */
export function resizeImage(image: Image, options: ResizeOptions): Image {
  const { width, height, fit } = options;
  if (fit === 'fill') return stretch(image, width, height, options);
  const [x, y] = [width / image.width, height / image.height];
  const factor = fit === 'cover' ? Math.max(x, y) : Math.min(x, y);
  const [inner, outer] = [
    Math.max(1, Math.round(image.width * factor)),
    Math.max(1, Math.round(image.height * factor)),
  ];
  if (fit === 'contain')
    return place(stretch(image, Math.min(width, inner), Math.min(height, outer), options), width, height);
  // The part of the image that is to be seen, before it is stretched: a long narrow image would else be stretched to millions of pixels.
  const cut = cropImage(
    image,
    Math.min(image.width, Math.max(1, Math.round(width / factor))),
    Math.min(image.height, Math.max(1, Math.round(height / factor))),
  );
  return stretch(cut, width, height, options);
}

/** The middle of the image; where it is smaller, black around it. */
export function cropImage(image: Image, width: number, height: number): Image {
  return place(image, width, height);
}

function place(image: Image, width: number, height: number): Image {
  if (image.width === width && image.height === height) return image;
  const { channels } = image;
  const size = width * height * channels;
  const data = image.data instanceof Uint8Array ? new Uint8Array(size) : new Float32Array(size);
  // Half of what is left over, on both sides; of an odd pixel the larger half comes after.
  const left = Math.trunc((width - image.width) / 2);
  const top = Math.trunc((height - image.height) / 2);
  const from = Math.max(0, -left);
  const columns = Math.min(image.width - from, width - Math.max(0, left));
  for (let y = Math.max(0, top); y < Math.min(height, top + image.height); y++) {
    const start = ((y - top) * image.width + from) * channels;
    data.set(image.data.subarray(start, start + columns * channels), (y * width + Math.max(0, left)) * channels);
  }
  return { width, height, channels, data };
}

function stretch(image: Image, width: number, height: number, { kernel, antialias }: ResizeOptions): Image {
  if (image.width === width && image.height === height) return image;
  const { channels } = image;
  const columns = weightsOf(image.width, width, kernel, antialias);
  const rows = weightsOf(image.height, height, kernel, antialias);
  const stride = width * channels;
  const data = new Float32Array(height * stride);
  // One line of the result is a weighted sum of lines, each made narrower or wider when it is first needed.
  const lines = new Map<number, Float32Array>();
  for (let y = 0; y < height; y++) {
    const { first, weights } = rows[y] as Weights;
    for (const line of lines.keys()) if (line < first) lines.delete(line);
    const target = data.subarray(y * stride, (y + 1) * stride);
    for (const [offset, weight] of weights.entries()) {
      const line = lines.get(first + offset) ?? resampleLine(image, first + offset, columns);
      lines.set(first + offset, line);
      for (let i = 0; i < stride; i++) target[i] = (target[i] as number) + weight * (line[i] as number);
    }
  }
  return { width, height, channels, data };
}

function resampleLine(image: Image, y: number, columns: readonly Weights[]): Float32Array {
  const { channels } = image;
  const start = y * image.width * channels;
  const line = new Float32Array(columns.length * channels);
  for (const [x, { first, weights }] of columns.entries()) {
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += (weights[k] as number) * (image.data[start + (first + k) * channels + channel] as number);
      }
      line[x * channels + channel] = sum;
    }
  }
  return line;
}

/** The pixels that one pixel of the result is made of: from `first` on, their weights; these add up to 1. */
interface Weights {
  readonly first: number;
  readonly weights: readonly number[];
}

function weightsOf(from: number, to: number, kernel: Kernel, antialias: boolean): readonly Weights[] {
  const scale = from / to;
  if (kernel === 'nearest') {
    return Array.from({ length: to }, (_, i) => ({
      first: Math.min(from - 1, Math.floor((i + 0.5) * scale)),
      weights: [1],
    }));
  }
  const spread = antialias ? Math.max(1, scale) : 1;
  const radius = KERNELS[kernel].radius * spread;
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale - 0.5;
    const first = Math.max(0, Math.min(from - 1, Math.ceil(center - radius)));
    const last = Math.max(first, Math.min(from - 1, Math.floor(center + radius)));
    const raw = Array.from({ length: last - first + 1 }, (_unused, k) =>
      KERNELS[kernel].weigh((first + k - center) / spread),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    // Nothing near enough: the nearest pixel.
    return sum === 0
      ? { first: Math.max(0, Math.min(from - 1, Math.round(center))), weights: [1] }
      : { first, weights: raw.map((weight) => weight / sum) };
  });
}

const KERNELS: Readonly<Record<Exclude<Kernel, 'nearest'>, { radius: number; weigh: (x: number) => number }>> = {
  linear: { radius: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys' cubic with a = −0.5, as TensorFlow and Pillow have it.
  cubic: {
    radius: 2,
    weigh: (signed) => {
      const x = Math.abs(signed);
      if (x >= 2) return 0;
      return x <= 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
    },
  },
  lanczos3: { radius: 3, weigh: (x) => (Math.abs(x) >= 3 ? 0 : sinc(x) * sinc(x / 3)) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
