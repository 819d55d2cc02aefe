import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import type { TensorProto } from '../../../../shared/models/saved-model/graph-def.ts';
import { tensorOfProto } from '../../../../shared/models/saved-model/tensor-proto.ts';

function proto(given: Partial<TensorProto>): TensorProto {
  return {
    ...{ dtype: DT.FLOAT, shape: [], content: new Uint8Array(0), halfVal: [], floatVal: [], doubleVal: [], intVal: [] },
    ...{ stringVal: [], int64Val: [], boolVal: [], uint32Val: [], uint64Val: [] },
    ...given,
  };
}

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);

describe('tensorOfProto', () => {
  const cases: { name: string; given: Partial<TensorProto>; expected: unknown }[] = [
    { name: 'a scalar', given: { floatVal: [1.5] }, expected: Float32Array.of(1.5) },
    {
      name: 'a list whose last value stands for the rest',
      given: { shape: [4], floatVal: [1, 2] },
      expected: Float32Array.of(1, 2, 2, 2),
    },
    { name: 'no values: zeros', given: { shape: [2, 1] }, expected: Float32Array.of(0, 0) },
    { name: 'no elements', given: { shape: [0, 3], floatVal: [] }, expected: new Float32Array(0) },
    {
      name: 'raw values',
      given: { shape: [2], content: bytesOf(Float32Array.of(3, 4)) },
      expected: Float32Array.of(3, 4),
    },
    { name: 'a reference type', given: { dtype: DT.FLOAT + 100, floatVal: [2] }, expected: Float32Array.of(2) },
    { name: 'doubles', given: { dtype: DT.DOUBLE, doubleVal: [0.1] }, expected: Float64Array.of(0.1) },
    {
      name: 'int64 with every digit',
      given: { dtype: DT.INT64, shape: [2], int64Val: [-(2n ** 63n)] },
      expected: BigInt64Array.of(-(2n ** 63n), -(2n ** 63n)),
    },
    {
      name: 'uint64',
      given: { dtype: DT.UINT64, uint64Val: [2n ** 64n - 1n] },
      expected: BigUint64Array.of(2n ** 64n - 1n),
    },
    { name: 'uint32', given: { dtype: DT.UINT32, uint32Val: [2 ** 32 - 1] }, expected: Uint32Array.of(2 ** 32 - 1) },
    { name: 'int8', given: { dtype: DT.INT8, intVal: [-1] }, expected: Int8Array.of(-1) },
    {
      name: 'halves, by their bits',
      given: { dtype: DT.HALF, shape: [2], halfVal: [0x3800, 0xc000] },
      expected: Float16Array.of(0.5, -2),
    },
    { name: 'bfloat16, by its bits', given: { dtype: DT.BFLOAT16, halfVal: [0x3fc0] }, expected: Float32Array.of(1.5) },
    { name: 'bools', given: { dtype: DT.BOOL, shape: [2], boolVal: [true, false] }, expected: Uint8Array.of(1, 0) },
    {
      name: 'strings',
      given: { dtype: DT.STRING, shape: [2], stringVal: [Uint8Array.of(255)] },
      expected: [Uint8Array.of(255), Uint8Array.of(255)],
    },
    { name: 'no strings: empty ones', given: { dtype: DT.STRING, shape: [1] }, expected: [new Uint8Array(0)] },
    {
      name: 'raw strings',
      given: { dtype: DT.STRING, shape: [2], content: Uint8Array.of(1, 0, 65) },
      expected: [Uint8Array.of(65), new Uint8Array(0)],
    },
  ];
  it.each(cases)('reads $name', ({ given, expected }) => {
    expect(tensorOfProto(proto(given), 'c').data).toEqual(expected);
  });

  it('reads raw values wherever they lie', () => {
    fc.assert(
      fc.property(fc.bigInt64Array(), fc.nat(8), (values, offset) => {
        const room = new Uint8Array(offset + values.byteLength);
        room.set(bytesOf(values), offset);
        const made = tensorOfProto(
          proto({ dtype: DT.INT64, shape: [values.length], content: room.subarray(offset) }),
          'c',
        );
        expect(made.data).toEqual(values);
      }),
    );
  });

  const refused: { name: string; given: Partial<TensorProto>; message: RegExp }[] = [
    {
      name: 'one value for endless elements',
      given: { shape: [2 ** 30], floatVal: [1] },
      message: /takes 4294967296 bytes/,
    },
    { name: 'endless empty strings', given: { dtype: DT.STRING, shape: [2 ** 40] }, message: /takes/ },
    { name: 'a shape beyond numbers', given: { shape: [2 ** 40, 2 ** 40] }, message: /too many elements/ },
    { name: 'a negative dimension', given: { shape: [-1] }, message: /a dimension of -1/ },
    { name: 'an unknown rank', given: { shape: null }, message: /rank is not known/ },
    { name: 'more values than elements', given: { shape: [1], floatVal: [1, 2] }, message: /lists 2 values for 1/ },
    {
      name: 'too few bytes',
      given: { shape: [2], content: new Uint8Array(7) },
      message: /7 bytes for the shape \[2\] of DT_FLOAT/,
    },
    {
      name: 'strings cut off',
      given: { dtype: DT.STRING, shape: [1], content: Uint8Array.of(9, 65) },
      message: /claims 9 bytes/,
    },
    { name: 'a quantized dtype', given: { dtype: DT.QINT8 }, message: /DT_QINT8 cannot be read/ },
    { name: 'a complex dtype', given: { dtype: DT.COMPLEX64 }, message: /DT_COMPLEX64/ },
    { name: 'a dtype of no name', given: { dtype: 77 }, message: /DataType 77/ },
  ];
  it.each(refused)('refuses $name', ({ given, message }) => {
    expect(() => tensorOfProto(proto(given), 'digits@3: the constant c')).toThrow(message);
    expect(() => tensorOfProto(proto(given), 'digits@3: the constant c')).toThrow(
      /^digits@3: the constant c cannot be read/,
    );
  });
});
