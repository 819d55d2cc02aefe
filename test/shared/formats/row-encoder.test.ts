import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { errorInfo } from '../../../shared/errors.ts';
import { ByteWriter } from '../../../shared/formats/byte-writer.ts';
import { writeFloat32, writeFloat64 } from '../../../shared/formats/float-text.ts';
import type { RowBatch } from '../../../shared/formats/format.ts';
import { RowEncoder, errorLine, lineLabelOf } from '../../../shared/formats/row-encoder.ts';
import { insertRowKeys } from '../../../shared/formats/row-keys.ts';
import type { Tensor, Tensors } from '../../../shared/tensor.ts';
import { decodeAll, decodeRows, signature, spec } from './helpers.ts';

function textBy(write: (out: ByteWriter, value: number) => void, value: number): string {
  const out = new ByteWriter();
  write(out, value);
  return out.take().toString();
}

/** The shortest text by trying all precisions. */
function bruteForce(value: number, round: (double: number) => number, most: number): string {
  for (let digits = 1; digits < most; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (round(candidate) === value) return String(candidate);
  }
  return String(Number(value.toPrecision(most)));
}

const word = new Uint32Array(1);
const asFloat = new Float32Array(word.buffer);
const anyFloat32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }).map((bits) => ((word[0] = bits), asFloat[0] ?? 0)),
  fc.float({ min: 0, max: 1 }),
  fc.double({ min: -1e10, max: 1e10, noNaN: true }).map(Math.fround),
  fc.double({ min: 0, max: 1, noNaN: true }).map((value) => Math.fround(value ** 20)),
  fc.integer({ min: -149, max: 127 }).map((power) => 2 ** power),
  fc.integer({ min: -45, max: 38 }).map((power) => Math.fround(Number(`1e${power}`))),
  fc
    .tuple(fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: -30, max: 30 }))
    .map(([digits, power]) => Math.fround(Number(`${digits}e${power}`))),
);

describe('numbers', () => {
  test('every float32 reads back, and no shorter text does', () => {
    fc.assert(
      fc.property(anyFloat32, (value) => {
        const text = textBy(writeFloat32, value);
        if (!Number.isFinite(value)) {
          expect(Number(JSON.parse(text))).toBe(value);
          return;
        }
        expect(Math.fround(JSON.parse(text) as number)).toBe(value);
        expect(text.length).toBeLessThanOrEqual(
          bruteForce(value, Math.fround, 9).length + (Object.is(value, -0) ? 1 : 0),
        );
        expect(text).toBe(Object.is(value, -0) ? '-0' : String(Number(text)));
      }),
      { numRuns: 30_000 },
    );
  });

  test('every power of two and its neighbours', () => {
    for (let power = -149; power <= 127; power++) {
      asFloat[0] = 2 ** power;
      const bits = word[0] ?? 0;
      for (const near of [bits - 1, bits, bits + 1]) {
        word[0] = near;
        const value = asFloat[0];
        const text = textBy(writeFloat32, value);
        expect(Math.fround(Number(text))).toBe(value);
        expect(text.length).toBeLessThanOrEqual(bruteForce(value, Math.fround, 9).length);
      }
    }
  });

  test('every float16 reads back, as the float32 that it is', () => {
    const half = new Float16Array(1);
    const bits = new Uint16Array(half.buffer);
    for (let pattern = 0; pattern < 0x10000; pattern++) {
      bits[0] = pattern;
      const value = half[0] ?? 0;
      const text = textBy(writeFloat32, value);
      const read = Math.fround(Number(JSON.parse(text)));
      if (!Object.is(read, value)) expect.fail(`${value} is written ${text}`);
    }
    expect(textBy(writeFloat32, Math.f16round(0.1))).toBe('0.099975586');
  });

  test('every float64 reads back', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(Number(JSON.parse(textBy(writeFloat64, value)))).toBe(value);
      }),
    );
  });

  test.each([
    { value: 0.1, expected: '0.1' },
    { value: -0.25, expected: '-0.25' },
    { value: 16777216, expected: '16777216' },
    { value: 2 ** 30, expected: '1073741800' },
    { value: 1e21, expected: '1e+21' },
    { value: 1e20, expected: '100000000000000000000' },
    { value: 1e-6, expected: '0.000001' },
    { value: 1e-7, expected: '1e-7' },
    { value: 1.25e-9, expected: '1.25e-9' },
    { value: 3.4028234663852886e38, expected: '3.4028235e+38' },
    { value: 2 ** -149, expected: '1e-45' },
    { value: 123456.789, expected: '123456.79' },
    { value: Number.NaN, expected: '"NaN"' },
    { value: Number.NEGATIVE_INFINITY, expected: '"-Infinity"' },
    { value: -0, expected: '-0' },
  ])('$value as float32 is $expected', ({ value, expected }) => {
    expect(textBy(writeFloat32, Math.fround(value))).toBe(expected);
  });
});

