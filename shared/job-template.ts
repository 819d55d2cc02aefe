import { z } from 'zod';

import { PermanentError } from './errors.ts';
import { DECLARED_FORMATS } from './formats/format.ts';
import { instanceConfigSchema } from './formats/instance-config.ts';
import { PREDICTIONS_FORMATS } from './job.ts';

/**
 * What may be said of a job beside its inputs, model and output: the fields of Vertex AI's BatchPredictionJob that apply, and ours. The command
 * line and `fanfold.json` templates speak it.
 */
export const jobTemplateSchema = z.strictObject({
  displayName: z.string().min(1).max(128).exactOptional(),
  instancesFormat: z.enum(DECLARED_FORMATS).exactOptional(),
  predictionsFormat: z.enum(PREDICTIONS_FORMATS).exactOptional(),
  instanceConfig: instanceConfigSchema.exactOptional(),
  signatureName: z.string().min(1).max(1000).exactOptional(),
  manualBatchTuningParameters: z
    .strictObject({ batchSize: z.int().min(1).max(1_000_000).exactOptional() })
    .exactOptional(),
  maxItemsPerBatch: z.int().min(1).max(1_000_000).exactOptional(),
  maxInputBytesPerBatch: z
    .int()
    .min(1)
    .max(64 * 1024 * 1024)
    .exactOptional(),
  maxRowBytes: z
    .int()
    .min(1)
    .max(64 * 1024 * 1024)
    .exactOptional(),
  toleratedFailurePercentage: z.number().min(0).max(100).exactOptional(),
  toleratedFailureCount: z.int().min(0).exactOptional(),
  labels: z
    .record(z.string().min(1).max(63), z.string().max(63))
    .refine((labels) => Object.keys(labels).length <= 64, 'expected at most 64 labels')
    .exactOptional(),
});

export type JobTemplate = z.infer<typeof jobTemplateSchema>;

/** A written template may also name the formats where the job resource has them. */
const writtenTemplateSchema = jobTemplateSchema
  .extend({
    inputConfig: jobTemplateSchema.pick({ instancesFormat: true }).exactOptional(),
    outputConfig: jobTemplateSchema.pick({ predictionsFormat: true }).exactOptional(),
  })
  .transform(({ inputConfig, outputConfig, ...template }): JobTemplate => ({
    ...inputConfig,
    ...outputConfig,
    ...template,
  }));

/** @throws PermanentError INVALID_ARGUMENT naming `source` and the field. */
export function parseTemplate(value: unknown, source: string): JobTemplate {
  const parsed = writtenTemplateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PermanentError('INVALID_ARGUMENT', `${source}: ${z.prettifyError(parsed.error)}`);
}
