import { z } from 'zod';

import type { InstanceConfig } from './format.ts';

const fieldName = z.string().min(1).max(1000);
const fieldNames = z.array(fieldName).min(1).max(10_000);

/** What the outside may say of an InstanceConfig: in a job, a template or a model's serving.json. */
export const instanceConfigSchema = z
  .strictObject({
    instanceType: z.enum(['object', 'array']).exactOptional(),
    keyField: fieldName.exactOptional(),
    rowKeys: z.boolean().exactOptional(),
    includedFields: fieldNames.exactOptional(),
    excludedFields: fieldNames.exactOptional(),
  })
  .refine((config) => config.includedFields === undefined || config.excludedFields === undefined, {
    error: 'includedFields and excludedFields exclude each other: give one of them',
  })
  .refine((config) => config.keyField === undefined || config.rowKeys !== true, {
    error: 'keyField and rowKeys exclude each other: the key is the field, or the row',
  }) satisfies z.ZodType<InstanceConfig>;
