import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../../shared/models/load.ts';
import { DEFAULT_SIGNATURE } from '../../../../shared/models/model.ts';
import type { Model } from '../../../../shared/models/model.ts';
import { RowFailures } from '../../../../shared/models/row-failures.ts';
import type { StringElement } from '../../../../shared/tensor.ts';
import { describeFixtures, FIXTURES, memoryFiles } from '../model-files.ts';
import { makeOnnx } from '../onnx-maker.ts';

/** A model that returns the image that it is given. */
function echo(shape: readonly (number | string)[], steps: readonly object[]): Promise<Model> {
  const onnx = makeOnnx({
    nodes: [{ op: 'Identity', inputs: ['image'], outputs: ['same'] }],
    inputs: [{ name: 'image', type: 'float32', shape }],
    outputs: [{ name: 'same', type: 'float32', shape }],
  });
  return loadModel(memoryFiles({ 'm.onnx': onnx, 'serving.json': { preprocess: { image: { steps } } } }));
}

async function decode(model: Model, ...data: StringElement[]): Promise<{ shape: readonly number[]; values: number[] }> {
  try {
    const image = { dtype: 'string', shape: [data.length], data } as const;
    const { same } = await model.predict(DEFAULT_SIGNATURE, { image });
    if (same?.dtype !== 'float32') throw new Error('no float32');
    return { shape: same.shape, values: [...same.data] };
  } finally {
    await model.dispose();
  }
}

const ORANGE = { r: 200, g: 100, b: 50 };
const flat = () => sharp({ create: { width: 8, height: 6, channels: 3, background: ORANGE } });
const resize = { op: 'resize', width: 2, height: 1 };
/** Within one of 256 steps, and what JPEG adds. */
const near = (...values: number[]): unknown[] => values.map((value) => expect.closeTo(value, -0.6) as unknown);

