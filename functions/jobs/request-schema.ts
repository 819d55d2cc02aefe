import { z } from 'zod';

import { MAX_INPUTS } from '../../shared/config.ts';
import { jobTemplateSchema } from '../../shared/job-template.ts';

/** What callers may send. Strict: a field that is not known is refused, because it would be ignored silently. */

const gcsUri = z
  .string()
  .max(1100)
  .regex(/^gs:\/\/[^/]+(?:\/|$)/, 'expected gs://bucket/name');
const modelReference = z.string().min(1).max(300);
const { instancesFormat, predictionsFormat, ...templateFields } = jobTemplateSchema.shape;

/** The fields of a BatchPredictionJob that a caller sets; those that we set, where a caller sends them back, are refused. */
export const createSchema = z.strictObject({
  ...templateFields,
  /** `digits`, `digits@3`, `digits@canary`; or a resource name that ends in it. */
  model: modelReference,
  modelVersionId: z.string().min(1).max(63).exactOptional(),
  inputConfig: z.strictObject({
    instancesFormat,
    gcsSource: z.strictObject({ uris: z.array(gcsUri).min(1).max(MAX_INPUTS) }).exactOptional(),
    /** Vertex AI's `inputUri` (`bq://project.dataset.table`), or a query of ours. */
    bigquerySource: z
      .strictObject({
        inputUri: z.string().max(1100).exactOptional(),
        query: z.string().min(1).max(1_000_000).exactOptional(),
      })
      .exactOptional(),
  }),
  outputConfig: z
    .strictObject({
      predictionsFormat,
      gcsDestination: z.strictObject({ outputUriPrefix: gcsUri }).exactOptional(),
    })
    .exactOptional(),
});

export type CreateBody = z.infer<typeof createSchema>;

/** AIP-133 and AIP-155: a name of the caller's own, and a mark by which a repeated request is known. */
export const createQuerySchema = z.object({
  batchPredictionJobId: z
    .string()
    .regex(
      /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
      'expected 1 to 63 lowercase letters, digits and hyphens, a letter first',
    )
    .optional(),
  requestId: z.string().min(1).max(128).optional(),
});

export const listQuerySchema = z.object({
  pageSize: z.coerce.number().int().min(0).optional(),
  pageToken: z.string().max(2000).optional(),
  filter: z.string().max(2000).optional(),
});

export const redriveSchema = z.strictObject({
  model: modelReference.exactOptional(),
  manualBatchTuningParameters: z
    .strictObject({ batchSize: z.int().min(1).max(1_000_000).exactOptional() })
    .exactOptional(),
});

export const emptySchema = z.strictObject({});
