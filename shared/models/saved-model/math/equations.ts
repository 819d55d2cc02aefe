import { broadcastIndex, broadcastShape, sizeOf } from '../op-shape.ts';
import { floats, graphError, numbersOf } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';

/** Equations of matrices, in double precision. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/linalg_ops.cc */

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

export const equationOps: Ops = {
  MatrixInverse: solve,
  MatrixSolve: solve,
  MatrixDeterminant: determinant,
  LogMatrixDeterminant: logDeterminant,
  MatrixTriangularSolve: solveTriangular,
  Cholesky: cholesky,
};
