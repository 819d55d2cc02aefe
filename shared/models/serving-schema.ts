import { z } from 'zod';

import { instanceConfigSchema } from '../formats/instance-config.ts';
import type { ServingConfig } from './serving-config.ts';

/** What serving.json may hold. */
export const servingConfigSchema = z.strictObject({
  signatureName: z.string().min(1).exactOptional(),
  instanceConfig: instanceConfigSchema.exactOptional(),
  batchSize: z.int().positive().exactOptional(),
}) satisfies z.ZodType<ServingConfig>;
