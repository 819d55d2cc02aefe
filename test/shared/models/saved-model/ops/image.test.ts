import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { DT } from '../../../../../shared/models/saved-model/graph-def.ts';
import { call, text, values } from './op-maker.ts';

/** Two rows of three pixels. */
const RGB = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 200, 200, 200, 0, 0, 0);
const raw = { raw: { width: 3, height: 2, channels: 3 as const } };
const channels = (count: number): { channels: { i: number } } => ({ channels: { i: count } });

/** BMP with its rows from the bottom, padded to four bytes. */
function bitmap(): Buffer {
  const [width, height, stride] = [3, 2, 12];
  const file = Buffer.alloc(54 + stride * height);
  file.write('BM');
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++)
        file[54 + stride * (height - 1 - y) + x * 3 + 2 - c] = RGB[(y * width + x) * 3 + c] ?? 0;
    }
  }
  return file;
}

describe('pictures', () => {
  it('a PNG is decoded to its pixels, in the channels asked for', async () => {
    const png = text([await sharp(RGB, raw).png().toBuffer()], []);
    const [plain] = await call('DecodePng', [png]);
    expect([plain?.dtype, plain?.shape, values(plain)]).toEqual(['int32', [2, 3, 3], [...RGB]]);
    const [grey] = await call('DecodePng', [png], channels(1));
    expect([grey?.shape, values(grey)]).toEqual([
      [2, 3, 1],
      [76, 149, 29, 18, 200, 0],
    ]);
    const [alpha] = await call('DecodePng', [png], channels(4));
    expect(values(alpha).slice(0, 8)).toEqual([255, 0, 0, 255, 0, 255, 0, 255]);
    const [real] = await call('DecodeImage', [png], { dtype: { type: DT.FLOAT } });
    expect(values(real).slice(0, 3)).toEqual([1, 0, 0]);
  });

  it('alpha is dropped, not blended; grey stays one channel', async () => {
    const see = await sharp(Uint8Array.of(100, 150, 200, 0), { raw: { width: 1, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect(values((await call('DecodePng', [text([see], [])], channels(3)))[0])).toEqual([100, 150, 200]);
    expect(values((await call('DecodePng', [text([see], [])]))[0])).toEqual([100, 150, 200, 0]);
    const grey = await sharp(Uint8Array.of(7, 99), { raw: { width: 2, height: 1, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const [one] = await call('DecodePng', [text([grey], [])]);
    expect([one?.shape, values(one)]).toEqual([
      [1, 2, 1],
      [7, 99],
    ]);
    expect(values((await call('DecodePng', [text([grey], [])], channels(3)))[0])).toEqual([7, 7, 7, 99, 99, 99]);
  });

  it('16 bits stay 16 where they are asked for', async () => {
    const data = Uint16Array.of(0, 1000, 65535);
    const png = await sharp(data, { raw: { width: 1, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect(values((await call('DecodePng', [text([png], [])], { dtype: { type: DT.UINT16 } }))[0])).toEqual([
      0, 1000, 65535,
    ]);
    expect(values((await call('DecodePng', [text([png], [])]))[0])).toEqual([0, 3, 255]);
  });

  it('a JPEG of one colour keeps it, and so does one of CMYK', async () => {
    const base = sharp({ create: { width: 16, height: 8, channels: 3, background: { r: 200, g: 100, b: 50 } } });
    const [made] = await call(
      'DecodeJpeg',
      [text([await base.clone().jpeg({ quality: 100 }).toBuffer()], [])],
      channels(3),
    );
    expect(made?.shape).toEqual([8, 16, 3]);
    const off = values(made).map((value, i) => Math.abs(Number(value) - ([200, 100, 50][i % 3] ?? 0)));
    expect(Math.max(...off)).toBeLessThan(3);
    const cmyk = await base.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk');
    // The inks that libvips makes of that colour are 0, 159, 235 and 48.
    const [turned] = await call('DecodeJpeg', [text([cmyk], [])]);
    expect([turned?.shape, values(turned).slice(0, 3)]).toEqual([
      [8, 16, 3],
      [207, 77, 16],
    ]);
  });

  it('a BMP is read from its last row', async () => {
    const [made] = await call('DecodeBmp', [text([bitmap()], [])]);
    expect([made?.shape, values(made)]).toEqual([[2, 3, 3], [...RGB]]);
    await expect(call('DecodeBmp', [text([bitmap().subarray(0, 60)], [])])).rejects.toThrow('Incomplete bmp content');
    const huge = bitmap();
    huge.writeInt32LE(2 ** 30, 18);
    await expect(call('DecodeImage', [text([huge], [])])).rejects.toThrow(/at most/);
  });

  it('a GIF gives its frames', async () => {
    const gif = await sharp(RGB, raw).gif().toBuffer();
    expect((await call('DecodeImage', [text([gif], [])], channels(3)))[0]?.shape).toEqual([1, 2, 3, 3]);
    expect(
      (await call('DecodeImage', [text([gif], [])], { ...channels(3), expand_animations: { b: false } }))[0]?.shape,
    ).toEqual([2, 3, 3]);
  });

  it.each(['', 'no picture', '\x89PNG\r\n'])('refuses %j', async (bytes) => {
    await expect(call('DecodeImage', [text([bytes], [])])).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
  });

  it('refuses a picture that is cut off', async () => {
    const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    await expect(call('DecodeJpeg', [text([jpeg.subarray(0, jpeg.length / 2)], [])])).rejects.toThrow(
      /no picture that can be decoded/,
    );
  });
});
