import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Checksums } from '../../../../infra/emulators/storage/checksums.ts';
import { crc32c } from '../../../../shared/crc32c.ts';

/** The definition, bit by bit. */
function slow(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('crc32c', () => {
  it.each([
    ['123456789', 0xe3069283],
    ['', 0],
    ['\0'.repeat(32), 0x8a9136aa],
  ])('of %j is the published value', (text, expected) => {
    expect(crc32c(Buffer.from(text))).toBe(expected);
  });

  it('is what its definition gives, whole or in pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
        expect(crc32c(b, crc32c(a))).toBe(slow(Buffer.concat([a, b])));
      }),
    );
  });

  it('comes out as base64 of its big-endian bytes, beside md5', () => {
    const checksums = new Checksums();
    checksums.update(Buffer.from('hello'));
    expect(checksums.digest()).toEqual({ crc32c: 'mnG7TA==', md5Hash: 'XUFAKrxLKna5cZ2REBfFkg==' });
  });
});
