import { z } from 'zod';

import { instanceConfigSchema } from '../formats/instance-config.ts';
import type { InstanceConfig } from '../formats/format.ts';

/** What serving.json may hold. */
export interface ServingConfig {
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
}) satisfies z.ZodType<ServingConfig>;
