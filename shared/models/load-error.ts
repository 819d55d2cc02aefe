import { oneLine, PermanentError, type Status } from '../errors.ts';
import { elementCount } from '../tensor.ts';
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
/** Of one row: 2 GiB of float64. No line of text can hold as many numbers. */
const MAX_ROW_ELEMENTS = 2 ** 28;

/**
 * Refuses signatures that no instance can be given to.
 * @throws PermanentError UNIMPLEMENTED for a signature, an input or an output of a name that no instance can have as a field,
 * RESOURCE_EXHAUSTED for an input or an output of more elements than a row can have.
 */
export function checkSignatures(files: ModelFiles, { signatures }: Pick<Model, 'signatures'>): void {
  for (const [key, { name: signature, inputs, outputs }] of Object.entries(signatures)) {
    const refuse = (status: Status, what: string): never => {
      throw new PermanentError(status, `${files.label}: signature ${signature}: ${what}`);
    };
    if (key === UNUSABLE) refuse('UNIMPLEMENTED', 'it cannot be used by this name: rename it');
    const all = [
      ...inputs.map((spec) => ['input', spec] as const),
      ...outputs.map((spec) => ['output', spec] as const),
    ];
    for (const [side, { name, shape }] of all) {
      if (name === UNUSABLE) refuse('UNIMPLEMENTED', `an ${side} is called ${name}, which cannot be used: rename it`);
      const elements = elementCount((shape ?? []).map((size) => size ?? 1));
      if (elements > MAX_ROW_ELEMENTS)
        refuse('RESOURCE_EXHAUSTED', `the ${side} ${name} has ${elements} elements; at most ${MAX_ROW_ELEMENTS}`);
    }
  }
}
