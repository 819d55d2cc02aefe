import { PermanentError } from '../errors.ts';
import { oneLine } from './file-path.ts';
import type { Model, ModelFiles } from './model.ts';
import { printable } from './printable.ts';

/**
 * What went wrong at loading, as others see it: a message without what the files smuggle into it. An error in a file's data that nobody foresaw
 * is the file's, and the same at every attempt; what the machine or the network did stays what it is.
 * @param name the file that says what the runtime is.
 */
export function toLoadError(files: ModelFiles, name: string, error: unknown): unknown {
  if (error instanceof PermanentError) {
    const message = printable(error.message);
    return message === error.message ? error : new PermanentError(error.status, message, { cause: error });
  }
  const isOfData = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
  // fetch fails with a TypeError too; that one has a cause.
  if (!isOfData || error.cause !== undefined) return error;
  const message = printable(`${files.label}: ${name} cannot be loaded: ${oneLine(error)}`);
  return new PermanentError('INVALID_ARGUMENT', message, { cause: error });
}

/** Of a plain object it is no property, but what the object inherits from. */
const UNUSABLE = '__proto__';

/** @throws PermanentError UNIMPLEMENTED for a signature, an input or an output of a name that no instance can have as a field. */
export function checkNames(files: ModelFiles, { signatures }: Pick<Model, 'signatures'>): void {
  for (const [key, { name, inputs, outputs }] of Object.entries(signatures)) {
    const what = [
      ...[key, name].map((given) => [given, 'a signature'] as const),
      ...inputs.map((input) => [input.name, `an input of signature ${name}`] as const),
      ...outputs.map((output) => [output.name, `an output of signature ${name}`] as const),
    ].find(([given]) => given === UNUSABLE)?.[1];
    if (what === undefined) continue;
    const message = `${files.label}: ${what} is called ${UNUSABLE}, which cannot be used: rename it`;
    throw new PermanentError('UNIMPLEMENTED', message);
  }
}
