import { PermanentError } from '../errors.ts';
import type { ModelFiles } from './model.ts';
import type { ServingConfig } from './serving-schema.ts';

/** Optional, beside the model: what a job that does not say otherwise takes from the model version. */
export const SERVING_CONFIG = 'serving.json';

/**
 * Reads the model version's serving.json; without one, an empty configuration.
 * @throws PermanentError INVALID_ARGUMENT, naming every field that is wrong or unknown.
 */
export async function readServingConfig(files: ModelFiles): Promise<ServingConfig> {
  if (!files.names.includes(SERVING_CONFIG)) return {};
  const value = parseJsonFile(files, SERVING_CONFIG, await files.read(SERVING_CONFIG));
  // Loaded only where there is something to check: it takes as long as everything else that a small job loads.
  const { servingConfigSchema } = await import('./serving-schema.ts');
  const parsed = servingConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${SERVING_CONFIG}: ${issues.join('; ')}`);
}

/** @throws PermanentError INVALID_ARGUMENT where the file is not JSON in UTF-8. */
export function parseJsonFile(files: ModelFiles, name: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${name} is not JSON: ${reason}`, { cause: error });
  }
}
