/** Functions of statistics, in double precision. */

const EPSILON = 1e-16;
const TERMS = 1_000;

/** Lanczos' coefficients for g = 7, n = 9. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

export function lgamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return Infinity;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - lgamma(1 - x);
  const t = x - 1 + 7.5;
  const [first, ...rest] = LANCZOS;
  let sum: number = first;
  rest.forEach((coefficient, i) => (sum += coefficient / (x + i)));
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** By recurrence up to where the asymptotic series is exact. Abramowitz and Stegun 6.3.5, 6.3.7, 6.3.18. */
export function digamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return x === 0 ? -Infinity : NaN;
  if (x < 0) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let [at, sum] = [x, 0];
  for (; at < 10; at++) sum -= 1 / at;
  const inverse = 1 / (at * at);
  const series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse / 132))));
  return sum + Math.log(at) - 0.5 / at - series;
}

/** The regularized lower incomplete gamma function P(a, x): the series, or the fraction of Q. Numerical Recipes, 6.2. */
export function igamma(a: number, x: number): number {
  if (!(a > 0) || !(x >= 0)) return NaN;
  if (x === 0) return 0;
  return x < a + 1 ? lowerSeries(a, x) : 1 - upperFraction(a, x);
}

export function igammac(a: number, x: number): number {
  if (!(a > 0) || !(x >= 0)) return NaN;
  if (x === 0) return 1;
  return x < a + 1 ? 1 - lowerSeries(a, x) : upperFraction(a, x);
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < TERMS && Math.abs(term) > Math.abs(sum) * EPSILON; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * Math.exp(-x + a * Math.log(x) - lgamma(a));
}

function upperFraction(a: number, x: number): number {
  const fraction = lentz(x + 1 - a, (n) => [-n * (n - a), x + 2 * n + 1 - a]);
  return fraction === Infinity ? 0 : Math.exp(-x + a * Math.log(x) - lgamma(a)) / fraction;
}

/** The regularized incomplete beta function. Numerical Recipes, 6.4. */
export function betainc(a: number, b: number, x: number): number {
  if (!(a > 0) || !(b > 0) || !(x >= 0) || x > 1) return NaN;
  if (x === 0 || x === 1) return x;
  if (x > (a + 1) / (a + b + 2)) return 1 - betainc(b, a, 1 - x);
  const front = Math.exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  return (
    front /
    lentz(1, (n) => {
      const m = Math.floor(n / 2);
      const numerator =
        n % 2 === 0
          ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
          : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
      return [numerator, 1];
    })
  );
}

/** A continued fraction by Lentz' method. @param part numerator and denominator of the n-th term, from 1. */
function lentz(first: number, part: (n: number) => readonly [number, number]): number {
  const nonzero = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let value = nonzero(first);
  let [c, d] = [value, 0];
  for (let n = 1; n < TERMS; n++) {
    const [numerator, denominator] = part(n);
    d = 1 / nonzero(denominator + numerator * d);
    c = nonzero(denominator + numerator / c);
    value *= c * d;
    if (Math.abs(c * d - 1) < EPSILON) break;
  }
  return value;
}
