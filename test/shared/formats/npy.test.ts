import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { PermanentError } from '../../../shared/errors.ts';
import { checkNpySize, readNpyHeader } from '../../../shared/formats/npy/npy-header.ts';
import { npy } from '../../../shared/formats/npy/npy.ts';
import { RangeCutter } from '../../../shared/formats/range-cutter.ts';
import type { Cut } from '../../../shared/formats/range-cutter.ts';
import { countSplits, splitAt } from '../../../shared/split-plan.ts';
import type { Input } from '../../../shared/shard.ts';
import type { DType } from '../../../shared/tensor.ts';
import { describeFixtures, FIXTURES } from '../models/model-files.ts';
import { bytesOf, npyFile } from './array-files.ts';
import type { PlainRow } from './helpers.ts';
import { decodeRows, signature, spec } from './helpers.ts';
import { tableLines } from './table-rows.ts';

const FLOATS = Float32Array.of(1, -2.5, 0.1, NaN, Infinity, 3e38);

function rowsOf(file: Uint8Array, dtype: DType = 'string', config = {}): PlainRow[] {
  const { length, layout } = npy.readHeader(file, true);
  const options = { signature: signature(spec('x', dtype, null)), instanceConfig: config };
  return decodeRows('npy', file.subarray(length), { ...options, ...(layout && { layout }) });
}

function labelsOf(file: Uint8Array): string[] {
  return rowsOf(file).map(({ label }) => label);
}

describe('an npy header', () => {
  it.each([
    { name: 'version 1', file: npyFile('<f4', [6], bytesOf(FLOATS)), shape: [6] },
    { name: 'version 2', file: npyFile('<f4', [3, 2], bytesOf(FLOATS), { version: 2 }), shape: [3, 2] },
    { name: 'version 3', file: npyFile('<f4', [3, 1, 2], bytesOf(FLOATS), { version: 3 }), shape: [3, 1, 2] },
    {
      name: 'Python 2 long integers and other spacing',
      file: npyFile('', [], bytesOf(FLOATS), {
        header: `{"shape":(3L,2L),'fortran_order':False , "descr" : "<f4"}`,
      }),
      shape: [3, 2],
    },
  ])('is read: $name', ({ file, shape }) => {
    const header = readNpyHeader(file);
    expect(header).toMatchObject({ element: '<f4', shape, columnMajor: false, length: file.length - 24 });
    expect(header.layout).toEqual({
      element: '<f4',
      shape: shape.slice(1),
      bytes: 24 / (shape[0] ?? 0),
      rows: shape[0],
    });
  });

  const dict = (text: string): Buffer => npyFile('', [], Buffer.alloc(0), { header: text });
  it.each([
    { name: 'no npy', file: Buffer.from('{"x":1}\n'), expected: 'found other first bytes than \\x93NUMPY' },
    { name: 'nothing', file: Buffer.alloc(0), expected: 'found other first bytes' },
    {
      name: 'a later version',
      file: npyFile('<f4', [0], Buffer.alloc(0), { version: 4 }),
      expected: 'found format version 4',
    },
    {
      name: 'cut off',
      file: npyFile('<f4', [6], Buffer.alloc(0)).subarray(0, 40),
      expected: 'found its end within the header',
    },
    {
      name: 'cut off early',
      file: npyFile('<f4', [6], Buffer.alloc(0)).subarray(0, 9),
      expected: 'found its end within the header',
    },
    {
      name: 'a huge header',
      file: Buffer.concat([Buffer.from('\x93NUMPY\x02\0\xff\xff\xff\xff', 'latin1'), Buffer.alloc(100)]),
      expected: 'found a header of 4294967307 bytes',
    },
    { name: 'no rows', file: npyFile('<f4', [], Buffer.alloc(4)), expected: 'found an array of no dimensions' },
    { name: 'rows of nothing', file: npyFile('<f4', [3, 0], Buffer.alloc(0)), expected: 'found rows of no bytes' },
    {
      name: 'an overflow',
      file: npyFile('<f8', [9007199254740991, 99], Buffer.alloc(0)),
      expected: 'no file holds that',
    },
    { name: 'a negative size', file: npyFile('<f4', [-1], Buffer.alloc(0)), expected: 'expected a dimension' },
    { name: 'a call', file: dict("{'descr': __import__('os'), }"), expected: 'expected a string' },
    { name: 'a key twice', file: dict("{'descr': '<f4', 'descr': '<f8'}"), expected: 'found the key "descr"' },
    { name: 'another key', file: dict("{'descr': '<f4', 'x': 1}"), expected: 'found the key "x"' },
    {
      name: 'no shape',
      file: dict("{'descr': '<f4', 'fortran_order': False}"),
      expected: 'without descr, fortran_order or shape',
    },
    {
      name: 'more behind it',
      file: dict("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + {}"),
      expected: 'expected the end of the header',
    },
    { name: 'an escape', file: dict("{'descr': '\\x3cf4'}"), expected: 'expected a string' },
    { name: 'no type', file: npyFile('<q9', [1], Buffer.alloc(0)), expected: 'which is no type of NumPy' },
    {
      name: 'objects',
      file: npyFile('|O', [1], Buffer.alloc(0)),
      expected: 'Python objects (pickled), which are never loaded',
    },
    {
      name: 'structures',
      file: dict("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}"),
      expected: 'the elements are structured',
    },
    { name: 'complex numbers', file: npyFile('<c16', [1], Buffer.alloc(0)), expected: 'complex numbers ("<c16")' },
    { name: 'dates', file: npyFile('<M8[ns]', [1], Buffer.alloc(0)), expected: 'dates (datetime64)' },
    { name: 'long doubles', file: npyFile('<f16', [1], Buffer.alloc(0)), expected: 'floats of this width' },
  ])('is refused by name: $name', ({ file, expected }) => {
    expect(() => readNpyHeader(file)).toThrow(PermanentError);
    expect(() => readNpyHeader(file)).toThrow(expected);
  });

  it('says whether the file is as long as it should be', () => {
    const file = npyFile('<f4', [6], bytesOf(FLOATS));
    const header = readNpyHeader(file);
    checkNpySize(header, file.length);
    expect(() => {
      checkNpySize(header, file.length - 1);
    }).toThrow('the file is cut off');
    expect(() => {
      checkNpySize(header, file.length + 1);
    }).toThrow('something else follows the array');
  });
});

