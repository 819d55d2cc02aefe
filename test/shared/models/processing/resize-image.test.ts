import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cropImage, resizeImage } from '../../../../shared/models/processing/resize-image.ts';
import type { Image, ResizeOptions } from '../../../../shared/models/processing/resize-image.ts';
import { onBackend } from '../../../../shared/models/tfjs-backend.ts';

const side = fc.integer({ min: 1, max: 12 });
const images = fc
  .tuple(side, side, fc.constantFrom(1, 3, 4))
  .chain(([width, height, channels]) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((data): Image => ({ width, height, channels, data })),
  );
const options = (width: number, height: number, others: Partial<ResizeOptions> = {}): ResizeOptions => ({
  width,
  height,
  fit: 'fill',
  kernel: 'linear',
  antialias: true,
  ...others,
});
const gray = (width: number, ...data: number[]): Image => ({
  width,
  height: data.length / width,
  channels: 1,
  data: Uint8Array.from(data),
});

describe('resizing an image', () => {
  it.each(['linear', 'nearest'] as const)('without antialias, %s, is what TensorFlow computes', async (kernel) => {
    await onBackend('cpu', (tf) =>
      fc.assert(
        fc.asyncProperty(images, side, side, async (image, width, height) => {
          const input = tf.tensor3d(image.data, [image.height, image.width, image.channels], 'float32');
          const resized =
            kernel === 'linear'
              ? tf.image.resizeBilinear(input, [height, width], false, true)
              : tf.image.resizeNearestNeighbor(input, [height, width], false, true);
          const expected = await resized.data();
          const { data } = resizeImage(image, options(width, height, { kernel, antialias: false }));
          expect(data.length).toBe(expected.length);
          for (const [i, value] of data.entries()) expect(Math.abs(value - (expected[i] ?? NaN))).toBeLessThan(0.01);
          tf.dispose([input, resized]);
        }),
        { numRuns: 50 },
      ),
    );
  });

  it.each(['nearest', 'linear', 'cubic', 'lanczos3'] as const)(
    '%s leaves an even colour even, in any size',
    (kernel) => {
      fc.assert(
        fc.property(side, side, side, side, fc.boolean(), (width, height, toWidth, toHeight, antialias) => {
          const image = gray(width, ...new Array<number>(width * height).fill(77));
          const { data } = resizeImage(image, options(toWidth, toHeight, { kernel, antialias }));
          expect(data.length).toBe(toWidth * toHeight);
          for (const value of data) expect(value).toBeCloseTo(77, 3);
        }),
      );
    },
  );

  it('averages over what falls into one pixel', () => {
    // The triangle of linear, twice as wide: of [0, 100, 200, 300] the left half is (3·0 + 3·100 + 200) / 7.
    const { data } = resizeImage(gray(4, 0, 100, 200, 100), options(2, 1));
    expect([...data]).toEqual([expect.closeTo(500 / 7, 3), expect.closeTo((100 + 3 * 200 + 3 * 100) / 7, 3)]);
  });

  it('is the same for every channel', () => {
    fc.assert(
      fc.property(images, side, side, fc.constantFrom('cubic', 'lanczos3'), (image, width, height, kernel) => {
        const whole = resizeImage(image, options(width, height, { kernel }));
        for (let channel = 0; channel < image.channels; channel++) {
          const data = image.data.filter((_, i) => i % image.channels === channel);
          const alone = resizeImage(
            { ...image, channels: 1, data: Uint8Array.from(data) },
            options(width, height, { kernel }),
          );
          expect([...whole.data].filter((_, i) => i % image.channels === channel)).toEqual([...alone.data]);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('contain puts black around, cover cuts off what stands over', () => {
    const image = gray(4, 10, 20, 30, 40);
    expect([...resizeImage(image, options(4, 3, { fit: 'contain' })).data]).toEqual([
      0, 0, 0, 0, 10, 20, 30, 40, 0, 0, 0, 0,
    ]);
    expect([...resizeImage(image, options(1, 1, { fit: 'cover' })).data]).toEqual([20]);
    expect([...resizeImage(gray(2, 10, 20), options(1, 2, { fit: 'cover' })).data]).toEqual([10, 10]);
  });

  it('a crop is the middle, and black where there is nothing', () => {
    const image = gray(3, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect([...cropImage(image, 1, 1).data]).toEqual([5]);
    expect([...cropImage(image, 3, 1).data]).toEqual([4, 5, 6]);
    expect([...cropImage(image, 5, 1).data]).toEqual([0, 4, 5, 6, 0]);
    expect([...cropImage(image, 1, 5).data]).toEqual([0, 2, 5, 8, 0]);
  });
});
