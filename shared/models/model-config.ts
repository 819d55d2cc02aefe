import { z } from 'zod';

import { PermanentError } from '../errors.ts';
import type { ModelConfig } from '../ports.ts';

const version = z.string().regex(/^[0-9]{1,18}$/, 'a version is a number in quotes');
const label = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/);

const configSchema = z.strictObject({
  defaultVersion: version.optional(),
  labels: z.record(label, version).optional(),
}) satisfies z.ZodType<ModelConfig>;

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

/** The configuration as its file holds it; undefined where it says nothing, and there is no file. */
export function writeModelConfig({ defaultVersion, labels = {} }: ModelConfig): string | undefined {
  const names = Object.keys(labels).sort();
  if (defaultVersion === undefined && names.length === 0) return undefined;
  const sorted = Object.fromEntries(names.map((name) => [name, labels[name]]));
  return `${JSON.stringify({ defaultVersion, ...(names.length > 0 && { labels: sorted }) }, undefined, 2)}\n`;
}
