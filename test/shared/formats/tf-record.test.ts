import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';

import { decodeExample } from '../../../shared/formats/example/example.ts';
import { RangeCutter } from '../../../shared/formats/range-cutter.ts';
import type { Cut } from '../../../shared/formats/range-cutter.ts';
import { tfRecord } from '../../../shared/formats/tf-record/tf-record.ts';
import type { Signature } from '../../../shared/models/model.ts';
import { FIXTURES, describeFixtures } from '../models/model-files.ts';
import { decodeAll, decodeRows, signature, spec } from './helpers.ts';
import type { Options, PlainRow } from './helpers.ts';
import { bytes, example, floats, framed, ints, masked } from './tf-records.ts';

const text = signature(spec('text', 'string', [null]));
const parsing: Signature = { ...signature(spec('examples', 'string', [null])), examples: { input: 'examples' } };
const RAW: Options = { signature: text };

function b64(record: Uint8Array | string): string {
  return `{"b64":"${Buffer.from(record).toString('base64')}"}`;
}

/** The strings that the only input got. */
function strings(rows: readonly PlainRow[]): (string | undefined)[] {
  return rows.map(({ inputs }) => {
    const [tensor] = Object.values(inputs ?? {});
    const element = tensor?.data[0];
    return element instanceof Uint8Array ? Buffer.from(element).toString('latin1') : undefined;
  });
}

describe('a record as it is', () => {
  test('feeds the only input, of strings, whatever it holds', () => {
    const rows = decodeRows(tfRecord, framed('The Quick Brown Fox', '', 'ÿ'), RAW);
    expect(strings(rows)).toEqual(['The Quick Brown Fox', '', Buffer.from('ÿ').toString('latin1')]);
    expect(rows.map(({ label }) => label)).toEqual([b64('The Quick Brown Fox'), b64(''), b64('ÿ')]);
  });

  test('feeds an input that takes a list of one', () => {
    const one = signature(spec('text', 'string', [null, 1]));
    expect(decodeRows(tfRecord, framed('ab'), { signature: one })[0]?.inputs?.['text']).toMatchObject({ shape: [1] });
  });

  test('is no list of two', () => {
    const two = signature(spec('text', 'string', [null, 2]));
    const row = decodeRows(tfRecord, framed(example({ text: bytes('a', 'b') })), { signature: two })[0];
    expect(row).toEqual({
      label: '{"text":["a","b"]}',
      inputs: { text: { shape: [2], data: [expect.anything(), expect.anything()] } },
    });
  });

  test('is labelled by the feature that is its key, and keeps it', () => {
    const record = example({ id: ints(9007199254740993n), x: floats(1) });
    for (const chosen of [text, parsing]) {
      const rows = decodeRows(tfRecord, framed(record), { signature: chosen, instanceConfig: { keyField: 'id' } });
      expect(rows[0]?.label).toBe('9007199254740993');
      expect(strings(rows)).toEqual([Buffer.from(record).toString('latin1')]);
    }
  });

  test.each([
    { name: 'text', key: bytes('é'), label: '"é"' },
    { name: 'bytes', key: bytes(Buffer.of(255)), label: '{"b64":"/w=="}' },
    { name: 'a negative int64', key: ints(-(2n ** 63n)), label: '-9223372036854775808' },
    { name: 'a float', key: floats(0.1), label: '0.1' },
    { name: 'a list', key: ints(1n, 2n), label: '[1,2]' },
  ])('the key may be $name', ({ key, label }) => {
    const rows = decodeRows(tfRecord, framed(example({ key })), { ...RAW, instanceConfig: { keyField: 'key' } });
    expect(rows[0]?.label).toBe(label);
    expect(rows[0]?.error).toBeUndefined();
  });

  test.each([
    {
      name: 'no such feature',
      record: example({ x: floats(1) }),
      error: 'field "id": found no such field, expected the instance key',
    },
    {
      name: 'no tf.Example',
      record: Buffer.from('The Quick Brown Fox'),
      error: 'instance: no tf.Example: found the wire type 4 at byte 0 of it, expected a field',
    },
  ])('without a readable key is an error: $name', ({ record, error }) => {
    expect(decodeRows(tfRecord, framed(record), { ...RAW, instanceConfig: { keyField: 'id' } })).toEqual([
      { label: 'null', error },
    ]);
  });

  test('has no label where the row is its key', () => {
    expect(decodeRows(tfRecord, framed('a'), { ...RAW, instanceConfig: { rowKeys: true } })[0]?.label).toBe('');
  });
});