describe('the rows of an npy array', () => {
  const swapped = (data: ArrayBufferView, width: 2 | 4 | 8): Buffer => {
    const copy = Buffer.from(bytesOf(data));
    return width === 2 ? copy.swap16() : width === 4 ? copy.swap32() : copy.swap64();
  };
  const wide = (text: string, width: number): Buffer =>
    Buffer.concat(
      Array.from({ length: width }, (_, at) => {
        const unit = Buffer.alloc(4);
        unit.writeUInt32LE(Array.from(text)[at]?.codePointAt(0) ?? 0);
        return unit;
      }),
    );

  it.each([
    { descr: '|b1', shape: [3], data: Buffer.of(0, 1, 255), expected: ['false', 'true', 'true'] },
    { descr: '|i1', shape: [2], data: Buffer.of(0x80, 0x7f), expected: ['-128', '127'] },
    { descr: '|u1', shape: [2, 2], data: Buffer.of(0, 255, 1, 2), expected: ['[0,255]', '[1,2]'] },
    { descr: '<i2', shape: [2], data: bytesOf(Int16Array.of(-32768, 7)), expected: ['-32768', '7'] },
    { descr: '>i2', shape: [2], data: swapped(Int16Array.of(-32768, 7), 2), expected: ['-32768', '7'] },
    { descr: '>u4', shape: [1], data: swapped(Uint32Array.of(4294967295), 4), expected: ['4294967295'] },
    {
      descr: '<i8',
      shape: [2],
      data: bytesOf(BigInt64Array.of(9223372036854775807n, -1n)),
      expected: ['9223372036854775807', '-1'],
    },
    {
      descr: '>u8',
      shape: [1],
      data: swapped(BigUint64Array.of(18446744073709551615n), 8),
      expected: ['18446744073709551615'],
    },
    { descr: '<f2', shape: [2], data: bytesOf(Float16Array.of(0.1, NaN)), expected: ['0.099975586', '"NaN"'] },
    { descr: '>f2', shape: [1], data: swapped(Float16Array.of(0.1), 2), expected: ['0.099975586'] },
    { descr: '<f4', shape: [2, 3], data: bytesOf(FLOATS), expected: ['[1,-2.5,0.1]', '["NaN","Infinity",3e+38]'] },
    {
      descr: '>f4',
      shape: [1, 1, 2],
      data: swapped(Float32Array.of(0.1, -Infinity), 4),
      expected: ['[[0.1,"-Infinity"]]'],
    },
    { descr: '>f8', shape: [1], data: swapped(Float64Array.of(0.1), 8), expected: ['0.1'] },
    {
      descr: '|S3',
      shape: [3],
      data: Buffer.from('ab\0\0\0\0\xff\0z', 'latin1'),
      expected: ['"ab"', '""', '{"b64":"/wB6"}'],
    },
    {
      descr: '<U2',
      shape: [2, 1],
      data: Buffer.concat([wide('é😀', 2), wide('z', 2)]),
      expected: ['["é😀"]', '["z"]'],
    },
    { descr: '>U2', shape: [1], data: swapped(Uint32Array.of(104, 105), 4), expected: ['"hi"'] },
  ])('of type $descr are written as they would be in JSON', ({ descr, shape, data, expected }) => {
    expect(labelsOf(npyFile(descr, shape, data))).toEqual(expected);
  });

  it('are an error where a character is none', () => {
    const file = npyFile('<U1', [2], bytesOf(Uint32Array.of(0x110000, 97)));
    expect(rowsOf(file)).toEqual([
      { label: 'null', error: 'instance: found the character 0x110000, expected a Unicode character' },
      { label: '"a"', inputs: { x: { shape: [], data: ['a'] } } },
    ]);
  });

  it('reach the model as they would from JSON lines, whatever the input takes', () => {
    const types = ['float32', 'float64', 'int32', 'uint8', 'bool', 'string'] as const;
    const shapes = [null, [null], [null, 2], [null, null], [null, 3]] as const;
    fc.assert(
      fc.property(
        fc.array(fc.float({ noDefaultInfinity: false }), { minLength: 2, maxLength: 20 }),
        fc.constantFrom(...types),
        fc.constantFrom(...shapes),
        fc.record({ rowKeys: fc.boolean() }),
        fc.integer({ min: 1, max: 7 }),
        (values, dtype, shape, instanceConfig, maxRows) => {
          const rows = Math.floor(values.length / 2);
          const file = npyFile('<f4', [rows, 2], bytesOf(Float32Array.from(values.slice(0, 2 * rows))));
          const { length, layout } = readNpyHeader(file);
          const options = {
            signature: signature(spec('x', dtype, shape === null ? null : [...shape])),
            instanceConfig,
          };
          const direct = decodeRows('npy', file.subarray(length), { ...options, layout }, maxRows);
          const lines = labelsOf(file).join('\n');
          expect(direct).toEqual(decodeRows('jsonl', lines, options, maxRows));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are cut at any split size into the same rows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 5 }),
        (rows, width, splitBytes, maxItems) => {
          const data = Uint8Array.from({ length: rows * width }, (_, index) => index % 251);
          const file = npyFile('|u1', [rows, width], data);
          const { length, layout } = readNpyHeader(file);
          const cuts: Cut[] = [];
          let at = length;
          for (const { start, end } of splitsOf(file.length, length, layout, splitBytes)) {
            expect(start).toBe(at);
            at = end;
            const cutter = new RangeCutter({
              ...{ format: npy, layout, start, end, begin: 'exact', maxItems, maxBytes: 30, maxRowBytes: 1000 },
            });
            cuts.push(...cutter.push(file.subarray(start, end)), ...cutter.finish());
          }
          expect(at).toBe(Math.max(length, file.length));
          expect(cuts.map((cut) => cut.end - cut.start)).toEqual(cuts.map((cut) => cut.rows * width));
          const options = { signature: signature(spec('x', 'uint8', [null, width])), layout };
          const all = cuts.flatMap(({ start, end }) => decodeRows('npy', file.subarray(start, end), options));
          expect(all.map(({ label }) => label)).toEqual(labelsOf(file));
        },
      ),
    );
  });
});

