/** C's printf for one number, as far as AsString uses it. */
export interface NumberFormat {
  readonly conversion: 'd' | 'f' | 'e' | 'g';
  /** One of printf's flags, or empty: `0` fills with zeros, `-` adjusts to the left, `+` and a space stand before what is positive, `#` keeps the point. */
  readonly flag: string;
  readonly width: number;
  /** Negative: printf's 6. */
  readonly precision: number;
}

const DEFAULT_PRECISION = 6;
/** What toFixed and toExponential give at most. */
const MAX_DIGITS = 100;
/** From here on toFixed writes an exponent. */
const MAX_FIXED = 1e21;

export function printf(value: number, { conversion, flag, width, precision }: NumberFormat): string {
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative && !(conversion === 'd' && value === 0) ? '-' : flag === '+' || flag === ' ' ? flag : '';
  const digits = unsigned(Math.abs(value), conversion, precision < 0 ? DEFAULT_PRECISION : precision, flag === '#');
  const missing = Math.max(0, width - sign.length - digits.length);
  if (flag === '-') return sign + digits + ' '.repeat(missing);
  if (flag === '0' && Number.isFinite(value)) return sign + '0'.repeat(missing) + digits;
  return ' '.repeat(missing) + sign + digits;
}

function unsigned(
  value: number,
  conversion: NumberFormat['conversion'],
  precision: number,
  alternate: boolean,
): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'inf';
  switch (conversion) {
    case 'd':
      return String(value);
    case 'f':
      return withPoint(fixed(value, precision), alternate);
    case 'e':
      return exponential(value, precision, alternate);
    case 'g':
      return general(value, precision === 0 ? 1 : precision, alternate);
  }
}

/** The shorter of the two others: in fixed form for exponents from −4 to the precision, without zeros at the end. */
function general(value: number, precision: number, alternate: boolean): string {
  const exponent = value === 0 ? 0 : Number(exponential(value, precision - 1, false).split('e')[1]);
  if (exponent < -4 || exponent >= precision) {
    const [mantissa = '', power = ''] = exponential(value, precision - 1, alternate).split('e');
    return `${alternate ? mantissa : trimmed(mantissa)}e${power}`;
  }
  const text = withPoint(fixed(value, precision - 1 - exponent), alternate);
  return alternate ? text : trimmed(text);
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function withPoint(text: string, always: boolean): string {
  return always && !text.includes('.') ? `${text}.` : text;
}

function fixed(value: number, precision: number): string {
  const digits = Math.min(precision, MAX_DIGITS);
  const zeros = '0'.repeat(precision - digits);
  if (value >= MAX_FIXED) return `${BigInt(value)}${precision > 0 ? `.${'0'.repeat(precision)}` : ''}`;
  return (halfToEven(value.toFixed(digits), value.toFixed(MAX_DIGITS)) ?? value.toFixed(digits)) + zeros;
}

/** The exponent has at least two digits. */
function exponential(value: number, precision: number, alternate: boolean): string {
  const digits = Math.min(precision, MAX_DIGITS);
  const [up = '', power = '+0'] = value.toExponential(digits).split('e');
  const [long = '', longPower] = value.toExponential(MAX_DIGITS).split('e');
  const mantissa = (longPower === power ? halfToEven(up, long) : undefined) ?? up;
  const zeros = '0'.repeat(precision - digits);
  const text = precision > digits && digits === 0 ? `${mantissa}.${zeros}` : mantissa + zeros;
  return `${withPoint(text, alternate)}e${power.slice(0, 1)}${power.slice(1).padStart(2, '0')}`;
}

/** JavaScript rounds an exact half up, C to the even digit. @returns the lower one where that is it. */
function halfToEven(rounded: string, long: string): string | undefined {
  const down = long.slice(0, rounded.length);
  const rest = long.slice(rounded.length).replace('.', '');
  return /^50*$/.test(rest) && Number(down.at(-1)) % 2 === 0 ? down : undefined;
}
