import { PermanentError } from '../../errors.ts';
import { siblingFile } from '../file-path.ts';
import type { ModelFiles } from '../model.ts';
import { SERVING_CONFIG } from '../serving-config.ts';

/** Bytes of a file of labels or of a vocabulary, and its lines. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_LINES = 4_000_000;

/**
 * The lines of a text file of the model version, in order: UTF-8, ended by LF or CRLF.
 * @throws PermanentError INVALID_ARGUMENT (no text in UTF-8, no line, a path that leaves the folder), RESOURCE_EXHAUSTED (over the limits), FAILED_PRECONDITION
 * (no such file).
 */
export async function readLines(files: ModelFiles, path: string): Promise<readonly string[]> {
  const name = siblingFile(files, SERVING_CONFIG, path);
  const bytes = await files.read(name);
  if (bytes.length > MAX_BYTES) {
    const message = `${files.label}: ${name} holds ${bytes.length} bytes; expected at most ${MAX_BYTES}`;
    throw new PermanentError('RESOURCE_EXHAUSTED', message);
  }
  const lines = decode(files, name, bytes).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${name} holds no line`);
  if (lines.length > MAX_LINES) {
    const message = `${files.label}: ${name} holds ${lines.length} lines; expected at most ${MAX_LINES}`;
    throw new PermanentError('RESOURCE_EXHAUSTED', message);
  }
  return lines;
}

function decode(files: ModelFiles, name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${name} is not text in UTF-8`, { cause: error });
  }
}