function splitsOf(size: number, headerBytes: number, layout: NonNullable<Input['layout']>, splitBytes: number) {
  const input: Input = {
    ...{ bucket: 'b', name: 'a.npy', generation: '1', size, format: 'npy', compression: 'none', headerBytes, layout },
  };
  const count = countSplits([input], splitBytes);
  return Array.from({ length: count }, (_, index) => splitAt({ inputs: [input], splitBytes }, index));
}

describe('an npy array in Fortran order', () => {
  it('gives the rows that it gives in C order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('<i4', '|u1', '<U1'),
        async (shape, descr) => {
          const count = shape.reduce((product, size) => product * size, 1);
          const width = descr === '|u1' ? 1 : 4;
          const order = fortranOrder(shape);
          const data = Buffer.alloc(count * width);
          const scattered = Buffer.alloc(count * width);
          for (let index = 0; index < count; index++) {
            data[index * width] = 65 + (index % 60);
            scattered[(order[index] ?? 0) * width] = 65 + (index % 60);
          }
          const file = npyFile(descr, shape, scattered, { fortran: true });
          const lines = (await tableLines('npy', file)).flat();
          expect(lines).toEqual(labelsOf(npyFile(descr, shape, data)));
        },
      ),
    );
  });

  it('is the same in both orders where only one axis is longer than 1', () => {
    const file = npyFile('<f4', [1, 6, 1], bytesOf(FLOATS), { fortran: true });
    expect(readNpyHeader(file).columnMajor).toBe(false);
    expect(readNpyHeader(npyFile('<f4', [2, 3], bytesOf(FLOATS), { fortran: true })).columnMajor).toBe(true);
  });
});

