import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';

import { decodeExample, encodeExample } from '../../../shared/formats/example/example.ts';
import type { ExampleFeature } from '../../../shared/formats/example/example.ts';
import { RowError } from '../../../shared/formats/row-error.ts';

/** The schema as TensorFlow has it, and one that writes its lists unpacked. */
const schema = (packed: boolean): protobuf.Type =>
  protobuf
    .parse(
      `syntax = "proto3";
       message BytesList { repeated bytes value = 1; }
       message FloatList { repeated float value = 1 [packed = ${packed}]; }
       message Int64List { repeated int64 value = 1 [packed = ${packed}]; }
       message Feature { oneof kind { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; } }
       message Features { map<string, Feature> feature = 1; }
       message Example { Features features = 1; }`,
      { keepCase: true },
    )
    .root.lookupType('Example');

const feature = fc.oneof(
  fc.record({ kind: fc.constant('bytes' as const), values: fc.array(fc.uint8Array({ maxLength: 200 })) }),
  fc.record({
    kind: fc.constant('float' as const),
    values: fc.array(fc.float({ noNaN: false }), { maxLength: 40 }).map((values) => Float32Array.from(values)),
  }),
  fc.record({
    kind: fc.constant('int64' as const),
    values: fc.array(
      fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -3n, max: 300n })),
    ),
  }),
);
const features = fc
  .array(
    fc.tuple(
      fc.string({ unit: 'binary', maxLength: 9 }).map((text) => text.toWellFormed()),
      feature,
    ),
  )
  .map((entries) => new Map<string, ExampleFeature>(entries));

