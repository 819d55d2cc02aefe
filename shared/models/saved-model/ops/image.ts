import type { Sharp } from 'sharp';
import { oneLine } from '../../../errors.ts';
import { DT, dataTypeName } from '../graph-def.ts';
import type { OpAttrs } from '../op-attrs.ts';
import { floats, graphError, ints, stringOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { decodeBitmap, isBitmap } from './bitmap.ts';
import { asGrey, fromCmyk, withChannels } from './picture.ts';
import type { Picture } from './picture.ts';

/** A picture's pixels become 32-bit numbers: three channels of so many take 400 MB. */
const MAX_PIXELS = 32 * 1024 * 1024;
/** Multipliers that bring pixels to 0…1, and 8 bits to 16. */
const FULL_8 = 0xff;
const FULL_16 = 0xffff;
const WIDEN = FULL_16 / FULL_8;

const decode =
  (name: string): Op =>
  async ([contents], attrs) => {
    const bytes = stringOf(contents, 'contents');
    if (attrs.int('ratio', 1) !== 1) throw graphError(`${name} with the ratio ${attrs.int('ratio', 1)}; expected 1`);
    const type = attrs.type('dtype', DT.UINT8);
    const picture = isBitmap(bytes)
      ? decodeBitmap(bytes, MAX_PIXELS)
      : await read(bytes, name, type === DT.UINT16 || type === DT.FLOAT);
    return [pixels(withChannels(picture, attrs.int('channels', 0)), type, name)];
  };

/** As DecodeImage does with animations: [frames, height, width, 3]. */
const decodeImage: Op = async (inputs, attrs) => {
  const bytes = stringOf(inputs[0], 'contents');
  const animated = isGif(bytes) && attrs.bool('expand_animations', true);
  return animated ? [await frames(bytes, attrs)] : decode('DecodeImage')(inputs, attrs);
};

/** Encoded pictures to [height, width, channels]. Decoders differ in some pixels by small amounts; libvips has no fast integer DCT. */
export const imageOps: Ops = {
  DecodeBmp: decode('DecodeBmp'),
  DecodeGif: async ([contents], attrs) => [await frames(stringOf(contents, 'contents'), attrs)],
  DecodeImage: decodeImage,
  DecodeJpeg: decode('DecodeJpeg'),
  DecodePng: decode('DecodePng'),
};

function isGif(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'GIF8';
}

async function open(bytes: Uint8Array, animated: boolean): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  // TensorFlow looks at no colour profile and turns nothing.
  return sharp(bytes, { animated, failOn: 'error', ignoreIcc: true, limitInputPixels: MAX_PIXELS });
}

/** @param deep 16 bits a channel where the file has them. */
async function read(bytes: Uint8Array, name: string, deep: boolean): Promise<Picture> {
  try {
    const image = await open(bytes, false);
    const { format, space, depth, hasAlpha } = await image.metadata();
    if (space === 'cmyk') return fromCmyk(await inks(image));
    const wide = deep && depth === 'ushort';
    // As colours even where it is grey: libvips leaves the alpha of a grey picture out.
    const coloured = image.toColourspace(wide ? 'rgb16' : 'srgb');
    const { data, info } = await coloured
      .raw({ depth: wide ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const values = wide ? new Uint16Array(Uint8Array.from(data).buffer) : data;
    const rounds = wide || format !== 'png';
    const picture = { width: info.width, height: info.height, channels: info.channels, data: values, rounds };
    return space === 'b-w' || space === 'grey16' ? asGrey(picture, hasAlpha) : picture;
  } catch (error) {
    throw graphError(`${name}: ${bytes.length} bytes are no picture that can be decoded: ${oneLine(error)}`, {
      cause: error,
    });
  }
}

/** Named twice, so that libvips turns the inks into nothing else. */
async function inks(image: Sharp): Promise<Picture> {
  const raw = image.pipelineColourspace('cmyk').toColourspace('cmyk').raw();
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data, rounds: true };
}

async function frames(bytes: Uint8Array, attrs: OpAttrs): Promise<OpTensor> {
  try {
    const image = await open(bytes, true);
    const { data, info } = await image.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    const all = withChannels(
      { width: info.width, height: info.height, channels: info.channels, data, rounds: true },
      3,
    );
    const height = info.pageHeight ?? info.height;
    const { shape, ...rest } = pixels(all, attrs.type('dtype', DT.UINT8), 'DecodeGif');
    return { ...rest, shape: [all.height / height, height, ...shape.slice(1)] };
  } catch (error) {
    throw graphError(`DecodeGif: ${bytes.length} bytes are no picture that can be decoded: ${oneLine(error)}`, {
      cause: error,
    });
  }
}

function pixels({ width, height, channels, data }: Picture, type: number, name: string): OpTensor {
  const shape = [height, width, channels];
  const wide = data instanceof Uint16Array;
  switch (type) {
    case DT.UINT8:
      return ints(shape, Int32Array.from(data));
    case DT.UINT16:
      return ints(
        shape,
        Int32Array.from(data, (value) => (wide ? value : value * WIDEN)),
      );
    case DT.FLOAT:
      return floats(
        shape,
        Float32Array.from(data, (value) => value / (wide ? FULL_16 : FULL_8)),
      );
    default:
      throw graphError(`${name} to ${dataTypeName(type)}; expected uint8, uint16 or float`);
  }
}
