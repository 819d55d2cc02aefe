import { sizeOf } from '../op-shape.ts';
import { floats, numberOf, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';

/** Matrices in batches. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/linalg_ops.cc and array_ops.cc */

/** Inputs: diagonals, which (k, or a range of them), rows and columns (−1: as few as it takes), what stands elsewhere. */
const diagonal: Op = ([input, k, rowCount, columnCount, padding], attrs) => {
  const values = numbersOf(input, 'diagonal');
  const shape = input?.shape ?? [];
  const [low = 0, high = low] = k === undefined ? [0] : Array.from(numbersOf(k, 'k'));
  const many = high - low + 1;
  const longest = shape.at(-1) ?? 0;
  const outer = shape.slice(0, many > 1 ? -2 : -1);
  let [rows, columns] = [
    rowCount ? numberOf(rowCount, 'num_rows') : -1,
    columnCount ? numberOf(columnCount, 'num_cols') : -1,
  ];
  const [leastRows, leastColumns] = [longest - Math.min(high, 0), longest + Math.max(low, 0)];
  if (rows < 0 && columns < 0) rows = columns = Math.max(leastRows, leastColumns);
  if (rows < 0) rows = leastRows;
  if (columns < 0) columns = leastColumns;
  const align = attrs.text('align', 'RIGHT_LEFT');
  const out = new Float32Array(sizeOf(outer) * rows * columns).fill(padding ? numberOf(padding, 'padding_value') : 0);
  for (let batch = 0; batch < sizeOf(outer); batch++) {
    for (let d = low; d <= high; d++) {
      const length = Math.min(rows + Math.min(d, 0), columns - Math.max(d, 0));
      const start = (batch * many + (high - d)) * longest + offset(align, d, longest - length);
      for (let i = 0; i < length; i++) {
        const [row, column] = [i - Math.min(d, 0), i + Math.max(d, 0)];
        out[(batch * rows + row) * columns + column] = values[start + i] ?? 0;
      }
    }
  }
  return [sameType(input, [...outer, rows, columns], out)];
};

/** Where a diagonal that is shorter than the longest one begins in its row. */
function offset(align: string, d: number, missing: number): number {
  const [superdiagonal, subdiagonal] = align.split('_');
  return (d >= 0 ? superdiagonal : subdiagonal) === 'RIGHT' ? missing : 0;
}

/** Inputs: matrices, which diagonals, what fills the shorter ones. */
const diagonalPart: Op = ([input, k, padding], attrs) => {
  const values = numbersOf(input, 'input');
  const shape = input?.shape ?? [];
  const [rows, columns] = [shape.at(-2) ?? 0, shape.at(-1) ?? 0];
  const [low = 0, high = low] = k === undefined ? [0] : Array.from(numbersOf(k, 'k'));
  const many = high - low + 1;
  const outer = shape.slice(0, -2);
  const longest = Math.min(rows + Math.min(high, 0), columns - Math.max(low, 0));
  const align = attrs.text('align', 'RIGHT_LEFT');
  const out = new Float32Array(sizeOf(outer) * many * longest).fill(padding ? numberOf(padding, 'padding_value') : 0);
  for (let batch = 0; batch < sizeOf(outer); batch++) {
    for (let d = low; d <= high; d++) {
      const length = Math.min(rows + Math.min(d, 0), columns - Math.max(d, 0));
      const start = (batch * many + (high - d)) * longest + offset(align, d, longest - length);
      for (let i = 0; i < length; i++) {
        out[start + i] = values[(batch * rows + i - Math.min(d, 0)) * columns + i + Math.max(d, 0)] ?? 0;
      }
    }
  }
  return [sameType(input, [...outer, ...(many > 1 ? [many] : []), longest], out)];
};

/** Inputs: matrices, their new diagonals, which (k, or a range of them; without it the main one). */
const setDiagonal: Op = ([input, diagonals, k], attrs) => {
  const [values, given] = [numbersOf(input, 'input').slice(), numbersOf(diagonals, 'diagonal')];
  const [rows, columns] = [input?.shape.at(-2) ?? 0, input?.shape.at(-1) ?? 0];
  const [low = 0, high = low] = k === undefined ? [0] : Array.from(numbersOf(k, 'k'));
  const many = high - low + 1;
  const longest = diagonals?.shape.at(-1) ?? 0;
  const align = attrs.text('align', 'RIGHT_LEFT');
  for (let batch = 0; batch < sizeOf(input?.shape.slice(0, -2) ?? []); batch++) {
    for (let d = low; d <= high; d++) {
      const length = Math.min(rows + Math.min(d, 0), columns - Math.max(d, 0));
      const start = (batch * many + (high - d)) * longest + offset(align, d, longest - length);
      for (let i = 0; i < length; i++) {
        values[(batch * rows + i - Math.min(d, 0)) * columns + i + Math.max(d, 0)] = given[start + i] ?? 0;
      }
    }
  }
  return [{ ...input, data: values } as OpTensor];
};

/** Inputs: matrices, how many diagonals to keep below the main one and above it; negative: all. */
const bandPart: Op = ([input, lower, upper]) => {
  const values = numbersOf(input, 'input').slice();
  const [rows, columns] = [input?.shape.at(-2) ?? 0, input?.shape.at(-1) ?? 0];
  const [below, above] = [numberOf(lower, 'num_lower'), numberOf(upper, 'num_upper')];
  for (let i = 0; i < values.length; i++) {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    if ((below >= 0 && row - column > below) || (above >= 0 && column - row > above)) values[i] = 0;
  }
  return [{ ...input, data: values } as OpTensor];
};

const cross: Op = ([a, b]) => {
  const [x, y] = [numbersOf(a, 'a'), numbersOf(b, 'b')];
  const out = Float32Array.from({ length: x.length }, (_, i) => {
    const start = i - (i % 3);
    const [p, q] = [start + ((i + 1 - start) % 3), start + ((i + 2 - start) % 3)];
    return (x[p] ?? 0) * (y[q] ?? 0) - (x[q] ?? 0) * (y[p] ?? 0);
  });
  return [sameType(a, a?.shape ?? [], out)];
};

function sameType(input: OpTensor | undefined, shape: readonly number[], values: Float32Array): OpTensor {
  if (input?.dtype === 'int32') return { dtype: 'int32', shape, data: Int32Array.from(values) };
  if (input?.dtype === 'bool') return { dtype: 'bool', shape, data: Uint8Array.from(values) };
  return floats(shape, values);
}

export const matrixOps: Ops = {
  MatrixBandPart: bandPart,
  MatrixDiag: diagonal,
  MatrixDiagV2: diagonal,
  MatrixDiagV3: diagonal,
  MatrixDiagPart: diagonalPart,
  MatrixDiagPartV2: diagonalPart,
  MatrixDiagPartV3: diagonalPart,
  MatrixSetDiag: setDiagonal,
  MatrixSetDiagV2: setDiagonal,
  MatrixSetDiagV3: setDiagonal,
  Cross: cross,
};