function batchOf(labels: readonly string[], errors: RowBatch['errors'] = new Map()): RowBatch {
  const ends: number[] = [];
  labels.reduce((sum, label) => (ends.push(sum + Buffer.byteLength(label)), sum + Buffer.byteLength(label)), 0);
  return {
    rowCount: labels.length,
    labels: Buffer.from(labels.join('')),
    labelStarts: Int32Array.from([0, ...ends.slice(0, -1)]),
    labelEnds: Int32Array.from(ends),
    groups: [],
    errors,
  };
}

function linesOf(outputs: Tensors, rows = 1): string[] {
  const encoder = new RowEncoder({
    label: 'row',
    outputs: Object.entries(outputs).map(([name, { dtype }]) => spec(name, dtype, null)),
  });
  encoder.encode(
    batchOf(Array.from({ length: rows }, () => '')),
    [{ rows: Int32Array.from({ length: rows }, (_, row) => row), outputs }],
    new Map(),
  );
  return Buffer.from(encoder.take().bytes).toString().trimEnd().split('\n');
}

describe('RowEncoder', () => {
  test.each<{ name: string; tensor: Tensor; expected: string }>([
    { name: 'a scalar', tensor: { dtype: 'float32', shape: [1], data: Float32Array.of(0.5) }, expected: '0.5' },
    {
      name: 'nested lists',
      tensor: { dtype: 'int8', shape: [1, 2, 2], data: Int8Array.of(-1, 2, -128, 4) },
      expected: '[[-1,2],[-128,4]]',
    },
    { name: 'empty lists', tensor: { dtype: 'int8', shape: [1, 2, 0], data: Int8Array.of() }, expected: '[[],[]]' },
    { name: 'an empty outer list', tensor: { dtype: 'int8', shape: [1, 0, 2], data: Int8Array.of() }, expected: '[]' },
    { name: 'booleans', tensor: { dtype: 'bool', shape: [1, 2], data: Uint8Array.of(1, 0) }, expected: '[true,false]' },
    {
      name: 'wide integers',
      tensor: { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(-9223372036854775808n, 9007199254740993n) },
      expected: '[-9223372036854775808,9007199254740993]',
    },
    {
      name: 'unsigned integers',
      tensor: { dtype: 'uint32', shape: [1, 3], data: Uint32Array.of(4294967295, 0, 10) },
      expected: '[4294967295,0,10]',
    },
    {
      name: 'text',
      tensor: { dtype: 'string', shape: [1, 3], data: ['a"\n', '\ud800', Buffer.from('é')] },
      expected: '["a\\"\\n","\\ud800","é"]',
    },
    { name: 'bytes', tensor: { dtype: 'string', shape: [1], data: [Uint8Array.of(255)] }, expected: '{"b64":"/w=="}' },
  ])('writes $name', ({ tensor, expected }) => {
    expect(linesOf({ y: tensor })).toEqual([`{"prediction":${expected}}`]);
  });

  test('writes outputs named _bytes as base64, also where they are text', () => {
    const data = ['hi', Buffer.from('hi')];
    expect(linesOf({ image_bytes: { dtype: 'string', shape: [1, 2], data } })).toEqual([
      '{"prediction":[{"b64":"aGk="},{"b64":"aGk="}]}',
    ]);
  });

  test('writes several outputs as an object, in the order of the signature', () => {
    const lines = linesOf(
      {
        b: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, 2) },
        a: { dtype: 'string', shape: [2], data: ['x', 'y'] },
      },
      2,
    );
    expect(lines).toEqual(['{"prediction":{"b":[1],"a":"x"}}', '{"prediction":{"b":[2],"a":"y"}}']);
  });

  test('puts the rows of all groups back in order, with labels and errors, and counts', () => {
    const encoder = new RowEncoder({ label: 'key', outputs: [spec('y', 'float32', [null])] });
    const undecoded = errorInfo('INVALID_ARGUMENT', 'bad "shape"');
    const unscored = errorInfo('INTERNAL', 'model');
    const scored = (rows: number[], values: number[]) => ({
      rows: Int32Array.from(rows),
      outputs: { y: { dtype: 'float32' as const, shape: [rows.length], data: Float32Array.from(values) } },
    });
    const batch = batchOf(['"é"', '12345678901234567890', 'null', '[1]', '4'], new Map([[2, undecoded]]));
    encoder.encode(batch, [scored([1, 4], [1, 4]), scored([0], [0])], new Map([[3, unscored]]));
    encoder.encode(batchOf(['5'], new Map([[0, undecoded]])), [], new Map());
    const { bytes, ...counts } = encoder.take();
    expect(Buffer.from(bytes).toString()).toBe(
      [
        '{"key":"é","prediction":0}',
        '{"key":12345678901234567890,"prediction":1}',
        '{"key":null,"error":{"code":3,"status":"INVALID_ARGUMENT","message":"bad \\"shape\\""}}',
        '{"key":[1],"error":{"code":13,"status":"INTERNAL","message":"model"}}',
        '{"key":4,"prediction":4}',
        '{"key":5,"error":{"code":3,"status":"INVALID_ARGUMENT","message":"bad \\"shape\\""}}',
        '',
      ].join('\n'),
    );
    expect(counts).toEqual({
      rows: 6,
      failed: 3,
      errors: [
        { error: undecoded, count: 2, firstRows: [2, 5] },
        { error: unscored, count: 1, firstRows: [3] },
      ],
    });
    expect(encoder.take()).toMatchObject({ rows: 0, failed: 0, errors: [] });
  });

  test('refuses outputs that are not of the rows', () => {
    const y: Tensor = { dtype: 'float32', shape: [3], data: new Float32Array(3) };
    expect(() => linesOf({ y }, 2)).toThrow(
      'output "y": found shape [3] with 3 elements, expected its first dimension to be the 2 rows',
    );
    const encoder = new RowEncoder({ label: 'row', outputs: [spec('z', 'float32', null)] });
    expect(() => {
      encoder.encode(batchOf(['']), [{ rows: Int32Array.of(0), outputs: { y } }], new Map());
    }).toThrow('output "z": the model did not return it');
    expect(() => {
      encoder.encode(batchOf(['']), [], new Map());
    }).toThrow('row 0 of the batch has neither a prediction nor an error');
  });

  test('what it writes decodes to the same columns', () => {
    const floats = fc.array(fc.float(), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(floats, { minLength: 1, maxLength: 5 }), (values) => {
        const data = Float32Array.from(values.flat());
        const text = linesOf({ y: { dtype: 'float32', shape: [values.length, 3], data } }, values.length).join('\n');
        const rows = decodeRows('jsonl', text, { signature: signature(spec('prediction', 'float32', [null, 3])) });
        expect(rows.map(({ inputs }) => inputs?.['prediction']?.data)).toEqual(values);
      }),
    );
  });

  test('echoes instances as they came', () => {
    const [batch] = decodeAll('jsonl', ' {"x": 1.50} \n', { signature: signature(spec('x', 'float32', [null])) });
    const encoder = new RowEncoder({ label: lineLabelOf({}), outputs: [spec('x', 'float32', [null])] });
    if (batch === undefined) throw new Error('no batch');
    encoder.encode(
      batch,
      batch.groups.map(({ rows, inputs }) => ({ rows, outputs: inputs })),
      new Map(),
    );
    expect(Buffer.from(encoder.take().bytes).toString()).toBe('{"instance":{"x": 1.50},"prediction":1.5}\n');
  });
});