/** As tests compare features: numbers in plain lists, bytes in hex. */
function plain(decoded: ReadonlyMap<string, ExampleFeature>): unknown {
  return new Map(
    [...decoded].map(([name, { kind, values }]) => [
      name,
      { kind, values: Array.from<unknown>(values).map((value) => (value instanceof Uint8Array ? hex(value) : value)) },
    ]),
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The message that protobufjs writes of the features. */
function written(type: protobuf.Type, content: ReadonlyMap<string, ExampleFeature>): Uint8Array {
  const feature = Object.fromEntries(
    [...content].map(([name, { kind, values }]) => [
      name,
      {
        [`${kind}_list`]: {
          value: Array.from<unknown>(values).map((value) => (typeof value === 'bigint' ? long(value) : value)),
        },
      },
    ]),
  );
  return type.encode(type.create({ features: { feature } })).finish();
}

/** As protobufjs takes 64 bits. */
function long(value: bigint): { low: number; high: number; unsigned: boolean } {
  return { low: Number(BigInt.asIntN(32, value)), high: Number(value >> 32n), unsigned: false };
}

/** What protobufjs reads, as `plain` has it. */
function read(type: protobuf.Type, bytes: Uint8Array): unknown {
  const message = type.toObject(type.decode(bytes), { longs: BigInt }) as {
    features?: { feature?: Record<string, Record<string, { value?: unknown[] }>> };
  };
  return new Map(
    Object.entries(message.features?.feature ?? {}).flatMap(([name, lists]) =>
      Object.entries(lists).map(([list, { value = [] }]) => [
        name,
        {
          kind: list.replace('_list', ''),
          values: value.map((item) => (item instanceof Uint8Array ? hex(item) : item)),
        },
      ]),
    ),
  );
}

describe('tf.Example', () => {
  test('what is written reads back', () => {
    fc.assert(
      fc.property(features, (content) => {
        expect(plain(decodeExample(encodeExample(content)))).toEqual(plain(content));
      }),
    );
  });

  test('integers of every number of bits are written and read back', () => {
    const powers = Array.from({ length: 63 }, (_, bits) => 1n << BigInt(bits));
    for (const value of powers.flatMap((power) => [power - 1n, power, power + 1n, -power])) {
      const content = new Map<string, ExampleFeature>([['n', { kind: 'int64', values: [value] }]]);
      expect(decodeExample(encodeExample(content)), String(value)).toEqual(content);
    }
  });

  test('protobufjs reads what is written', () => {
    fc.assert(
      fc.property(features, (content) => {
        fc.pre(!content.has('__proto__'));
        expect(read(schema(true), encodeExample(content))).toEqual(plain(content));
      }),
    );
  });

  test.each([{ packed: true }, { packed: false }])('what protobufjs writes is read, packed: $packed', ({ packed }) => {
    fc.assert(
      fc.property(features, (content) => {
        fc.pre(!content.has('__proto__'));
        expect(plain(decodeExample(written(schema(packed), content)))).toEqual(plain(content));
      }),
    );
  });

  test('equal features give equal bytes, whatever their order', () => {
    fc.assert(
      fc.property(features, (content) => {
        expect(encodeExample(new Map([...content].reverse()))).toEqual(encodeExample(content));
      }),
    );
  });

  test('is written as TensorFlow writes it', () => {
    const x = new Map([['x', { kind: 'float' as const, values: [0] }]]);
    expect(Buffer.from(encodeExample(x)).toString('base64')).toBe('Cg8KDQoBeBIIEgYKBAAAAAA=');
    expect(encodeExample(new Map())).toHaveLength(0);
  });

  test.each([
    { name: 'nothing', input: '', expected: {} },
    { name: 'no features', input: '0a00', expected: {} },
    { name: 'a feature without a list is none', input: '0a07 0a05 0a0178 1200', expected: {} },
    {
      name: 'a list without values',
      input: '0a09 0a07 0a0178 1202 1a00',
      expected: { x: { kind: 'int64', values: [] } },
    },
    {
      name: 'a name that is left out is empty',
      input: '0a09 0a07 1205 1a03 0a0107',
      expected: { '': { kind: 'int64', values: [7n] } },
    },
    {
      name: 'of two features of one name the last counts',
      input: '0a18 0a0a 0a0178 1205 1a03 0a0101 0a0a 0a0178 1205 1a03 0a0102',
      expected: { x: { kind: 'int64', values: [2n] } },
    },
    {
      name: 'the last counts, even if it has no list',
      input: '0a13 0a0a 0a0178 1205 1a03 0a0101 0a05 0a0178 1200',
      expected: {},
    },
    {
      name: 'maps in two pieces are one',
      input: '0a0c 0a0a 0a0178 1205 1a03 0a0101 0a0c 0a0a 0a0179 1205 1a03 0a0102',
      expected: { x: { kind: 'int64', values: [1n] }, y: { kind: 'int64', values: [2n] } },
    },
    {
      name: 'a list in pieces, packed and not',
      input: '0a14 0a12 0a0178 120d 1a06 0a020102 0803 1a03 0a0104',
      expected: { x: { kind: 'int64', values: [1n, 2n, 3n, 4n] } },
    },
    {
      name: 'floats in pieces, packed and not',
      input: '0a1e 0a1c 0a0178 1217 1206 0a04 0000803f 1205 0d 00000040 1206 0a04 00004040',
      expected: { x: { kind: 'float', values: [1, 2, 3] } },
    },
    {
      name: 'the last kind of list counts',
      input: '0a11 0a0f 0a0178 120a 1a03 0a0101 0a03 0a0161',
      expected: { x: { kind: 'bytes', values: ['61'] } },
    },
    {
      name: 'fields that it does not know are skipped, groups too',
      input: '1001 19 0102030405060708 25 01020304 2b 10 01 2c 0a0e 1003 0a0a 0a0178 1205 1a03 0a0101 3201ff',
      expected: { x: { kind: 'int64', values: [1n] } },
    },
    {
      name: 'a known field of another wire type is one that it does not know',
      input: '0801 0a0e 0801 0a0a 0a0178 1205 1a03 0a0101',
      expected: { x: { kind: 'int64', values: [1n] } },
    },
  ])('$name', ({ input, expected }) => {
    expect(plain(decodeExample(Buffer.from(input.replaceAll(' ', ''), 'hex')))).toEqual(
      new Map(Object.entries(expected)),
    );
  });

  test.each([
    {
      name: 'a length past the end',
      input: '0a05 0a',
      expected: 'found a length of 5 at byte 1 of it, expected at most the 1 bytes that are left',
    },
    {
      name: 'a huge length',
      input: '0affffffff0f',
      expected: 'found a length of 4294967295 at byte 1 of it, expected at most the 0 bytes that are left',
    },
    {
      name: 'a length of 64 bits',
      input: '0affffffffffffffffff01',
      expected: 'found a length of 18446744073709552000 at byte 1',
    },
    {
      name: 'an entry that is longer than its map',
      input: '0a02 0a05 0a03 616263',
      expected: 'found a length of 5 at byte 3',
    },
    {
      name: 'a varint without an end',
      input: '10ff',
      expected: 'found its end within a number at byte 1 of it, expected a varint',
    },
    {
      name: 'a varint that is too long',
      input: '10ffffffffffffffffffffff01',
      expected: 'found a number of more than 10 bytes at byte 1',
    },
    { name: 'the field number 0', input: '02', expected: 'found the field number 0 at byte 1' },
    { name: 'an unknown wire type', input: '17', expected: 'found the wire type 7 at byte 0 of it, expected a field' },
    { name: 'a group that ends and never began', input: '14', expected: 'found the wire type 4 at byte 0' },
    { name: 'a group without an end', input: '1310', expected: 'found its end within a number at byte 2' },
    {
      name: 'floats that are cut',
      input: '0a0d 0a0b 0a0178 1206 1204 0a02 0000',
      expected: 'found 2 bytes at byte 13 of it, expected the 4 of a number',
    },
    {
      name: 'a name that is not UTF-8',
      input: '0a05 0a03 0a01ff',
      expected: "found a feature's name that is not UTF-8 at byte 6",
    },
    { name: 'groups without end', input: '13'.repeat(200), expected: 'found the wire type 3 at byte 100 of it' },
  ])('refuses $name', ({ input, expected }) => {
    const bytes = Buffer.from(input.replaceAll(' ', ''), 'hex');
    expect(() => decodeExample(bytes)).toThrow(expected);
    expect(() => decodeExample(bytes)).toThrow(RowError);
  });

  test('refuses more byte strings than it would hold', () => {
    const strings = Buffer.alloc(2 * (1 << 20) + 2);
    for (let p = 0; p < strings.length; p += 2) strings[p] = 0x0a;
    const wrapped = [0x0a, 0x12, 0x0a, 0x0a].reduce((inner, tag) => {
      const length: number[] = [];
      let rest = inner.length;
      for (; rest >= 0x80; rest >>= 7) length.push((rest & 0x7f) | 0x80);
      return Buffer.concat([Buffer.of(tag, ...length, rest), inner]);
    }, strings);
    expect(() => decodeExample(wrapped)).toThrow('found more than 1048576 features and byte strings');
  });

  test('any bytes are read or refused', () => {
    fc.assert(
      fc.property(
        features,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (content, changes, cut) => {
          const bytes = Buffer.from(encodeExample(content));
          for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
          try {
            decodeExample(bytes.subarray(0, bytes.length - (cut % 3)));
          } catch (error) {
            expect(error).toBeInstanceOf(RowError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
