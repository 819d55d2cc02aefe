import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { PermanentError } from '../../../shared/errors.ts';
import { describeFixtures, FIXTURES } from '../models/model-files.ts';
import { bytesOf, npyFile, zipFile } from './array-files.ts';
import type { ZipFileEntry } from './array-files.ts';
import { tableLines } from './table-rows.ts';

const x = npyFile('<f4', [3, 2], bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)));
const xFortran = npyFile('<f4', [3, 2], bytesOf(Float32Array.of(1, 3, 5, 2, 4, 6)), { fortran: true });
const key = npyFile('<i8', [3], bytesOf(BigInt64Array.of(9007199254740993n, 2n, 3n)));

describe('npz', () => {
  it.each([
    { name: 'stored', deflate: false, array: x },
    { name: 'deflated', deflate: true, array: x },
    { name: 'stored, in Fortran order', deflate: false, array: xFortran },
    { name: 'deflated, in Fortran order', deflate: true, array: xFortran },
  ])('gives an object with a field by each array: $name', async ({ deflate, array }) => {
    const file = zipFile([
      { name: 'x.npy', content: array, deflate },
      { name: 'k "1".npy', content: key, deflate },
    ]);
    expect(await tableLines('npz', file)).toEqual([
      ['{"x":[1,2],"k \\"1\\"":9007199254740993}', '{"x":[3,4],"k \\"1\\"":2}', '{"x":[5,6],"k \\"1\\"":3}'],
    ]);
  });

  it('gives the bare values of one array without a name', async () => {
    expect(await tableLines('npz', zipFile([{ name: 'arr_0.npy', content: x }]))).toEqual([
      ['[1,2]', '[3,4]', '[5,6]'],
    ]);
    expect(await tableLines('npz', zipFile([{ name: 'y.npy', content: key }]))).toMatchObject([
      ['{"y":9007199254740993}', '{"y":2}', '{"y":3}'],
    ]);
  });

  it('has no unit where its arrays have no rows', async () => {
    expect(
      await tableLines('npz', zipFile([{ name: 'x.npy', content: npyFile('<f4', [0, 2], Buffer.alloc(0)) }])),
    ).toEqual([]);
  });

  it('reads large stored arrays by ranges of rows, and gives each row once', async () => {
    const rows = 9000;
    const wide = Float32Array.from({ length: rows * 2000 }, (_, index) => index % 7);
    const content = npyFile('<f4', [rows, 2000], bytesOf(wide));
    const small = npyFile('<i4', [rows], bytesOf(Int32Array.from({ length: rows }, (_, row) => row)));
    const file = zipFile([
      { name: 'w.npy', content },
      { name: 'r.npy', content: small },
    ]);
    const units = await tableLines('npz', file);
    expect(units).toHaveLength(2);
    const numbers = units.flat().map((line) => Number(/"r":(\d+)}$/.exec(line)?.[1]));
    expect(numbers).toEqual(Array.from({ length: rows }, (_, row) => row));
  });
});

describe('a hostile or broken npz', () => {
  const array = (change: Partial<ZipFileEntry>): ZipFileEntry => ({ name: 'x.npy', content: x, ...change });
  it.each([
    { name: 'no zip', file: Buffer.from('{"x":1}\n'.repeat(10)), expected: /npz: .*(signature|zip)/i },
    { name: 'nothing in it', file: zipFile([]), expected: 'it holds no array' },
    {
      name: 'other files',
      file: zipFile([array({ name: 'readme.md' })]),
      expected: 'it holds "readme.md", which is no .npy file',
    },
    {
      name: 'a name that leads out',
      file: zipFile([array({ name: '../x.npy' })]),
      expected: 'npz: invalid relative path: ../x.npy',
    },
    {
      name: 'an absolute name',
      file: zipFile([array({ name: '/etc/x.npy' })]),
      expected: 'npz: absolute path: /etc/x.npy',
    },
    { name: 'a name twice', file: zipFile([array({}), array({})]), expected: 'it holds "x.npy" twice' },
    {
      name: 'encrypted',
      file: zipFile([array({ deflate: true, declared: { flags: 1 } })]),
      expected: '"x.npy" is encrypted',
    },
    { name: 'another method', file: zipFile([array({ declared: { method: 12 } })]), expected: 'packed by method 12' },
    {
      name: 'arrays of other lengths',
      file: zipFile([array({}), array({ name: 'y.npy', content: npyFile('<i4', [1], Buffer.alloc(4)) })]),
      expected: 'the arrays "x" and "y" have 3 and 1 rows',
    },
    {
      name: 'pickled objects',
      file: zipFile([array({ content: npyFile('|O', [1], Buffer.alloc(8)) })]),
      expected: '"x.npy": npy: the elements are Python objects',
    },
    {
      name: 'an array that is cut off',
      file: zipFile([array({ content: x.subarray(0, -1) })]),
      expected: 'array "x": npy: found 151 bytes',
    },
    {
      name: 'a rough declaration of little',
      file: zipFile([array({ deflate: true, declared: { size: 30 } })]),
      expected: '"x.npy": it unpacks to more than the 30 bytes',
    },
    {
      name: 'a declaration of much',
      file: zipFile([array({ deflate: true, declared: { size: 4_000_000_000 } })]),
      expected: /"x.npy"|array "x"/,
    },
    {
      name: 'a wrong checksum',
      file: zipFile([array({ deflate: true, declared: { crc32: 1 } })]),
      expected: 'the checksum (CRC-32) is wrong',
    },
    {
      name: 'a row that is no row',
      file: zipFile([array({ deflate: true, content: npyFile('|u1', [1, 70_000_000], Buffer.alloc(70_000_000)) })]),
      expected: 'rows of 70000000 bytes, at most 67108864',
    },
  ])('is refused: $name', async ({ file, expected }) => {
    const rows = tableLines('npz', file);
    await expect(rows).rejects.toBeInstanceOf(PermanentError);
    await expect(rows).rejects.toThrow(expected);
  });

  it('is refused or read, wherever a byte is changed or it is cut', async () => {
    const file = zipFile([array({ deflate: true }), { name: 'k.npy', content: key }]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: file.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, by, cut) => {
          const broken = Buffer.from(cut ? file.subarray(0, at) : file);
          if (!cut) broken[at] = (broken[at] ?? 0) ^ by;
          const error = await tableLines('npz', broken).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          if (error !== undefined) expect(error).toBeInstanceOf(PermanentError);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describeFixtures('npz files of models', () => {
  it('are read: io.npz', async () => {
    const file = readFileSync(join(FIXTURES, 'onnx/tract_lgbm_regressor_tensor/io.npz'));
    const lines = (await tableLines('npz', file)).flat();
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(Object.keys(JSON.parse(line) as object).length).toBeGreaterThan(1);
  });
});
