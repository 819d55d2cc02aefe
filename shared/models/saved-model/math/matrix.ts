import { broadcastIndex, broadcastShape, sizeOf } from '../op-shape.ts';
import { floats, graphError, numberOf, numbersOf, type OpTensor } from '../op-tensor.ts';
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

/** Inputs: matrices, their new main diagonals. */
const setDiagonal: Op = ([input, diagonals, k]) => {
  if (k && numbersOf(k, 'k').some((d) => d !== 0))
    throw graphError('MatrixSetDiag of other than the main diagonal is not supported');
  const [values, given] = [numbersOf(input, 'input').slice(), numbersOf(diagonals, 'diagonal')];
  const [rows, columns] = [input?.shape.at(-2) ?? 0, input?.shape.at(-1) ?? 0];
  const length = Math.min(rows, columns);
  for (let i = 0; i < given.length; i++) {
    const at = i % length;
    values[(Math.floor(i / length) * rows + at) * columns + at] = given[i] ?? 0;
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

/** Of each square matrix: solved, or only its determinant told. */
function eliminate(matrix: Float64Array, size: number, right: Float64Array, columns: number): number {
  let determinant = 1;
  for (let c = 0; c < size; c++) {
    let pivot = c;
    for (let r = c + 1; r < size; r++)
      if (Math.abs(matrix[r * size + c] ?? 0) > Math.abs(matrix[pivot * size + c] ?? 0)) pivot = r;
    const value = matrix[pivot * size + c] ?? 0;
    if (value === 0) return 0;
    if (pivot !== c) {
      swapRows(matrix, size, pivot, c);
      swapRows(right, columns, pivot, c);
      determinant = -determinant;
    }
    determinant *= value;
    for (let r = 0; r < size; r++) {
      if (r === c) continue;
      const factor = (matrix[r * size + c] ?? 0) / value;
      if (factor === 0) continue;
      for (let i = c; i < size; i++)
        matrix[r * size + i] = (matrix[r * size + i] ?? 0) - factor * (matrix[c * size + i] ?? 0);
      for (let i = 0; i < columns; i++)
        right[r * columns + i] = (right[r * columns + i] ?? 0) - factor * (right[c * columns + i] ?? 0);
    }
  }
  for (let r = 0; r < size; r++)
    for (let i = 0; i < columns; i++)
      right[r * columns + i] = (right[r * columns + i] ?? 0) / (matrix[r * size + r] ?? 1);
  return determinant;
}

function swapRows(data: Float64Array, width: number, a: number, b: number): void {
  for (let i = 0; i < width; i++) {
    const value = data[a * width + i] ?? 0;
    data[a * width + i] = data[b * width + i] ?? 0;
    data[b * width + i] = value;
  }
}

/** Inputs: square matrices, and where there is one what they are solved for; without it, the inverse. */
const solve: Op = ([input, given], attrs) => {
  const values = numbersOf(input, 'matrix');
  const shape = input?.shape ?? [];
  const size = shape.at(-1) ?? 0;
  const columns = given?.shape.at(-1) ?? size;
  const batches = sizeOf(shape.slice(0, -2));
  const right = given && numbersOf(given, 'rhs');
  const out = new Float32Array(batches * size * columns);
  for (let batch = 0; batch < batches; batch++) {
    const matrix = Float64Array.from(values.subarray(batch * size * size, (batch + 1) * size * size));
    const side = right
      ? Float64Array.from(right.subarray(batch * size * columns, (batch + 1) * size * columns))
      : Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
    if (attrs.bool('adjoint', false)) transpose(matrix, size);
    if (eliminate(matrix, size, side, columns) === 0) throw graphError('Input matrix is not invertible.');
    out.set(side, batch * size * columns);
  }
  return [floats([...shape.slice(0, -1), columns], out)];
};

function transpose(matrix: Float64Array, size: number): void {
  const copy = matrix.slice();
  for (let i = 0; i < matrix.length; i++) matrix[i] = copy[(i % size) * size + Math.floor(i / size)] ?? 0;
}

const determinant: Op = ([input]) => {
  const values = numbersOf(input, 'input');
  const shape = input?.shape ?? [];
  const size = shape.at(-1) ?? 0;
  const batches = sizeOf(shape.slice(0, -2));
  const one = (batch: number): number => {
    const matrix = Float64Array.from(values.subarray(batch * size * size, (batch + 1) * size * size));
    return eliminate(matrix, size, new Float64Array(0), 0);
  };
  return [
    floats(
      shape.slice(0, -2),
      Float32Array.from({ length: batches }, (_, batch) => one(batch)),
    ),
  ];
};

/** The sign of the determinant, and the logarithm of its size. */
const logDeterminant: Op = ([input]) => {
  const values = numbersOf(input, 'input');
  const size = input?.shape.at(-1) ?? 0;
  const outer = input?.shape.slice(0, -2) ?? [];
  const all = Array.from({ length: sizeOf(outer) }, (_, batch) =>
    eliminate(
      Float64Array.from(values.subarray(batch * size * size, (batch + 1) * size * size)),
      size,
      new Float64Array(0),
      0,
    ),
  );
  const logs = all.map((value) => Math.log(Math.abs(value)));
  return [floats(outer, Float32Array.from(all, Math.sign)), floats(outer, Float32Array.from(logs))];
};

/** Inputs: triangular matrices, right-hand sides of the same batch. */
const solveTriangular: Op = ([matrices, sides], attrs) => {
  const [a, b] = [numbersOf(matrices, 'matrix'), numbersOf(sides, 'rhs')];
  const [size, columns] = [matrices?.shape.at(-1) ?? 0, sides?.shape.at(-1) ?? 0];
  const [outer, other] = [matrices?.shape.slice(0, -2) ?? [], sides?.shape.slice(0, -2) ?? []];
  const batch = broadcastShape(outer, other);
  const [placeA, placeB] = [broadcastIndex(outer, batch), broadcastIndex(other, batch)];
  const adjoint = attrs.bool('adjoint', false);
  const fromTop = attrs.bool('lower', true) !== adjoint;
  const out = new Float32Array(sizeOf(batch) * size * columns);
  for (let n = 0; n < sizeOf(batch); n++) {
    const at = (row: number, column: number): number =>
      a[placeA(n) * size * size + (adjoint ? column * size + row : row * size + column)] ?? 0;
    for (let c = 0; c < columns; c++) {
      const x = new Float64Array(size);
      for (let step = 0; step < size; step++) {
        const row = fromTop ? step : size - 1 - step;
        let sum = b[(placeB(n) * size + row) * columns + c] ?? 0;
        for (let done = 0; done < step; done++) {
          const column = fromTop ? done : size - 1 - done;
          sum -= at(row, column) * (x[column] ?? 0);
        }
        if (at(row, row) === 0) throw graphError('Input matrix is not invertible.');
        x[row] = sum / at(row, row);
        out[(n * size + row) * columns + c] = x[row] ?? 0;
      }
    }
  }
  return [floats([...batch, size, columns], out)];
};

const cholesky: Op = ([input]) => {
  const values = numbersOf(input, 'input');
  const size = input?.shape.at(-1) ?? 0;
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += size * size) {
    const lower = new Float64Array(size * size);
    for (let r = 0; r < size; r++) {
      for (let c = 0; c <= r; c++) {
        let sum = values[start + r * size + c] ?? 0;
        for (let i = 0; i < c; i++) sum -= (lower[r * size + i] ?? 0) * (lower[c * size + i] ?? 0);
        if (r === c && sum <= 0)
          throw graphError('Cholesky decomposition was not successful. The input might not be valid.');
        lower[r * size + c] = r === c ? Math.sqrt(sum) : sum / (lower[c * size + c] ?? 1);
      }
    }
    out.set(lower, start);
  }
  return [floats(input?.shape ?? [], out)];
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
  MatrixInverse: solve,
  MatrixSolve: solve,
  MatrixDeterminant: determinant,
  LogMatrixDeterminant: logDeterminant,
  MatrixTriangularSolve: solveTriangular,
  Cholesky: cholesky,
  Cross: cross,
};
