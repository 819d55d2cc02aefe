import { z } from 'zod';

import { PermanentError } from '../errors.ts';

const version = z.string().regex(/^[0-9]{1,18}$/, 'a version is a number in quotes');
const label = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/);

const configSchema = z.strictObject({
  defaultVersion: version.optional(),
  labels: z.record(label, version).optional(),
});

/** `<model>/config.json`. */
export type ModelConfig = z.infer<typeof configSchema>;

/** @throws PermanentError FAILED_PRECONDITION naming the file and the field where it is not a model's configuration. */
export function parseModelConfig(content: Uint8Array, label: string): ModelConfig {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content).toString());
  } catch (error) {
    throw new PermanentError('FAILED_PRECONDITION', `${label} is not JSON`, { cause: error });
  }
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PermanentError(
    'FAILED_PRECONDITION',
    `${label} is no model configuration: ${z.prettifyError(parsed.error)}`,
  );
}
