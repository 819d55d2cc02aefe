import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { checkKeys } from '../../../functions/score/check-keys.ts';
import type { InstanceConfig, RowBatch } from '../../../shared/formats/format.ts';
import type { ScoredRows } from '../../../shared/formats/row-encoder.ts';
import type { Signature } from '../../../shared/models/model.ts';
import type { DType, Tensor, TensorSpec } from '../../../shared/tensor.ts';

function signature(dtype: DType, outputs: readonly TensorSpec[] = [{ name: 'key', dtype, shape: [null] }]): Signature {
  return { name: 's', inputs: [{ name: 'key', dtype, shape: [null] }], outputs };
}

function batchOf(keys: readonly string[]): RowBatch {
  const texts = keys.map((key) => Buffer.from(key));
  let end = 0;
  const labelEnds = Int32Array.from(texts, ({ length }) => (end += length));
  return {
    rowCount: keys.length,
    labels: Buffer.concat(texts),
    labelStarts: Int32Array.of(0, ...labelEnds.subarray(0, -1)),
    labelEnds,
    groups: [],
    errors: new Map(),
  };
}

function scoredOf(key: Tensor): ScoredRows {
  return { rows: Int32Array.from({ length: key.shape[0] ?? 0 }, (_, row) => row), outputs: { key } };
}

const KEYED: InstanceConfig = { keyField: 'key' };

/** The message of the only row, whose key is that and comes back as the tensor; undefined where it is its own. */
function complaint(key: string, returned: Tensor): string | undefined {
  const { errors } = checkKeys(batchOf([key]), [scoredOf(returned)], KEYED, signature(returned.dtype));
  return errors.get(0)?.message;
}

const int64 = (...values: bigint[]): Tensor => ({
  dtype: 'int64',
  shape: [values.length],
  data: BigInt64Array.from(values),
});

describe('a key that goes through the model', () => {
  test.each<{ key: string; returned: Tensor }>([
    { key: '9007199254740993', returned: int64(9007199254740993n) },
    { key: '-9223372036854775808', returned: int64(-(2n ** 63n)) },
    { key: '1e3', returned: int64(1000n) },
    { key: '7.0', returned: { dtype: 'int32', shape: [1], data: Int32Array.of(7) } },
    { key: '[7]', returned: int64(7n) },
    { key: '7', returned: { dtype: 'int64', shape: [1, 1], data: BigInt64Array.of(7n) } },
    { key: '[[1, 2], [3, 4]]', returned: { dtype: 'int64', shape: [1, 4], data: BigInt64Array.of(1n, 2n, 3n, 4n) } },
    { key: '0.1', returned: { dtype: 'float32', shape: [1], data: Float32Array.of(0.1) } },
    { key: '16777217', returned: { dtype: 'float32', shape: [1], data: Float32Array.of(16777216) } },
    { key: '0.1', returned: { dtype: 'float64', shape: [1], data: Float64Array.of(0.1) } },
    { key: '-0', returned: { dtype: 'float32', shape: [1], data: Float32Array.of(0) } },
    { key: '"NaN"', returned: { dtype: 'float32', shape: [1], data: Float32Array.of(NaN) } },
    { key: '"-Infinity"', returned: { dtype: 'float32', shape: [1], data: Float32Array.of(-Infinity) } },
    { key: 'true', returned: { dtype: 'bool', shape: [1], data: Uint8Array.of(1) } },
    { key: '"caf\\u00e9"', returned: { dtype: 'string', shape: [1], data: ['café'] } },
    { key: '"café"', returned: { dtype: 'string', shape: [1], data: [new Uint8Array(Buffer.from('café'))] } },
    { key: '{"b64": "/w=="}', returned: { dtype: 'string', shape: [1], data: [Uint8Array.of(255)] } },
    { key: '["a, b", {"b64":"Yw=="}]', returned: { dtype: 'string', shape: [1, 2], data: ['a, b', 'c'] } },
    { key: '7', returned: { dtype: 'string', shape: [1], data: ['7'] } },
    { key: '"7"', returned: int64(7n) },
    { key: '" 9007199254740993"', returned: int64(9007199254740993n) },
    { key: '"True"', returned: { dtype: 'bool', shape: [1], data: Uint8Array.of(1) } },
  ])('$key may come back as $returned.dtype', ({ key, returned }) => {
    expect(complaint(key, returned)).toBeUndefined();
  });

  test.each<{ key: string; returned: Tensor; found: string }>([
    { key: '9007199254740993', returned: int64(9007199254740992n), found: '9007199254740992' },
    { key: '7.5', returned: int64(7n), found: '7' },
    { key: '"7"', returned: int64(8n), found: '8' },
    { key: '[7, 8]', returned: int64(7n), found: '7' },
    { key: '7', returned: { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(7n, 7n) }, found: '[7,7]' },
    { key: '0.1', returned: { dtype: 'float32', shape: [1], data: Float32Array.of(0.2) }, found: '0.2' },
    { key: 'true', returned: { dtype: 'bool', shape: [1], data: Uint8Array.of(0) }, found: 'false' },
    { key: '"a"', returned: { dtype: 'string', shape: [1], data: ['b'] }, found: '"b"' },
    {
      key: '{"b64":"/w=="}',
      returned: { dtype: 'string', shape: [1], data: [Uint8Array.of(254)] },
      found: '{"b64":"/g=="}',
    },
  ])('$key is not $found', ({ key, returned, found }) => {
    expect(complaint(key, returned)).toBe(`the model returned key ${found} for the row with key ${key}`);
  });

  test('long keys are cut in messages', () => {
    const message = complaint(JSON.stringify('x'.repeat(500)), { dtype: 'string', shape: [1], data: ['y'] }) ?? '';
    expect(message.length).toBeLessThan(200);
    expect(message).toContain('…');
  });

  test('rows that came back with another’s key are INTERNAL errors, and the others stay as they are', () => {
    const keys = fc.uniqueArray(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(keys, fc.infiniteStream(fc.integer({ min: 0, max: 3 })), (own, noise) => {
        const returned = own.map((key) => (noise.next().value === 0 ? BigInt.asIntN(64, key + 1n) : key));
        const chosen = signature('int64', [
          { name: 'key', dtype: 'int64', shape: [null] },
          { name: 'y', dtype: 'string', shape: [null] },
        ]);
        // Rows in two groups, one in reverse.
        const groups = [
          own.map((_, row) => row).filter((row) => row % 2 === 0),
          own
            .map((_, row) => row)
            .filter((row) => row % 2 === 1)
            .reverse(),
        ];
        const scored = groups.map((rows): ScoredRows => ({
          rows: Int32Array.from(rows),
          outputs: {
            key: int64(...rows.map((row) => returned[row] as bigint)),
            y: { dtype: 'string', shape: [rows.length], data: rows.map(String) },
          },
        }));
        const checked = checkKeys(batchOf(own.map(String)), scored, KEYED, chosen);
        const bad = own.flatMap((key, row) => (returned[row] === key ? [] : [row]));
        expect([...checked.errors.keys()].sort((a, b) => a - b)).toEqual(bad);
        for (const error of checked.errors.values()) expect(error.status).toBe('INTERNAL');
        const rest = checked.scored.flatMap(({ rows, outputs }) => {
          expect(outputs['y']?.data).toEqual(Array.from(rows, String));
          return [...rows];
        });
        expect([...rest, ...bad].sort((a, b) => a - b)).toEqual(own.map((_, row) => row));
        if (bad.length === 0) expect(checked.scored).toBe(scored);
      }),
    );
  });
});

