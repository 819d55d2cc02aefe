import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { crc32c } from '../../../shared/crc32c.ts';
import { decodeExample } from '../../../shared/formats/example/example.ts';
import { layoutOf } from '../../../shared/predictions/layout.ts';
import { tfRecordWriter } from '../../../shared/predictions/tf-record-writer.ts';
import type { TensorSpec } from '../../../shared/tensor.ts';
import { spec } from '../formats/helpers.ts';
import { FAILURE, anyCuts, anyTable, tableOf, writeJoined } from './tables.ts';
import type { Cuts, Table } from './tables.ts';

const WHOLE: Cuts = { cuts: [], chunkBytes: 1000 };

type Features = Record<string, readonly unknown[]>;

async function written(table: Table, cuts: Cuts = WHOLE): Promise<Features[]> {
  const layout = layoutOf(table.label === 'key' ? { keyField: 'k' } : {}, table.outputs);
  return records(await writeJoined(tfRecordWriter, layout, table.lines, cuts)).map((record) =>
    Object.fromEntries(
      [...decodeExample(record)].map(([name, { kind, values }]) => [
        name,
        kind === 'bytes' ? values.map((value) => Buffer.from(value).toString()) : Array.from<unknown>(values),
      ]),
    ),
  );
}

/** The records of a file, all checksums verified. */
function records(file: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    const record = file.subarray(at + 12, at + 12 + length);
    expect(unmasked(file.readUInt32LE(at + 8))).toBe(crc32c(file.subarray(at, at + 8)));
    expect(unmasked(file.readUInt32LE(at + 12 + length))).toBe(crc32c(record));
    found.push(record);
    at += 16 + length;
  }
  return found;
}

/** TensorFlow's crc32c::Unmask. */
function unmasked(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

function elementOf(output: TensorSpec | undefined, element: unknown): unknown {
  const { dtype = '' } = output ?? {};
  if (dtype.startsWith('float')) return Math.fround(element as number);
  if (dtype === 'uint64') return String(element);
  return dtype === 'string' ? element : BigInt(element as number);
}

describe('tf-record', () => {
  test('a reader finds the rows of the lines, in order, however they fall into parts and chunks', async () => {
    await fc.assert(
      fc.asyncProperty(anyTable, anyCuts, async (table, cuts) => {
        const layout = layoutOf(table.label === 'key' ? { keyField: 'k' } : {}, table.outputs);
        const found = await written(table, cuts);
        expect(found).toHaveLength(table.rows.length);
        for (const [row, { [table.label]: label, ...features }] of found.entries()) {
          const { label: json = '', values } = table.rows[row] ?? {};
          expect(String(label?.[0])).toBe(
            table.label === 'key' && json.startsWith('"') ? (JSON.parse(json) as string) : json,
          );
          const expected = values?.map((value, index) => [
            layout.outputs[index]?.column,
            [value].flat(Infinity).map((element) => elementOf(table.outputs[index], element)),
          ]) ?? [['error', [FAILURE.message]]];
          expect(features).toEqual(Object.fromEntries(expected));
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    { label: '17', feature: [17n] },
    { label: '-9223372036854775808', feature: [-9223372036854775808n] },
    { label: '9223372036854775807', feature: [9223372036854775807n] },
    { label: '9223372036854775808', feature: ['9223372036854775808'] },
    { label: '-0', feature: ['-0'] },
    { label: '1.0', feature: ['1.0'] },
    { label: '"17"', feature: ['17'] },
    { label: '"\\ud800"', feature: ['"\\ud800"'] },
    { label: '{"a":1}', feature: ['{"a":1}'] },
  ])('the key $label is the feature $feature', async ({ label, feature }) => {
    expect(await written(tableOf('key', [], [{ label }]))).toEqual([{ key: feature, error: [FAILURE.message] }]);
  });

  test('bytes are themselves', async () => {
    const plan = { spec: spec('image_bytes', 'string', [null]), rowShape: [] };
    const table = tableOf('instance', [plan], [{ label: '{"x": 1}', values: ['é'] }]);
    expect(await written(table)).toEqual([{ instance: ['{"x": 1}'], prediction: ['é'] }]);
  });
});
