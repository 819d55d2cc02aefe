import { graphError } from '../op-tensor.ts';

/** Pixels row by row, from the top; 8 or 16 bits a channel. Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Uint16Array;
  /** Of colours that become grey: rounded, as libjpeg does, and libpng with 16 bits only; else cut off. */
  readonly rounds: boolean;
}

/** The luma of Rec. 601 in parts of 2^15, by which libpng makes colours grey. */
const [RED, GREEN, BLUE] = [9797, 19234, 3737];
const LUMA_BITS = 15;
const HALF = 2 ** (LUMA_BITS - 1);

/** @param channels 0: as they are. @throws PermanentError of a number that no picture has. */
export function withChannels(picture: Picture, channels: number): Picture {
  if (channels === 0 || channels === picture.channels) return picture;
  if (![1, 3, 4].includes(channels)) throw graphError(`channels must be 0, 1, 3 or 4, got ${channels}`);
  const { width, height, data } = picture;
  const out =
    data instanceof Uint16Array
      ? new Uint16Array(width * height * channels)
      : new Uint8Array(width * height * channels);
  const opaque = data instanceof Uint16Array ? 0xffff : 0xff;
  const from = picture.channels;
  const grey = from < 3;
  const half = picture.rounds ? HALF : 0;
  const hasAlpha = from % 2 === 0;
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = pixel * from;
    const to = pixel * channels;
    const red = data[at] as number;
    const [green, blue] = grey ? [red, red] : [data[at + 1] as number, data[at + 2] as number];
    if (channels === 1) out[to] = grey ? red : (RED * red + GREEN * green + BLUE * blue + half) >>> LUMA_BITS;
    else {
      out[to] = red;
      out[to + 1] = green;
      out[to + 2] = blue;
      if (channels === 4) out[to + 3] = hasAlpha ? (data[at + from - 1] as number) : opaque;
    }
  }
  return { ...picture, channels, data: out };
}

/** A picture of which all colours are grey, with its alpha where it has one. */
export function asGrey(picture: Picture, hasAlpha: boolean): Picture {
  const { width, height, channels, data } = picture;
  const kept = hasAlpha ? 2 : 1;
  const out =
    data instanceof Uint16Array ? new Uint16Array(width * height * kept) : new Uint8Array(width * height * kept);
  for (let pixel = 0; pixel < width * height; pixel++) {
    out[pixel * kept] = data[pixel * channels] as number;
    if (hasAlpha) out[pixel * kept + 1] = data[pixel * channels + channels - 1] as number;
  }
  return { ...picture, channels: kept, data: out };
}

/** CMYK to RGB as TensorFlow turns it: without a profile, each ink taking its part of the light. */
export function fromCmyk(picture: Picture): Picture {
  const { width, height, data } = picture;
  const out = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const light = 0xff - (data[pixel * 4 + 3] as number);
    for (let c = 0; c < 3; c++)
      out[pixel * 3 + c] = Math.floor((light * (0xff - (data[pixel * 4 + c] as number))) / 0xff);
  }
  return { ...picture, channels: 3, data: out };
}
