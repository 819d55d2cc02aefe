import type Sharp from 'sharp';
import { oneLine } from '../../errors.ts';
import type { Image } from './resize-image.ts';

/**
 * Bytes that decode to more pixels than this are refused before they are decoded: 200 MB in memory. A photograph of a telephone has some ten
 * millions.
 */
const MAX_PIXELS = 50_000_000;

/** The first bytes of the formats that are decoded; what else the decoder knows (SVG, PDF) is no photograph, and a program rather. */
const FORMATS: readonly (readonly [offset: number, bytes: string])[] = [
  [0, '\xff\xd8\xff'],
  [0, '\x89PNG\r\n\x1a\n'],
  [0, 'GIF8'],
  [8, 'WEBP'],
  [0, 'II*\0'],
  [0, 'MM\0*'],
  [4, 'ftypavif'],
];

let library: Promise<typeof Sharp> | undefined;

export interface DecodeOptions {
  readonly channels: 1 | 3 | 4;
  /** Turn the image as its EXIF orientation says. */
  readonly orient: boolean;
}

/**
 * Decodes JPEG, PNG, GIF (its first frame), WebP, TIFF or AVIF into 8 bits a channel of sRGB. Grey is the luma of ITU-R BT.601, as in TensorFlow and
 * Pillow; transparency is dropped unless there are 4 channels.
 * @throws Error saying what is wrong with the bytes.
 */
export async function decodeImage(bytes: Uint8Array, { channels, orient }: DecodeOptions): Promise<Image> {
  const known = FORMATS.some(
    ([offset, magic]) => Buffer.from(bytes.subarray(offset, offset + magic.length)).toString('latin1') === magic,
  );
  if (!known) throw new Error(`${bytes.length} bytes of no known format`);
  const sharp = await (library ??= loadSharp());
  const source = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error', autoOrient: orient }).toColourspace(
    'srgb',
  );
  try {
    const { data, info } = await (channels === 4 ? source.ensureAlpha() : source.removeAlpha())
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    return {
      width,
      height,
      channels,
      data: channels === 1 ? luma(data) : new Uint8Array(data.buffer, data.byteOffset, data.length),
    };
  } catch (error) {
    throw new Error(`an image that cannot be decoded (${oneLine(error)})`, { cause: error });
  }
}

/** It takes as long to load as a small job: only where there is an image. */
async function loadSharp(): Promise<typeof Sharp> {
  const { default: sharp } = await import('sharp');
  // Workers are the unit of parallelism, and nothing is decoded twice.
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}

function luma(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    grey[i] = Math.round(0.299 * (rgb[at] ?? 0) + 0.587 * (rgb[at + 1] ?? 0) + 0.114 * (rgb[at + 2] ?? 0));
  }
  return grey;
}