describe('a serialized tf.Example', () => {
  const record = example({ id: ints(7n), x: floats(1, 2), s: bytes('a') });
  const fields = (rows: readonly PlainRow[]): string[] =>
    rows.flatMap(({ inputs }) => [...decodeExample(inputs?.['examples']?.data[0] as Uint8Array).keys()]);

  test.each([
    { name: 'all of it', config: {}, expected: ['id', 's', 'x'] },
    { name: 'included', config: { includedFields: ['x'] }, expected: ['x'] },
    { name: 'excluded', config: { excludedFields: ['x'] }, expected: ['id', 's'] },
    { name: 'without its key', config: { keyField: 'id', excludedFields: ['s'] }, expected: ['x'] },
    {
      name: 'with its key, which is included',
      config: { keyField: 'id', includedFields: ['x', 'id'] },
      expected: ['id', 'x'],
    },
  ])('of the features that instanceConfig selects: $name', ({ config, expected }) => {
    expect(fields(decodeRows(tfRecord, framed(record), { signature: parsing, instanceConfig: config }))).toEqual(
      expected,
    );
  });

  test('is an error without a feature that is included', () => {
    const options = { signature: parsing, instanceConfig: { includedFields: ['y'] } };
    expect(decodeRows(tfRecord, framed(record), options)[0]?.error).toBe(
      'field "y": found no such field, expected it, as includedFields name it',
    );
  });

  test('feeds the inputs beside it', () => {
    const both: Signature = {
      ...signature(spec('examples', 'string', [null]), spec('id', 'int64', [null])),
      examples: { input: 'examples' },
    };
    const [row] = decodeRows(tfRecord, framed(record), { signature: both });
    expect(row).toEqual({
      label: b64(record),
      inputs: { examples: { shape: [], data: [new Uint8Array(record)] }, id: { shape: [], data: [7n] } },
    });
  });
});

describe('labels of a shard that no model scores', () => {
  const nothing: Options = { signature: { name: '', inputs: [], outputs: [] } };
  const records = framed(example({ id: ints(7n) }), example({ id: bytes('b') }), 'no tf.Example');

  test('are the keys', () => {
    const rows = decodeRows(tfRecord, records, { ...nothing, instanceConfig: { keyField: 'id' } });
    expect(rows.map(({ label }) => label)).toEqual(['7', '"b"', 'null']);
  });

  test('are the records, where there are no keys', () => {
    const labels = (options: Options): string[] => decodeRows(tfRecord, records, options).map(({ label }) => label);
    expect(labels(nothing)).toEqual(labels(RAW));
  });
});

describe('a broken file', () => {
  const file = framed('one', 'two', 'three');

  test('a record whose data is damaged is its row’s error, and reading goes on', () => {
    const damaged = Buffer.from(file);
    damaged[19 + 12] = 'X'.charCodeAt(0);
    const [batch] = decodeAll(tfRecord, damaged, RAW);
    expect(batch?.rowCount).toBe(3);
    expect(batch?.errors.get(1)).toMatchObject({ status: 'DATA_LOSS' });
    expect(batch?.errors.get(1)?.message).toMatch(
      /^instance: found the checksum 0x[0-9a-f]{8} at byte 15 of the record, expected 0x[0-9a-f]{8} for its 3 bytes of data: the record is damaged$/,
    );
    expect(strings(decodeRows(tfRecord, damaged, RAW))).toEqual(['one', undefined, 'three']);
  });

  test('a length that is damaged makes the rest of the file one error', () => {
    const damaged = Buffer.from(file);
    damaged[19] = 4;
    const rows = decodeRows(tfRecord, damaged, RAW);
    expect(rows).toHaveLength(2);
    expect(rows[1]?.error).toMatch(
      /^instance: found the checksum 0x[0-9a-f]{8} of a record's length, expected 0x[0-9a-f]{8}: no record can be found in the last 40 bytes of the file$/,
    );
  });

  test.each([
    {
      name: 'in a header',
      cut: 5,
      error:
        "instance: found the end of the file after 5 bytes of a record's header: no record can be found in the last 5 bytes of the file",
    },
    {
      name: 'in the data',
      cut: 14,
      error:
        'instance: found the end of the file after 14 bytes of a record of 19: no record can be found in the last 14 bytes of the file',
    },
    {
      name: 'in the checksum',
      cut: 18,
      error:
        'instance: found the end of the file after 18 bytes of a record of 19: no record can be found in the last 18 bytes of the file',
    },
  ])('a file that is cut $name ends with an error', ({ cut, error }) => {
    const rows = decodeRows(tfRecord, file.subarray(0, 19 + cut), RAW);
    expect(rows.map((row) => row.error)).toEqual([undefined, error]);
  });

  test('a length that no file has is an error, though its checksum is right', () => {
    const length = Buffer.alloc(8, 255);
    const huge = Buffer.concat([length, masked(length), Buffer.from('abc')]);
    expect(decodeRows(tfRecord, huge, RAW)[0]?.error).toContain(
      'found a record of 18446744073709551615 bytes, expected less than 2^53',
    );
    const declared = Buffer.from('0000000000001000', 'hex');
    expect(decodeRows(tfRecord, Buffer.concat([declared, masked(declared)]), RAW)[0]?.error).toContain(
      'found the end of the file after 12 bytes of a record of 4503599627370512',
    );
  });

  test('the label of a damaged record shows its first bytes, or no key', () => {
    const damaged = framed('x'.repeat(5000));
    damaged[20] = 0;
    const label = decodeRows(tfRecord, damaged, RAW)[0]?.label ?? '';
    expect(Buffer.from((JSON.parse(label) as { b64: string }).b64, 'base64')).toHaveLength(768);
    expect(decodeRows(tfRecord, damaged, { ...RAW, instanceConfig: { keyField: 'id' } })[0]?.label).toBe('null');
  });

  test('a record that is too long is an error', () => {
    const rows = decodeRows(tfRecord, framed('x'.repeat(100), 'y'), { ...RAW, maxRowBytes: 50 });
    expect(rows.map(({ error }) => error)).toEqual([
      'instance: found a record of more than 50 bytes, expected at most that',
      undefined,
    ]);
  });
});

