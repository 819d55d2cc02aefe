/** Beyond every integer dtype; keeps a number of a million digits from being computed. */
const HUGE_DIGITS = 40;

/**
 * The exact value of a JSON number's text (`1e3` and `1.0` are integers), or undefined where it has a fraction. What is of more than
 * 40 digits comes back as some value of as many digits and the same sign.
 */
export function exactInteger(text: string): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  let digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return 0n;
  const exponent = Number(power) - fraction.length;
  if (exponent < 0) {
    const kept = digits.length + exponent;
    if (kept <= 0 || /[^0]/.test(digits.slice(kept))) return undefined;
    digits = digits.slice(0, kept);
  } else {
    digits = digits.slice(0, HUGE_DIGITS).padEnd(Math.min(digits.length + exponent, HUGE_DIGITS), '0');
  }
  return BigInt(sign + digits.slice(0, HUGE_DIGITS));
}