describe('nothing is checked', () => {
  const wrong = [scoredOf(int64(8n))];
  const plain = signature('int64');

  test.each<{ name: string; config: InstanceConfig; chosen: Signature }>([
    { name: 'without a key field', config: {}, chosen: plain },
    { name: 'where the row is the key', config: { rowKeys: true }, chosen: plain },
    { name: 'where the model does not return the key', config: KEYED, chosen: signature('int64', []) },
    { name: 'where the model does not take the key', config: KEYED, chosen: { ...plain, inputs: [] } },
    { name: 'where the key is left out', config: { keyField: 'key', excludedFields: ['key'] }, chosen: plain },
    { name: 'where the key is not included', config: { keyField: 'key', includedFields: ['x'] }, chosen: plain },
  ])('$name', ({ config, chosen }) => {
    const { scored, errors } = checkKeys(batchOf(['7']), wrong, config, chosen);
    expect(scored).toBe(wrong);
    expect(errors.size).toBe(0);
  });

  test('of an output that is not of the batch’s size: the encoder refuses it', () => {
    const odd = [{ rows: Int32Array.of(0), outputs: { key: int64(1n, 2n) } }];
    expect(checkKeys(batchOf(['7']), odd, KEYED, plain).scored).toBe(odd);
  });
});

test('a key that is a feature of the tf.Example goes through the model too', () => {
  const examples: Signature = {
    name: 's',
    inputs: [{ name: 'examples', dtype: 'string', shape: [null] }],
    outputs: [{ name: 'key', dtype: 'int64', shape: [null] }],
    examples: { input: 'examples', features: [{ name: 'key', dtype: 'int64', shape: [], optional: false }] },
  };
  expect(checkKeys(batchOf(['7']), [scoredOf(int64(8n))], KEYED, examples).errors.get(0)?.message).toBe(
    'the model returned key 8 for the row with key 7',
  );
});