describe('ranges', () => {
  const LIMITS = { maxItems: 3, maxBytes: 60, maxRowBytes: 80 };
  const record = fc.oneof(
    { weight: 6, arbitrary: fc.uint8Array({ maxLength: 20 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 70, maxLength: 90 }) },
  );
  /** A file; sometimes a byte of it is changed, or its end is cut. */
  const file = fc
    .tuple(
      fc.array(record, { maxLength: 12 }),
      fc.option(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))),
      fc.option(fc.nat(40)),
    )
    .map(([records, change, cut]) => {
      const whole = framed(...records);
      if (change !== null && whole.length > 0)
        whole[change[0] % whole.length] = (whole[change[0] % whole.length] ?? 0) ^ change[1];
      return whole.subarray(0, Math.max(0, whole.length - (cut ?? 0)));
    });

  function cutRange(content: Buffer, start: number, end: number, chunkSize: number): { cuts: Cut[]; end: number } {
    const cutter = new RangeCutter({ format: tfRecord, start, end, begin: 'exact', ...LIMITS });
    const cuts: Cut[] = [];
    for (let p = start; !cutter.done && p < content.length; p += chunkSize)
      cuts.push(...cutter.push(content.subarray(p, p + chunkSize)));
    cuts.push(...cutter.finish());
    return { cuts, end: cutter.end };
  }

  function cutAll(content: Buffer, rangeSize: number, chunkSize: number): Cut[] {
    const cuts: Cut[] = [];
    let next = 0;
    for (let start = 0; start < content.length; start += rangeSize) {
      const range = cutRange(content, next, Math.min(content.length, start + rangeSize), chunkSize);
      cuts.push(...range.cuts);
      next = range.end;
    }
    return cuts;
  }

  test('any range size and any chunk size give the rows of one reader, in order', () => {
    fc.assert(
      fc.property(
        file,
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 4 }),
        (content, rangeSize, chunkSize, maxRows) => {
          const cuts = cutAll(content, rangeSize, chunkSize);
          const whole = decodeRows(tfRecord, content, RAW);
          const rows = cuts.flatMap(({ start, end, rows: count, oversize }) => {
            expect(oversize).toBe(end - start > LIMITS.maxRowBytes);
            expect(count).toBeLessThanOrEqual(LIMITS.maxItems);
            const decoded = decodeRows(tfRecord, content.subarray(start, end), RAW, maxRows);
            expect(decoded).toHaveLength(count);
            return decoded;
          });
          expect(rows).toEqual(whole);
          expect(cutAll(content, rangeSize, 1)).toEqual(cuts);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describeFixtures('TFRecord files', () => {
  const read = (name: string): Buffer => {
    const content = readFileSync(join(FIXTURES, name));
    return name.endsWith('.gz') ? gunzipSync(content) : content;
  };

  test('of raw records', () => {
    expect(strings(decodeRows(tfRecord, read('tfrecord/rust/expected.tfrecord'), RAW))).toEqual([
      'The Quick Brown Fox',
    ]);
  });

  test.each([
    { name: 'tfrecord/tfx_mnist/mnist.tfrecord', rows: 1000 },
    { name: 'tfrecord/tfx_penguin/Split-train/data_tfrecord-00000-of-00001.gz', rows: 234 },
    { name: 'tfrecord/tfx_taxi_csv_example_gen_eval/data_tfrecord-00000-of-00012.gz', rows: 424 },
    { name: 'seeds/times_five/examples.tfrecord', rows: 100 },
    { name: 'seeds/images/images.tfrecord.gz', rows: 12 },
  ])('$name: every record is a tf.Example', ({ name, rows: count }) => {
    const rows = decodeRows(tfRecord, read(name), { signature: parsing, maxRowBytes: 1e7 }, 10_000);
    expect(rows).toHaveLength(count);
    for (const { error, inputs } of rows) {
      expect(error).toBeUndefined();
      expect(decodeExample(inputs?.['examples']?.data[0] as Uint8Array).size).toBeGreaterThan(0);
    }
  });

  test('features feed typed inputs', () => {
    const typed = signature(spec('x', 'float32', [null, 1]));
    const rows = decodeRows(tfRecord, read('seeds/times_five/examples.tfrecord'), { signature: typed }, 10_000);
    rows.forEach(({ inputs }, row) => {
      expect(inputs).toEqual({ x: { shape: [1], data: [row] } });
    });
  });
});