/** Of each element in C order, its place in Fortran order. */
function fortranOrder(shape: readonly number[]): number[] {
  const count = shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, index) => {
    let rest = index;
    const places = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      places[axis] = rest % (shape[axis] ?? 1);
      rest = Math.floor(rest / (shape[axis] ?? 1));
    }
    let [place, stride] = [0, 1];
    shape.forEach((size, axis) => {
      place += (places[axis] ?? 0) * stride;
      stride *= size;
    });
    return place;
  });
}

describeFixtures('npy files that NumPy and others wrote', () => {
  it.each([
    { name: 'djl/fp32', element: '<f4' },
    { name: 'djl/fp16', element: '<f2' },
    { name: 'djl/int8', element: '|i1' },
    { name: 'djl/uint8', element: '|u1' },
    { name: 'djl/boolean', element: '|b1' },
    { name: 'djl/2d', element: '<i4' },
    { name: 'scisharp/nb_example', element: '<f8' },
  ])('are read: $name', ({ name, element }) => {
    const file = readFileSync(join(FIXTURES, 'npy', `${name}.npy`));
    const header = readNpyHeader(file);
    checkNpySize(header, file.length);
    expect(header.element.slice(1)).toBe(element.slice(1));
    expect(rowsOf(file)).toHaveLength(header.layout.rows);
  });

  it('are refused where they have no rows', () => {
    expect(() => readNpyHeader(readFileSync(join(FIXTURES, 'npy/djl/0d.npy')))).toThrow('no dimensions');
  });
});