test('an error line stands for a row that nobody decoded', () => {
  const error = errorInfo('RESOURCE_EXHAUSTED', 'too long');
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const written = '"error":{"code":8,"status":"RESOURCE_EXHAUSTED","message":"too long"}}\n';
  expect(text(errorLine('key', '"é"', error))).toBe(`{"key":"é",${written}`);
  expect(text(errorLine('instance', Buffer.from('null'), error))).toBe(`{"instance":null,${written}`);
  expect(text(errorLine('row', '', error))).toBe(`{${written}`);
});

describe('insertRowKeys', () => {
  test('numbers the lines however they come in chunks', async () => {
    const lines = '{"prediction":"{"}\n{"error":{}}\n{"prediction":[1,2]}\n';
    for (let size = 1; size <= lines.length; size++) {
      const chunks = Array.from({ length: Math.ceil(lines.length / size) }, (_, index) =>
        Buffer.from(lines.slice(index * size, (index + 1) * size)),
      );
      const out: Uint8Array[] = [];
      for await (const chunk of insertRowKeys(stream([...chunks, Buffer.alloc(0)]), 9)) out.push(chunk);
      expect(Buffer.concat(out).toString()).toBe(
        '{"key":9,"prediction":"{"}\n{"key":10,"error":{}}\n{"key":11,"prediction":[1,2]}\n',
      );
    }
  });
});

async function* stream(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}
