import { describe, expect, it } from 'vitest';

import type { Signature } from '../../../shared/models/model.ts';
import { signatureOf } from '../../../shared/models/signature-of.ts';

const SIGNATURE: Signature = { name: 'serving_default', inputs: [], outputs: [] };
const MODEL = { signatures: { serving_default: SIGNATURE }, refused: { train: 'the operation AssignAdd keeps state' } };

describe('the signature of a name', () => {
  it('is the model’s', () => {
    expect(signatureOf(MODEL, 'serving_default', 'm@1')).toBe(SIGNATURE);
  });

  it('is refused with the reason that the model was loaded with', () => {
    expect(() => signatureOf(MODEL, 'train', 'm@1')).toThrow('the operation AssignAdd keeps state');
  });

  it.each(['other', 'toString', '__proto__'])('is not found: %s', (name) => {
    expect(() => signatureOf(MODEL, name, 'm@1')).toThrow(`m@1 has no signature "${name}"; it has serving_default`);
  });
});
