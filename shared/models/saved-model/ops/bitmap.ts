import { graphError } from '../op-tensor.ts';
import type { Picture } from './picture.ts';

/** Offsets into the file's header: https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapinfoheader */
const HEADER_BYTES = 34;
const DATA_OFFSET = 10;
const WIDTH = 18;
const HEIGHT = 22;
const BITS = 28;
const COMPRESSION = 30;

export function isBitmap(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/**
 * An uncompressed BMP, as TensorFlow reads it: 8 bits a pixel are grey, 24 are RGB, 32 are RGB and alpha.
 * @throws PermanentError where it is another one, or its pixels go beyond the file.
 */
export function decodeBitmap(bytes: Uint8Array, maxPixels: number): Picture {
  if (bytes.length < HEADER_BYTES) throw graphError(`Incomplete bmp content, size ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [start, width, signed] = [
    view.getUint32(DATA_OFFSET, true),
    view.getInt32(WIDTH, true),
    view.getInt32(HEIGHT, true),
  ];
  const bits = view.getUint16(BITS, true);
  const [height, channels] = [Math.abs(signed), bits / 8];
  if (![1, 3, 4].includes(channels) || ![0, 3].includes(view.getUint32(COMPRESSION, true))) {
    throw graphError(`Number of channels inherent in the image must be 1, 3 or 4, uncompressed, was ${bits} bits`);
  }
  if (width <= 0 || height === 0 || width * height > maxPixels)
    throw graphError(`a bmp of ${width} × ${height} pixels; at most ${maxPixels} are read`);
  // Rows are padded to four bytes.
  const stride = Math.ceil((width * channels) / 4) * 4;
  if (start + stride * height > bytes.length) throw graphError('Incomplete bmp content');
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = start + stride * (signed > 0 ? height - 1 - y : y);
    const row = bytes.subarray(from, from + width * channels);
    for (let i = 0; i < row.length; i++) {
      // Blue and red change places.
      const channel = i % channels;
      const source = channels > 1 && channel < 3 ? i - channel + 2 - channel : i;
      data[y * width * channels + i] = row[source] as number;
    }
  }
  return { width, height, channels, data, rounds: false };
}
