import { mapConcurrent } from '../../map-concurrent.ts';
import { decodeImage } from './decode-image.ts';
import type { DecodeOptions } from './decode-image.ts';
import type { InputStep } from './input-step.ts';
import { describeType } from '../spec.ts';
import { cropImage, resizeImage } from './resize-image.ts';
import type { Image } from './resize-image.ts';
import type { InputStepSpec } from './schema.ts';
import { newTensor } from '../../tensor.ts';
import { Misfit, rowsOf, toFloats } from './value.ts';

type ImageStepSpec = Extract<InputStepSpec, { op: 'resize' | 'crop' }>;

/** Images decoded at the same time by one thread: one is read while the other is computed. */
const DECODED_AT_ONCE = 2;

export function isImageStep(step: InputStepSpec | undefined): step is ImageStepSpec {
  return step?.op === 'resize' || step?.op === 'crop';
}

/**
 * `decodeImage` with the `resize` and `crop` behind it, one step: between them rows have many sizes. Makes float32 `[rows, height, width, channels]`, 0 to
 * 255. What cannot be decoded is its row's error.
 * @throws Misfit where nothing behind it says the size.
 */
export function imageStep(decode: DecodeOptions, sizes: readonly ImageStepSpec[]): InputStep {
  const last = sizes.at(-1);
  if (last === undefined) throw new Misfit('images have many sizes: write a resize or a crop behind it');
  const { width, height } = last;
  const { channels } = decode;
  return {
    op: 'decodeImage',
    takes: 'string',
    outputType: ({ dtype, shape }) => {
      if (dtype !== 'string') throw new Misfit(`found ${dtype}, expected string: the bytes of an image`);
      if (shape?.length !== 0) throw new Misfit('expected one image in a row');
      return { dtype: 'float32', shape: [height, width, channels] };
    },
    inputShape: () => [],
    onlyShape: [],
    run: async (tensor, failures, subject) => {
      const size = height * width * channels;
      const data = new Float32Array(tensor.data.length * size);
      await mapConcurrent(tensor.data as readonly (string | Uint8Array)[], DECODED_AT_ONCE, async (element, row) => {
        try {
          const image = await decodeImage(typeof element === 'string' ? Buffer.from(element) : element, decode);
          data.set(sizes.reduce(applySize, image).data, row * size);
        } catch (error) {
          failures.add(
            row,
            subject,
            (error as Error).message,
            'a JPEG, PNG, GIF, WebP, TIFF or AVIF image in {"b64": …}',
          );
        }
      });
      return newTensor('float32', [tensor.data.length, height, width, channels], data);
    },
  };
}

/** A `resize` or `crop` of images that came as numbers, `[height, width, channels]`: what `decodeImage` did not decode. Makes float32. */
export function pixelsStep(spec: ImageStepSpec): InputStep {
  const { op, width, height } = spec;
  return {
    op,
    takes: 'float32',
    outputType: ({ dtype, shape }) => {
      const channels = shape?.[2];
      if (dtype === 'string') throw new Misfit('found string, expected numbers: write decodeImage before it');
      if (shape?.length !== 3 || typeof channels !== 'number') {
        throw new Misfit(
          `found ${describeType({ dtype, shape })} in a row, expected [height, width, channels]: write shape`,
        );
      }
      return { dtype: 'float32', shape: [height, width, channels] };
    },
    // A size before it is as good as another.
    inputShape: () => undefined,
    run: (tensor) => {
      const [rows, givenHeight, givenWidth, channels] = [rowsOf(tensor), ...tensor.shape.slice(1)] as [
        number,
        number,
        number,
        number,
      ];
      const pixels = toFloats(tensor, 'float32') as Float32Array;
      const [given, made] = [givenHeight * givenWidth * channels, height * width * channels];
      const data = new Float32Array(rows * made);
      for (let row = 0; row < rows; row++) {
        const one = pixels.subarray(row * given, (row + 1) * given);
        const image = { width: givenWidth, height: givenHeight, channels, data: one };
        data.set(applySize(image, spec).data, row * made);
      }
      return newTensor('float32', [rows, height, width, channels], data);
    },
  };
}

function applySize(image: Image, step: ImageStepSpec): Image {
  return step.op === 'crop' ? cropImage(image, step.width, step.height) : resizeImage(image, step);
}