describe('decodeImage', () => {
  it('the served signature takes bytes', async () => {
    const model = await echo(['N', 1, 2, 3], [{ op: 'decodeImage' }, resize]);
    expect(model.signatures[DEFAULT_SIGNATURE]?.inputs).toEqual([{ name: 'image', dtype: 'string', shape: [null] }]);
    await model.dispose();
  });

  const formats = [
    { name: 'JPEG', bytes: () => flat().jpeg({ quality: 100 }).toBuffer() },
    { name: 'progressive JPEG', bytes: () => flat().jpeg({ quality: 100, progressive: true }).toBuffer() },
    { name: 'PNG', bytes: () => flat().png().toBuffer() },
    { name: 'PNG of 16 bits', bytes: () => flat().toColourspace('rgb16').png().toBuffer() },
    { name: 'PNG with transparency', bytes: () => flat().ensureAlpha(0.5).png().toBuffer() },
    { name: 'PNG with a palette', bytes: () => flat().png({ palette: true }).toBuffer() },
    { name: 'GIF', bytes: () => flat().gif().toBuffer() },
    { name: 'WebP', bytes: () => flat().webp({ lossless: true }).toBuffer() },
    { name: 'TIFF', bytes: () => flat().tiff({ compression: 'lzw' }).toBuffer() },
    { name: 'AVIF', bytes: () => flat().avif({ quality: 100 }).toBuffer() },
  ];
  it.each(formats)('decodes $name', async ({ bytes }) => {
    const model = await echo(['N', 1, 2, 3], [{ op: 'decodeImage' }, resize]);
    expect(await decode(model, new Uint8Array(await bytes()))).toEqual({
      shape: [1, 1, 2, 3],
      values: near(200, 100, 50, 200, 100, 50),
    });
  });

  it('makes grey by luma, and four channels with opacity', async () => {
    const png = new Uint8Array(await flat().png().toBuffer());
    const one = { op: 'resize', width: 1, height: 1 };
    const luma = Math.round(0.299 * 200 + 0.587 * 100 + 0.114 * 50);
    const grey = await echo(['N', 1, 1, 1], [{ op: 'decodeImage', channels: 1 }, one]);
    expect((await decode(grey, png)).values).toEqual(near(luma));
    const rgba = await echo(['N', 1, 1, 4], [{ op: 'decodeImage', channels: 4 }, one]);
    expect((await decode(rgba, png)).values).toEqual(near(200, 100, 50, 255));
    const ofGrey = await echo(['N', 1, 1, 3], [{ op: 'decodeImage' }, one]);
    const greyPng = await sharp(Buffer.of(7, 7, 7, 7), { raw: { width: 2, height: 2, channels: 1 } })
      .png()
      .toBuffer();
    expect((await decode(ofGrey, new Uint8Array(greyPng))).values).toEqual(near(7, 7, 7));
  });

  it('turns the image where it is told to', async () => {
    const two = sharp(Buffer.of(255, 255, 255, 0, 0, 0), { raw: { width: 2, height: 1, channels: 3 } });
    const bytes = new Uint8Array(await two.withMetadata({ orientation: 6 }).png().toBuffer());
    const size = { op: 'crop', width: 1, height: 2 };
    const upright = await echo(['N', 2, 1, 1], [{ op: 'decodeImage', channels: 1, orient: true }, size]);
    expect((await decode(upright, bytes)).values).toEqual([255, 0]);
    const asStored = await echo(
      ['N', 1, 2, 1],
      [
        { op: 'decodeImage', channels: 1 },
        { op: 'crop', width: 2, height: 1 },
      ],
    );
    expect((await decode(asStored, bytes)).values).toEqual([255, 0]);
  });

  it('makes what models of PyTorch take: shorter side, middle, normalised, channels first', async () => {
    const model = await echo(
      ['N', 3, 2, 2],
      [
        { op: 'decodeImage' },
        { op: 'resize', width: 4, height: 4, fit: 'cover' },
        { op: 'crop', width: 2, height: 2 },
        { op: 'scale', factor: 1 / 255 },
        { op: 'normalize', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
        { op: 'channelsFirst' },
      ],
    );
    const { shape, values } = await decode(model, new Uint8Array(await flat().png().toBuffer()));
    const channel = (value: number, mean: number, std: number) =>
      new Array(4).fill(expect.closeTo((value / 255 - mean) / std, 4)) as unknown[];
    expect(shape).toEqual([1, 3, 2, 2]);
    expect(values).toEqual([
      ...channel(200, 0.485, 0.229),
      ...channel(100, 0.456, 0.224),
      ...channel(50, 0.406, 0.225),
    ]);
  });

  it('what is no image is the error of its row, and says so', async () => {
    const good = new Uint8Array(await flat().png().toBuffer());
    const jpeg = new Uint8Array(await flat().resize(400, 300).jpeg().toBuffer());
    const huge = new Uint8Array(good);
    // The width in the header, 2^30, and nothing behind it.
    new DataView(huge.buffer).setUint32(16, 2 ** 30);
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="3" height="3"/>');
    const model = await echo(['N', 1, 2, 3], [{ op: 'decodeImage' }, resize]);
    const rows = [
      good,
      new Uint8Array(0),
      svg,
      'text',
      good.subarray(0, 60),
      jpeg.subarray(0, jpeg.length - 400),
      huge,
      good,
    ];
    const error: unknown = await decode(model, ...rows).catch((reason: unknown) => reason);
    if (!(error instanceof RowFailures)) throw error;
    const messages = [...error.failures].map(([row, { message }]) => [row, message]);
    const expected = 'expected a JPEG, PNG, GIF, WebP, TIFF or AVIF image in {"b64": …}';
    expect(messages.sort(([a], [b]) => Number(a) - Number(b))).toEqual([
      [1, `field "image": found 0 bytes of no known format, ${expected}`],
      [2, `field "image": found ${svg.length} bytes of no known format, ${expected}`],
      [3, `field "image": found 4 bytes of no known format, ${expected}`],
      [4, expect.stringContaining('found an image that cannot be decoded (')],
      [5, expect.stringContaining('found an image that cannot be decoded (')],
      [6, expect.stringContaining('found an image that cannot be decoded (')],
    ]);
  });
});

describeFixtures('photographs', () => {
  it.each(['cat.jpg', 'dog.jpg'])('%s becomes what another resampler makes of it', async (name) => {
    const bytes = await readFile(join(FIXTURES, 'images', name));
    const steps = [{ op: 'decodeImage' }, { op: 'resize', width: 64, height: 64, kernel: 'cubic' }];
    const { values } = await decode(await echo(['N', 64, 64, 3], steps), new Uint8Array(bytes));
    const other = await sharp(bytes)
      .toColourspace('srgb')
      .removeAlpha()
      .resize(64, 64, { fit: 'fill', kernel: 'cubic', fastShrinkOnLoad: false })
      .raw()
      .toBuffer();
    const apart = values.reduce(
      (sum, value, i) => sum + Math.abs(Math.min(255, Math.max(0, value)) - (other[i] ?? 0)),
      0,
    );
    expect(apart / values.length).toBeLessThan(1);
  });
});
