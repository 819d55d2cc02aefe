import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeExample } from '../../../../../shared/formats/example/example.ts';
import type { FeatureValues } from '../../../../../shared/formats/example/example.ts';
import { DT } from '../../../../../shared/models/saved-model/graph-def.ts';
import type { OpTensor } from '../../../../../shared/models/saved-model/op-tensor.ts';
import { call, float, int, text, values } from './op-maker.ts';

const floats = (...list: number[]): FeatureValues => ({ kind: 'float', values: list });
const int64s = (...list: bigint[]): FeatureValues => ({ kind: 'int64', values: list });
const bytes = (...list: string[]): FeatureValues => ({ kind: 'bytes', values: list });
const example = (features: Readonly<Record<string, FeatureValues>>): Uint8Array =>
  encodeExample(new Map(Object.entries(features)));

interface Asked {
  readonly sparse?: readonly (readonly [key: string, type: number])[];
  readonly dense?: readonly (readonly [key: string, type: number, shape: readonly number[], fallback?: OpTensor])[];
  readonly ragged?: readonly (readonly [key: string, type: number])[];
  readonly names?: readonly string[];
}

function parse(
  examples: readonly Uint8Array[],
  { sparse = [], dense = [], ragged = [], names = [] }: Asked,
): Promise<readonly OpTensor[]> {
  const defaults = dense.map(
    ([, type, , fallback]) => fallback ?? (type === DT.FLOAT ? float([]) : type === DT.INT64 ? int([]) : text([])),
  );
  return call(
    'ParseExampleV2',
    [
      text(examples),
      text(names),
      text(sparse.map(([key]) => key)),
      text(dense.map(([key]) => key)),
      text(ragged.map(([key]) => key)),
      ...defaults,
    ],
    {
      sparse_types: { list: { type: sparse.map(([, type]) => type) } },
      Tdense: { list: { type: dense.map(([, type]) => type) } },
      dense_shapes: { list: { shape: dense.map(([, , shape]) => ({ dim: shape.map((size) => ({ size })) })) } },
      ragged_value_types: { list: { type: ragged.map(([, type]) => type) } },
      ragged_split_types: { list: { type: ragged.map(() => DT.INT32) } },
    },
  );
}

