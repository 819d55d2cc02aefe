import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { combineCrc32c, crc32c, encodeCrc32c } from '../../shared/crc32c.ts';

/** By the definition, a bit at a time. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('crc32c', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  it.each([
    { name: 'the check value', input: Buffer.from('123456789'), expected: 0xe3069283 },
    { name: 'nothing', input: new Uint8Array(0), expected: 0 },
    // RFC 3720, B.4
    { name: '32 bytes of zeros', input: new Uint8Array(32), expected: 0x8a9136aa },
    { name: '32 bytes of ones', input: new Uint8Array(32).fill(0xff), expected: 0x62a8ab43 },
    { name: '32 ascending bytes', input: ascending, expected: 0x46dd794e },
    { name: '32 descending bytes', input: ascending.toReversed(), expected: 0x113fdb5c },
  ])('of $name', ({ input, expected }) => {
    expect(crc32c(input)).toBe(expected);
  });

  it('is that of the definition, at every alignment and however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(16), fc.nat(400), (content, offset, cut) => {
        const bytes = new Uint8Array(content.length + offset).subarray(offset);
        bytes.set(content);
        const [head, tail] = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expect(crc32c(bytes)).toBe(slowCrc32c(content));
        expect(crc32c(tail, crc32c(head))).toBe(slowCrc32c(content));
        expect(combineCrc32c(crc32c(head), crc32c(tail), tail.length)).toBe(slowCrc32c(content));
      }),
    );
  });

  it('combines lengths beyond 32 bits', () => {
    // A tail of n zeros, for n = 2³³: shifting by half of it twice is the same.
    const half = combineCrc32c(0xe3069283, 0, 2 ** 32);
    expect(combineCrc32c(0xe3069283, 0, 2 ** 33)).toBe(combineCrc32c(half, 0, 2 ** 32));
    expect(half).not.toBe(0xe3069283);
  });

  it('is written as Cloud Storage does', () => {
    expect(encodeCrc32c(0xe3069283)).toBe('4waSgw==');
    expect(encodeCrc32c(0)).toBe('AAAAAA==');
  });
});
