import { PermanentError } from '../errors.ts';
import type { Status } from '../errors.ts';
import type { Model, Signature } from './model.ts';

/**
 * The model's signature of that name.
 * @param label the model, for messages.
 * @throws PermanentError UNIMPLEMENTED saying why the signature cannot be run, `unknown` naming those that there are.
 */
export function signatureOf(
  { signatures, refused = {} }: Pick<Model, 'signatures' | 'refused'>,
  name: string,
  label: string,
  unknown: Extract<Status, 'NOT_FOUND' | 'INVALID_ARGUMENT'> = 'NOT_FOUND',
): Signature {
  const signature = Object.hasOwn(signatures, name) ? signatures[name] : undefined;
  if (signature !== undefined) return signature;
  const reason = Object.hasOwn(refused, name) ? refused[name] : undefined;
  if (reason !== undefined) throw new PermanentError('UNIMPLEMENTED', reason);
  const known = Object.keys(signatures).join(', ');
  throw new PermanentError(unknown, `${label} has no signature "${name}"; it has ${known}`);
}