describe('ParseExampleV2', () => {
  const two = [
    example({ x: floats(1, 2), id: int64s(7n), word: bytes('a', 'b') }),
    example({ x: floats(3, 4), word: bytes() }),
  ];

  it('gives sparse, dense and ragged features in the order of its outputs', async () => {
    const made = await parse(two, {
      sparse: [['word', DT.STRING]],
      dense: [
        ['x', DT.FLOAT, [2]],
        ['id', DT.INT64, [], int([-1], [])],
      ],
      ragged: [['word', DT.STRING]],
    });
    expect(made.map(({ shape }) => shape)).toEqual([[2, 2], [2], [2], [2, 2], [2], [2], [3]]);
    expect(made.map(values)).toEqual([
      [0, 0, 0, 1],
      ['a', 'b'],
      [2, 2],
      [1, 2, 3, 4],
      [7, -1],
      ['a', 'b'],
      [0, 2, 2],
    ]);
  });

  it('pads a feature of any length to the longest', async () => {
    const made = await parse([example({ x: floats(1, 2, 3, 4) }), example({ x: floats(5, 6) }), example({})], {
      dense: [['x', DT.FLOAT, [-1, 2], float([9])]],
    });
    expect(made[0]?.shape).toEqual([3, 2, 2]);
    expect(values(made[0])).toEqual([1, 2, 3, 4, 5, 6, 9, 9, 9, 9, 9, 9]);
  });

  it('keeps every value of every Example, whatever the batch', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.integer(), { maxLength: 4 }), { maxLength: 8 }), async (rows) => {
        const made = await parse(
          rows.map((row) => example(row.length > 0 ? { n: int64s(...row.map(BigInt)) } : {})),
          {
            sparse: [['n', DT.INT64]],
            ragged: [['n', DT.INT64]],
          },
        );
        expect(values(made[1])).toEqual(rows.flat());
        expect(values(made[3])).toEqual(rows.flat());
        expect(values(made[2])).toEqual([rows.length, Math.max(0, ...rows.map((row) => row.length))]);
      }),
      { numRuns: 50 },
    );
  });

  const wrong: { name: string; example: Uint8Array; asked: Asked; message: string }[] = [
    {
      name: 'a missing feature',
      example: example({}),
      asked: { dense: [['x', DT.FLOAT, []]] },
      message: 'Name: <unknown>, Feature: x (data type: float) is required but could not be found.',
    },
    {
      name: 'another type',
      example: example({ x: int64s(1n) }),
      asked: { dense: [['x', DT.FLOAT, []]] },
      message: "Name: <unknown>, Key: x, Index: 0.  Data types don't match. Data type: int64 but expected type: float",
    },
    {
      name: 'another type of a sparse one',
      example: example({ x: int64s(1n) }),
      asked: { sparse: [['x', DT.STRING]] },
      message: "Name: <unknown>, Key: x, Index: 0.  Data types don't match. Expected type: string, Actual type: int64",
    },
    {
      name: 'too many values',
      example: example({ x: bytes('a', 'b') }),
      asked: { dense: [['x', DT.STRING, [3]]], names: ['row 9'] },
      message:
        'Name: row 9, Key: x, Index: 0.  Number of bytes values != expected.  Values size: 2 but output shape: [3]',
    },
    {
      name: 'values that fill no step',
      example: example({ x: floats(1, 2, 3) }),
      asked: { dense: [['x', DT.FLOAT, [-1, 2]]] },
      message:
        'Name: <unknown>, Key: x, Index: 0.  Number of float values is not a multiple of stride length. Saw 3 values but output shape is: [?,2]',
    },
    {
      name: 'no Example',
      example: Buffer.from([0xff]),
      asked: { dense: [['x', DT.FLOAT, []]] },
      message: 'Could not parse example input, value: ',
    },
    {
      name: 'an int64 beyond int32',
      example: example({ x: int64s(2n ** 40n) }),
      asked: { sparse: [['x', DT.INT64]] },
      message: 'Name: <unknown>, Key: x, Index: 0.  The value is 1099511627776; TensorFlow.js computes int64 as int32',
    },
  ];
  it.each(wrong)('says of $name what TensorFlow says', async ({ example: serialized, asked, message }) => {
    await expect(parse([serialized], asked)).rejects.toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('ParseExample and ParseSingleExample', () => {
  it('take keys as inputs, or as attributes', async () => {
    const serialized = example({ x: floats(1.5), word: bytes('w') });
    const types = {
      sparse_types: { list: { type: [DT.STRING] } },
      Tdense: { list: { type: [DT.FLOAT] } },
      dense_shapes: { list: { shape: [{ dim: [{ size: '1' }] }] } },
    };
    const batch = await call(
      'ParseExample',
      [text([serialized]), text([]), text(['word'], []), text(['x'], []), float([])],
      { Nsparse: { i: '1' }, Ndense: { i: 1 }, ...types },
    );
    expect(batch.map(values)).toEqual([[0, 0], ['w'], [1, 1], [1.5]]);
    const key = (name: string): { list: { s: string[] } } => ({ list: { s: [Buffer.from(name).toString('base64')] } });
    const single = await call('ParseSingleExample', [text([serialized], []), float([])], {
      sparse_keys: key('word'),
      dense_keys: key('x'),
      ...types,
    });
    expect(single.map(({ shape }) => shape)).toEqual([[1, 1], [1], [1], [1]]);
    expect(single.map(values)).toEqual([[0], ['w'], [1], [1.5]]);
  });

  it('a single Example has no places of rows, and no name in messages', async () => {
    const inputs = [text([example({ w: bytes('a', 'b') })], []), text([]), text([]), text([]), text(['w'])];
    const types = {
      ragged_value_types: { list: { type: [DT.STRING] } },
      ragged_split_types: { list: { type: [DT.INT32] } },
    };
    expect((await call('ParseExampleV2', inputs, types)).map(values)).toEqual([['a', 'b'], []]);
    const dense = [...inputs.slice(0, 3), text(['x']), text([]), float([])];
    const asked = { Tdense: { list: { type: [DT.FLOAT] } }, dense_shapes: { list: { shape: [{}] } } };
    await expect(call('ParseExampleV2', dense, asked)).rejects.toThrow(
      'Feature: x (data type: float) is required but could not be found.',
    );
  });
});
