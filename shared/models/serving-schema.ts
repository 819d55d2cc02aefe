import { z } from 'zod';

import { instanceConfigSchema } from '../formats/instance-config.ts';
import type { InstanceConfig } from '../formats/format.ts';
import { processingFields } from './processing/schema.ts';
import type { Processing } from './processing/schema.ts';

/** What serving.json may hold. */
export interface ServingConfig extends Processing {
  /** The signature of jobs that name none. */
  readonly signatureName?: string;
  readonly instanceConfig?: InstanceConfig;
  /** Rows given to the model in one call. */
  readonly batchSize?: number;
}

export const servingConfigSchema = z.strictObject({
  signatureName: z.string().min(1).exactOptional(),
  instanceConfig: instanceConfigSchema.exactOptional(),
  batchSize: z.int().positive().exactOptional(),
  ...processingFields,
}) satisfies z.ZodType<ServingConfig>;
