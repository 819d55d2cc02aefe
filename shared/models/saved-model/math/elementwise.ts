import { broadcastIndex, broadcastShape, sizeOf } from '../op-shape.ts';
import { numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { roundHalfEven } from './round.ts';
import { betainc, digamma, igamma, igammac, lgamma } from './special.ts';

/** Element by element, what TensorFlow.js has no kernel for. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/math_ops.cc */

type Unary = (x: number) => number;
type Binary = (x: number, y: number) => number;
type Place = (at: number) => number;

/** The result has the input's dtype and shape. */
function unary(f: Unary): Op {
  return ([input]) => {
    const values = numbersOf(input, 'x');
    return [like(input as OpTensor, (input as OpTensor).shape, mapped(values, f))];
  };
}

/** Shapes are broadcast as NumPy does. */
function binary(f: Binary): Op {
  return ([a, b]) => {
    const [x, y] = [numbersOf(a, 'x'), numbersOf(b, 'y')];
    const shape = broadcastShape(a?.shape ?? [], b?.shape ?? []);
    const count = sizeOf(shape);
    const [toX, toY] = [broadcastIndex(a?.shape ?? [], shape), broadcastIndex(b?.shape ?? [], shape)];
    const values = a?.dtype === 'float32' ? new Float32Array(count) : new Int32Array(count);
    for (let i = 0; i < count; i++) values[i] = f(x[toX(i)] ?? 0, y[toY(i)] ?? 0);
    return [like(a as OpTensor, shape, values)];
  };
}

export const elementwiseOps: Ops = {
  Erfc: unary(erfc),
  Erfinv: unary(erfinv),
  Lgamma: unary(lgamma),
  Digamma: unary(digamma),
  Igamma: binary(igamma),
  Igammac: binary(igammac),
  Ndtri: unary((p) => -Math.SQRT2 * erfcinv(2 * p)),
  Betainc: ([a, b, x]) => {
    const [as, bs, xs] = [numbersOf(a, 'a'), numbersOf(b, 'b'), numbersOf(x, 'x')];
    const shape = [a, b, x].map((tensor) => tensor?.shape ?? []).reduce(broadcastShape);
    const [toA, toB, toX] = [a, b, x].map((tensor) => broadcastIndex(tensor?.shape ?? [], shape)) as [
      Place,
      Place,
      Place,
    ];
    const at = (i: number): number => betainc(as[toA(i)] ?? 0, bs[toB(i)] ?? 0, xs[toX(i)] ?? 0);
    return [
      like(
        a as OpTensor,
        shape,
        Float32Array.from({ length: sizeOf(shape) }, (_, i) => at(i)),
      ),
    ];
  },
  Rint: unary(roundHalfEven),
  Softsign: unary((x) => x / (1 + Math.abs(x))),
  Inv: unary((x) => 1 / x),
  Invert: unary((x) => ~x),
  TruncateDiv: binary((x, y) => Math.trunc(x / y)),
  TruncateMod: binary((x, y) => x % y),
  BitwiseAnd: binary((x, y) => x & y),
  BitwiseOr: binary((x, y) => x | y),
  BitwiseXor: binary((x, y) => x ^ y),
  LeftShift: binary((x, y) => x << y),
  RightShift: binary((x, y) => x >> y),
  Xlogy: binary((x, y) => (x === 0 ? 0 : x * Math.log(y))),
  Xlog1py: binary((x, y) => (x === 0 ? 0 : x * Math.log1p(y))),
  Xdivy: binary((x, y) => (x === 0 ? 0 : x / y)),
  MulNoNan: binary((x, y) => (y === 0 ? 0 : x * y)),
  L2Loss: ([input]) => {
    let sum = 0;
    for (const value of numbersOf(input, 't')) sum += value * value;
    return [{ dtype: 'float32', shape: [], data: Float32Array.of(sum / 2) }];
  },
};

function mapped<T extends Float32Array | Int32Array | Uint8Array>(values: T, f: Unary): T {
  const result = values.slice() as T;
  for (let i = 0; i < result.length; i++) result[i] = f(result[i] ?? 0);
  return result;
}

function like({ dtype }: OpTensor, shape: readonly number[], values: Float32Array | Int32Array | Uint8Array): OpTensor {
  return { dtype, shape, data: values } as OpTensor;
}

const SERIES_TERMS = 80;
const FRACTION_TERMS = 200;
/** Where the series and the continued fraction are both exact. */
const SWITCH = 2;

/** Abramowitz and Stegun 7.1.6 and 7.1.14: exact to double precision, so that the float32 result is. */
function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < 0) return 2 - erfc(-x);
  if (x > 27) return 0;
  if (x < SWITCH) {
    let term = x;
    let sum = x;
    for (let n = 1; n < SERIES_TERMS; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = 0;
  for (let n = FRACTION_TERMS; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

/** By bisection where erf is too near to 1 to tell. */
function erfcinv(y: number): number {
  if (y > 0.1 || !(y > 0)) return y > 1 ? -erfcinv(2 - y) : erfinv(1 - y);
  let [low, high] = [0, 27];
  for (let n = 0; n < 60; n++) {
    const middle = (low + high) / 2;
    if (erfc(middle) > y) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Newton's method on erf, from Winitzki's approximation. */
function erfinv(y: number): number {
  if (Math.abs(y) >= 1) return Math.abs(y) === 1 ? y * Infinity : NaN;
  const a = 0.147;
  const log = Math.log(1 - y * y);
  const half = 2 / (Math.PI * a) + log / 2;
  let x = Math.sign(y) * Math.sqrt(Math.sqrt(half * half - log / a) - half);
  for (let n = 0; n < 4; n++) x -= (1 - erfc(x) - y) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-x * x));
  return x;
}
