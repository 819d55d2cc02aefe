/* eslint-disable -- AssemblyScript: its types are none of TypeScript's */
// @ts-nocheck

/** 10^-38 … 10^46, each the nearest double; exact from 10^0 to 10^22. */
const POWERS = memory.data<f64>([
  1e-38, 1e-37, 1e-36, 1e-35, 1e-34, 1e-33, 1e-32, 1e-31, 1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22,
  1e-21, 1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5,
  1e-4, 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
  1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35,
  1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44, 1e45, 1e46,
]);
export const LEAST_POWER: i32 = -38;
export const GREATEST_EXACT_POWER: i32 = 22;

/** 10^exponent. @param exponent from -38 to 46. */
export function power(exponent: i32): f64 {
  return load<f64>(POWERS + ((exponent - LEAST_POWER) << 3));
}

/** Where a function leaves how many numbers it took. */
export const DONE = memory.data(4, 4);
