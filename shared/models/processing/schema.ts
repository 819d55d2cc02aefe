import { z } from 'zod';

/**
 * The vocabulary of pre- and postprocessing in serving.json; docs/serving-json.md is its reference with examples. What every step makes of
 * dtypes and shapes is beside its code: `input-steps.ts`, `output-steps.ts`.
 */

/** Sides of an image, and elements of a tensor, that a step may make. */
const MAX_SIDE = 16_384;
const MAX_PIXELS = 2 ** 24;
const MAX_ELEMENTS = 2 ** 26;
const MAX_VALUES = 1_000_000;

const name = z.string().min(1).max(1000);
const finite = z.number();
const side = z.int().min(1).max(MAX_SIDE);
const dtype = z.enum([
  ...(['float16', 'float32', 'float64', 'bool', 'string'] as const),
  ...(['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'] as const),
]);
const shape = z
  .array(z.int().min(1).max(MAX_ELEMENTS))
  .max(8)
  .refine((sizes) => sizes.reduce((product, size) => product * size, 1) <= MAX_ELEMENTS, {
    error: `expected at most ${MAX_ELEMENTS} elements`,
  });

/** Texts by their place: written out, or the lines of a file beside the model. */
const values = z.array(z.string()).min(1).max(MAX_VALUES);
const oneSource = {
  check: (step: { readonly values?: unknown; readonly file?: unknown }) =>
    (step.values === undefined) !== (step.file === undefined),
  error: { error: 'give either values or file' },
};

const isImage = {
  check: ({ width, height }: { readonly width: number; readonly height: number }) => width * height <= MAX_PIXELS,
  error: { error: `expected at most ${MAX_PIXELS} pixels` },
};

const inputStep = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('decodeImage'),
    channels: z.literal([1, 3, 4]).default(3),
    orient: z.boolean().default(false),
  }),
  z
    .strictObject({
      op: z.literal('resize'),
      width: side,
      height: side,
      fit: z.enum(['fill', 'contain', 'cover']).default('fill'),
      kernel: z.enum(['nearest', 'linear', 'cubic', 'lanczos3']).default('linear'),
      antialias: z.boolean().default(true),
    })
    .refine(isImage.check, isImage.error),
  z.strictObject({ op: z.literal('crop'), width: side, height: side }).refine(isImage.check, isImage.error),
  z.strictObject({ op: z.literal('scale'), factor: finite.default(1), offset: finite.default(0) }),
  z
    .strictObject({
      op: z.literal('normalize'),
      mean: z.array(finite).min(1),
      std: z.array(z.number().positive()).min(1),
    })
    .refine(({ mean, std }) => mean.length === std.length, { error: 'expected as many values in mean as in std' }),
  z
    .strictObject({ op: z.literal('clip'), min: finite, max: finite })
    .refine(({ min, max }) => min <= max, { error: 'expected min to be at most max' }),
  z.strictObject({ op: z.literal('log1p') }),
  z.strictObject({ op: z.literal('channelsFirst') }),
  z.strictObject({ op: z.literal('reshape'), shape }),
  z
    .strictObject({
      op: z.literal('vocabulary'),
      values: values.exactOptional(),
      file: name.exactOptional(),
      unknown: z
        .union([z.literal('error'), z.int().min(-1)], { error: 'expected "error" or an index' })
        .default('error'),
    })
    .refine(oneSource.check, oneSource.error),
  z.strictObject({ op: z.literal('oneHot'), depth: z.int().min(1).max(MAX_VALUES) }),
]);

const field = { dtype: dtype.exactOptional(), shape: shape.exactOptional() };
const inputSteps = z.array(inputStep).max(100);

const part = z.preprocess(
  (value) => (typeof value === 'string' ? { field: value } : value),
  z.strictObject({ field: name, ...field, steps: inputSteps.default([]) }),
);

const feed = z
  .strictObject({
    field: name.exactOptional(),
    ...field,
    concat: z.array(part).min(1).max(10_000).exactOptional(),
    steps: inputSteps.default([]),
  })
  .refine(
    (value) =>
      value.concat === undefined ||
      (value.field === undefined && value.dtype === undefined && value.shape === undefined),
    { error: 'concat names its own fields: write field, dtype and shape inside it' },
  );

const output = { output: name };
const decimals = z.int().min(0).max(15);

const outputStep = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('softmax'), ...output, as: name.exactOptional() }),
  z.strictObject({ op: z.literal('sigmoid'), ...output, as: name.exactOptional() }),
  z.strictObject({ op: z.literal('argmax'), ...output, as: name.exactOptional() }),
  z
    .strictObject({
      op: z.literal('topK'),
      ...output,
      k: z.int().min(1).max(MAX_VALUES),
      values: name.exactOptional(),
      indices: name.exactOptional(),
    })
    .refine((step) => step.values !== undefined || step.indices !== undefined, {
      error: 'name what it makes: values, indices or both',
    })
    .refine((step) => step.values !== step.indices, { error: 'values and indices need different names' }),
  z
    .strictObject({
      op: z.literal('labels'),
      ...output,
      values: values.exactOptional(),
      file: name.exactOptional(),
      as: name.exactOptional(),
    })
    .refine(oneSource.check, oneSource.error),
  z.strictObject({ op: z.literal('threshold'), ...output, value: finite, as: name.exactOptional() }),
  z.strictObject({
    op: z.literal('scale'),
    ...output,
    factor: finite.default(1),
    offset: finite.default(0),
    as: name.exactOptional(),
  }),
  z.strictObject({ op: z.literal('round'), ...output, decimals, as: name.exactOptional() }),
  z.strictObject({ op: z.literal('rename'), ...output, as: name }),
  z.strictObject({ op: z.literal('drop'), outputs: z.array(name).min(1) }),
]);

/** A step of `preprocess`, defaults filled in. */
export type InputStepSpec = z.infer<typeof inputStep>;
/** Where an input of the model comes from: one field, or several one after the other; then the steps. */
export type FeedSpec = z.infer<typeof feed>;
/** A field of the instance with its own steps. */
export type PartSpec = z.infer<typeof part>;
/** A step of `postprocess`. */
export type OutputStepSpec = z.infer<typeof outputStep>;

const processing = {
  /** By the name of the model's input. */
  preprocess: z.record(name, feed).exactOptional(),
  postprocess: z.array(outputStep).max(1000).exactOptional(),
};

/** The fields of serving.json that are about processing; `signatures` holds what is for one signature only. */
export const processingFields = {
  ...processing,
  signatures: z.record(name, z.strictObject(processing)).exactOptional(),
};

/** What is declared for one signature, or for all. */
export interface SignatureProcessing {
  readonly preprocess?: Readonly<Record<string, FeedSpec>>;
  readonly postprocess?: readonly OutputStepSpec[];
}

/** All that a serving.json declares of processing. */
export interface Processing extends SignatureProcessing {
  readonly signatures?: Readonly<Record<string, SignatureProcessing>>;
}
