import { z } from 'zod';

import { PermanentError } from '../../errors.ts';
import { DTYPES } from '../../tensor.ts';
import type { ModelFiles } from '../model.ts';
import { parseJsonFile } from '../serving-config.ts';

/** The file that makes a folder a pipeline of models; docs/serving-json.md describes it with examples. */
export const PIPELINE_CONFIG = 'pipeline.json';

/** Steps of one pipeline, and outputs. */
export const MAX_STEPS = 64;
const MAX_OUTPUTS = 1000;

const STEP_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
/** What of the caller's instance is called in references: no step can have the name. */
export const INSTANCE_SOURCE = 'instance';

const name = z.string().min(1).max(1000);
const stepName = z
  .string()
  .regex(STEP_NAME, 'expected letters, digits, - and _, at most 64')
  .refine((value) => value !== INSTANCE_SOURCE, {
    error: `"${INSTANCE_SOURCE}" is what the caller gives: choose another name`,
  });
const reference = z
  .string()
  .max(2000)
  .regex(/^[A-Za-z_][A-Za-z0-9_-]*\../s, 'expected "instance.<field>" or "<step>.<output>"');
const folder = z
  .string()
  .max(1000)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/, 'expected a folder inside this version');
const version = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}@[0-9]{1,18}$/,
    'expected model@version, the version a number: a pipeline stays as it is',
  );

const step = z
  .strictObject({
    name: stepName,
    folder: folder.exactOptional(),
    model: version.exactOptional(),
    signature: name.exactOptional(),
    inputs: z.record(name, reference).exactOptional(),
  })
  .refine((value) => (value.folder === undefined) !== (value.model === undefined), {
    error: 'give either folder (a model inside this version) or model (a version of the registry)',
  });

const references = z.array(reference).min(1).max(MAX_STEPS);

const output = z.union(
  [
    reference,
    z
      .strictObject({ mean: references, weights: z.array(z.number().nonnegative()).exactOptional() })
      .refine(({ mean, weights }) => weights === undefined || weights.length === mean.length, {
        error: 'expected as many weights as outputs in mean',
      })
      .refine(({ weights }) => weights === undefined || weights.some((weight) => weight > 0), {
        error: 'expected a weight above 0',
      }),
    z.strictObject({ vote: references }),
  ],
  { error: 'expected "<step>.<output>", "instance.<field>", {"mean": […], "weights"?: […]} or {"vote": […]}' },
);

const pipelineSchema = z
  .strictObject({
    steps: z.array(step).min(1).max(MAX_STEPS),
    outputs: z
      .record(name, output)
      .refine((outputs) => Object.keys(outputs).length > 0 && Object.keys(outputs).length <= MAX_OUTPUTS, {
        error: `expected 1 to ${MAX_OUTPUTS} outputs`,
      }),
    instance: z
      .record(
        name,
        z.strictObject({
          dtype: z.enum(DTYPES),
          shape: z.array(z.int().positive().nullable()).max(8).nullable().default([]),
        }),
      )
      .exactOptional(),
  })
  .refine(({ steps }) => new Set(steps.map((one) => one.name)).size === steps.length, {
    path: ['steps'],
    error: 'two steps have the same name',
  });

export type StepSpec = z.infer<typeof step>;
export type OutputSpec = z.infer<typeof output>;
export type PipelineSpec = z.infer<typeof pipelineSchema>;

/** Where a value comes from: a field of the instance (`step` is "instance"), or an output of a step. */
export interface Reference {
  readonly step: string;
  readonly name: string;
}

/** `encoder.embedding`: the name may hold dots, the step's not. */
export function parseReference(text: string): Reference {
  const dot = text.indexOf('.');
  return { step: text.slice(0, dot), name: text.slice(dot + 1) };
}

/** @throws PermanentError INVALID_ARGUMENT naming every field that is wrong or unknown. */
export async function readPipelineSpec(files: ModelFiles): Promise<PipelineSpec> {
  const parsed = pipelineSchema.safeParse(parseJsonFile(files, PIPELINE_CONFIG, await files.read(PIPELINE_CONFIG)));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${PIPELINE_CONFIG}: ${issues.join('; ')}`);
}
