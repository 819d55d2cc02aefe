import { messageOf, PermanentError } from '../errors.ts';
import type { ModelFiles } from './model.ts';
import { printable } from './printable.ts';
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
  throw new PermanentError('INVALID_ARGUMENT', printable(`${files.label}: ${SERVING_CONFIG}: ${issues.join('; ')}`));
}

/** A description of a model; the largest graphs take some ten megabytes. */
const MAX_JSON_BYTES = 256 * 2 ** 20;
/** Models in models nest some ten deep, each a few levels of JSON. */
const MAX_JSON_DEPTH = 200;

/** @throws PermanentError INVALID_ARGUMENT where the file is not JSON in UTF-8, or nests without end; RESOURCE_EXHAUSTED where it is too large. */
export function parseJsonFile(files: ModelFiles, name: string, bytes: Uint8Array): unknown {
  if (bytes.length > MAX_JSON_BYTES) {
    const message = `${files.label}: ${name} holds ${bytes.length} bytes; expected at most ${MAX_JSON_BYTES}`;
    throw new PermanentError('RESOURCE_EXHAUSTED', message);
  }
  try {
    checkDepth(bytes);
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = messageOf(error);
    const message = printable(`${files.label}: ${name} is not JSON: ${reason}`);
    throw new PermanentError('INVALID_ARGUMENT', message, { cause: error });
  }
}

/** Before anything walks down it by recursion. */
function checkDepth(bytes: Uint8Array): void {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) inText = !inText;
    else if (inText) at += byte === 0x5c ? 1 : 0;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > MAX_JSON_DEPTH) throw new RangeError(`it nests deeper than ${MAX_JSON_DEPTH} at byte ${at}`);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
}
