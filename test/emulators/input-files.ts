import { parquetWriteBuffer } from 'hyparquet-writer';

import { bytesOf, npyFile, zipFile } from '../shared/formats/array-files.ts';
import { bytes, example, floats, framed } from '../shared/formats/tf-records.ts';

/** An array of four float32 a row, in C order: its splits are ranges. */
export function npyRows(rows: number): Buffer {
  return npyFile('<f4', [rows, 4], bytesOf(Float32Array.from({ length: rows * 4 }, (_, at) => (at % 401) / 8 - 20)));
}

/** An array `x` of four float32 a row, stored, beside an array `key`, deflated. */
export function npzRows(rows: number): Buffer {
  const keys = BigInt64Array.from({ length: rows }, (_, row) => 9_007_199_254_740_993n + BigInt(row));
  return zipFile([
    { name: 'x.npy', content: npyRows(rows) },
    { name: 'key.npy', content: npyFile('<i8', [rows], bytesOf(keys)), deflate: true },
  ]);
}

/** Columns `a` to `d` and an int64 `key` beyond 2^53, in row groups. */
export function parquetRows(rows: number, rowGroupSize: number): Buffer {
  const column = (name: string, offset: number) =>
    ({ name, type: 'DOUBLE', data: Array.from({ length: rows }, (_, row) => (row % 97) / 4 - offset) }) as const;
  const key = Array.from({ length: rows }, (_, row) => 9_007_199_254_740_993n + BigInt(row));
  const columnData = [column('a', 0), column('b', 1), { name: 'key', type: 'INT64', data: key } as const];
  return Buffer.from(parquetWriteBuffer({ columnData: [...columnData, column('c', 2), column('d', 3)], rowGroupSize }));
}

/** tf.Examples with `x` and a `key`, framed. */
export function exampleRecords(rows: number): Buffer {
  return framed(
    ...Array.from({ length: rows }, (_, row) => example({ x: floats(row / 8), key: bytes(`row ${row}, naïve`) })),
  );
}
