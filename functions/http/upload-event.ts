import { z } from 'zod';

import { PermanentError } from '../../shared/errors.ts';
import type { ObjectStat } from '../../shared/ports.ts';

/** The fields of Cloud Storage's event that an upload needs; int64 values are strings in JSON. https://googleapis.github.io/google-cloudevents */
const finalizedSchema = z.object({
  type: z.literal('google.cloud.storage.object.v1.finalized'),
  data: z.object({
    bucket: z.string().min(3).max(222),
    name: z.string().min(1).max(1024),
    generation: z.string().regex(/^\d{1,20}$/),
    size: z.string().regex(/^\d{1,16}$/),
  }),
});

/**
 * The object that an event tells of.
 * @throws PermanentError INVALID_ARGUMENT where it is no such event, or one of another bucket.
 */
export function parseUploadEvent(event: unknown, inputBucket: string): ObjectStat {
  const parsed = finalizedSchema.safeParse(event);
  if (!parsed.success)
    throw new PermanentError('INVALID_ARGUMENT', `not a finalized object: ${z.prettifyError(parsed.error)}`);
  const { bucket, name, generation, size } = parsed.data.data;
  if (bucket === inputBucket) return { bucket, name, generation, size: Number(size) };
  throw new PermanentError('INVALID_ARGUMENT', `an object of bucket ${bucket}: the input bucket is ${inputBucket}`);
}
