import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unsnappy } from '../../../../shared/models/saved-model/snappy.ts';
import { readTable } from '../../../../shared/models/saved-model/sstable.ts';
import { table, varint } from './saved-model-maker.ts';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

/** Snappy of literals only, in pieces of at most 60 bytes. */
function literals(content: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [varint(content.length)];
  for (let at = 0; at < content.length; at += 60) {
    const piece = content.subarray(at, at + 60);
    parts.push(Buffer.of((piece.length - 1) << 2), piece);
  }
  return Buffer.concat(parts);
}

describe('readTable', () => {
  it('gives what was written, in blocks of any size, with or without snappy', () => {
    const entries = fc.dictionary(
      fc.string({ unit: 'binary-ascii', maxLength: 12 }),
      fc.uint8Array({ maxLength: 90 }),
      { maxKeys: 20 },
    );
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 8 }), fc.boolean(), (made, perBlock, snappy) => {
        const written = Object.entries(made);
        const bytes = table(written, snappy ? { perBlock, compress: literals, compression: 1 } : { perBlock });
        const read = readTable(bytes);
        expect(read.size).toBe(written.length);
        for (const [key, value] of written) expect([...(read.get(key) ?? [])]).toEqual([...value]);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses every damage to a byte, or reads the same', () => {
    const entries = [
      ['a', Buffer.from('one')],
      ['ab', Buffer.from('two')],
      ['b', Buffer.from('three')],
    ] as const;
    const bytes = table(entries);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      let read: Map<string, Uint8Array> | undefined;
      try {
        read = readTable(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
      if (read)
        expect([...read].map(([key, value]) => [key, text(value)])).toEqual(
          entries.map(([key, value]) => [key, text(value)]),
        );
    }
    for (let length = 0; length < bytes.length; length++)
      expect(() => readTable(bytes.subarray(0, length))).toThrow(RangeError);
  });

  it('refuses keys that come twice, and keys without end', () => {
    const value = Buffer.from('v');
    expect(() =>
      readTable(
        table(
          [
            ['a', value],
            ['a', value],
          ],
          { sort: false },
        ),
      ),
    ).toThrow(/"a" comes after "a"/);
    expect(() =>
      readTable(
        table(
          [
            ['b', value],
            ['a', value],
          ],
          { sort: false },
        ),
      ),
    ).toThrow(/keys ascend/);
    expect(() => readTable(table([['k'.repeat(70_000), value]]))).toThrow(/70000 bytes; at most/);
  });
});

describe('unsnappy', () => {
  const valid: { name: string; block: number[]; expected: string }[] = [
    { name: 'nothing', block: [0], expected: '' },
    { name: 'a literal', block: [3, 0x08, 97, 98, 99], expected: 'abc' },
    { name: 'a copy of one byte of offset', block: [7, 0x08, 97, 98, 99, 0x01, 3], expected: 'abcabca' },
    { name: 'a copy that repeats itself', block: [6, 0x00, 97, 0x05, 1], expected: 'aaaaaa' },
    { name: 'a copy of two bytes of offset', block: [5, 0x08, 97, 98, 99, 0x06, 3, 0], expected: 'abcab' },
    { name: 'a copy of four bytes of offset', block: [5, 0x08, 97, 98, 99, 0x07, 2, 0, 0, 0], expected: 'abcbc' },
    { name: 'a long literal', block: [3, 0xf0, 2, 97, 98, 99], expected: 'abc' },
  ];
  it.each(valid)('reads $name', ({ block, expected }) => {
    expect(text(unsnappy(Uint8Array.from(block)))).toBe(expected);
  });

  const broken: { name: string; block: number[] }[] = [
    { name: 'a huge claim', block: [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 97] },
    { name: 'more than claimed', block: [1, 0x08, 97, 98, 99] },
    { name: 'less than claimed', block: [4, 0x08, 97, 98, 99] },
    { name: 'a literal cut off', block: [3, 0x08, 97] },
    { name: 'a copy from before the start', block: [5, 0x00, 97, 0x01, 2] },
    { name: 'a copy from itself', block: [5, 0x00, 97, 0x01, 0] },
    { name: 'a tag cut off', block: [9, 0x00, 97, 0x06, 1] },
    { name: 'nothing at all', block: [] },
  ];
  it.each(broken)('refuses $name', ({ block }) => {
    expect(() => unsnappy(Uint8Array.from(block))).toThrow(RangeError);
  });
});
