import { isUtf8 } from 'node:buffer';

import type { SchemaElement } from 'hyparquet';

import { asBuffer } from '../ascii.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { writeFloat32, writeFloat64 } from '../float-text.ts';
import { FloatPrinter } from '../kernel/float-printer.ts';

/** Writes one value, as it is stored, as JSON. */
export type WriteValue = (out: ByteWriter, value: unknown) => void;

/** Writes values as `WriteValue` does, with commas between them; returns false, having written nothing, where that cannot be done at once. */
export type WriteList = (out: ByteWriter, values: readonly unknown[]) => boolean;

type TimeUnit = 'MILLIS' | 'MICROS' | 'NANOS';

const UNITS: Readonly<Record<TimeUnit, { readonly perSecond: bigint; readonly digits: number }>> = {
  MILLIS: { perSecond: 1_000n, digits: 3 },
  MICROS: { perSecond: 1_000_000n, digits: 6 },
  NANOS: { perSecond: 1_000_000_000n, digits: 9 },
};

/** Years that ISO 8601 writes with four digits, and those of six that JavaScript has. */
const MAX_SECONDS = 8_640_000_000_000n;
const DAY_SECONDS = 86_400n;

/**
 * How a column's values are written: integers and decimals with all their digits, floats with as many as they need (NaN and the infinities as
 * strings), text as strings, JSON as it is, other bytes as `{"b64": …}`, dates and times by ISO 8601 (with Z where they are UTC), UUIDs as
 * text, intervals as `{"months", "days", "milliseconds"}`. A time beyond the years that ISO 8601 can write is the number that is stored.
 * https://parquet.apache.org/docs/file-format/types/logicaltypes/
 */
export function leafWriter(element: SchemaElement): WriteValue {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0);
    return (out, value) => {
      out.ascii(decimalText(unscaled(value), scale));
    };
  }
  switch (type) {
    case 'INT32':
    case 'INT64':
      return integerWriter(element);
    case 'INT96':
      return (out, value) => {
        out.ascii(timestampText(value as bigint, 'NANOS', true));
      };
    case 'FLOAT':
      return (out, value) => {
        if (Number.isFinite(value)) writeFloat32(out, value as number);
        else writeFloat64(out, value as number);
      };
    case 'DOUBLE':
      return (out, value) => {
        writeFloat64(out, value as number);
      };
    case 'FIXED_LEN_BYTE_ARRAY':
      return fixedWriter(element);
    case 'BYTE_ARRAY':
      return bytesWriter(element);
    default:
      return (out, value) => {
        out.ascii(value === true ? 'true' : 'false');
      };
  }
}

/** Shorter lists are not worth a call of the kernel. */
const LEAST_PRINTED = 4;
let floats = new Float32Array(1024);

/** Lists of floats are what embeddings are, and long: the kernel prints them several times as fast. */
export function listWriter({ type }: SchemaElement): WriteList | undefined {
  return type === 'FLOAT' ? writeFloats : undefined;
}

const writeFloats: WriteList = (out, values) => {
  const { length } = values;
  if (length < LEAST_PRINTED) return false;
  if (length > floats.length) floats = new Float32Array(Math.max(length, 2 * floats.length));
  for (let index = 0; index < length; index++) {
    const value = values[index];
    if (typeof value !== 'number') return false;
    floats[index] = value;
  }
  new FloatPrinter(floats.subarray(0, length)).print(out, 0, length);
  return true;
};

function integerWriter({ type, converted_type: converted, logical_type: logical }: SchemaElement): WriteValue {
  const wrap = (text: (value: bigint) => string): WriteValue => {
    return (out, value) => {
      out.ascii(text(BigInt(value as number | bigint)));
    };
  };
  if (converted === 'DATE' || logical?.type === 'DATE') return wrap(dateText);
  if (logical?.type === 'TIMESTAMP')
    return wrap((value) => timestampText(value, logical.unit, logical.isAdjustedToUTC));
  if (logical?.type === 'TIME') return wrap((value) => `"${timeText(value, logical.unit)}"`);
  if (converted === 'TIMESTAMP_MILLIS') return wrap((value) => timestampText(value, 'MILLIS', true));
  if (converted === 'TIMESTAMP_MICROS') return wrap((value) => timestampText(value, 'MICROS', true));
  if (converted === 'TIME_MILLIS') return wrap((value) => `"${timeText(value, 'MILLIS')}"`);
  if (converted === 'TIME_MICROS') return wrap((value) => `"${timeText(value, 'MICROS')}"`);
  const unsigned = converted?.startsWith('UINT_') ?? (logical?.type === 'INTEGER' && !logical.isSigned);
  return unsigned ? wrap((value) => String(BigInt.asUintN(type === 'INT64' ? 64 : 32, value))) : wrap(String);
}

function fixedWriter({
  converted_type: converted,
  logical_type: logical,
  type_length: length,
}: SchemaElement): WriteValue {
  if (logical?.type === 'FLOAT16' && length === 2) {
    return (out, value) => {
      writeFloat32(out, new Float16Array(Uint8Array.from(value as Uint8Array).buffer)[0] ?? 0);
    };
  }
  if (logical?.type === 'UUID' && length === 16) {
    return (out, value) => {
      const hex = asBuffer(value as Uint8Array).toString('hex');
      out.jsonString(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
    };
  }
  if (converted === 'INTERVAL' && length === 12) {
    return (out, value) => {
      const bytes = asBuffer(value as Uint8Array);
      const [months, days, milliseconds] = [0, 4, 8].map((at) => bytes.readUInt32LE(at));
      out.ascii(`{"months":${months},"days":${days},"milliseconds":${milliseconds}}`);
    };
  }
  return writeBytes;
}

function bytesWriter({ converted_type: converted, logical_type: logical }: SchemaElement): WriteValue {
  if (converted === 'JSON' || logical?.type === 'JSON') return writeJson;
  const text = converted === 'UTF8' || converted === 'ENUM' || logical?.type === 'STRING' || logical?.type === 'ENUM';
  return text ? writeText : writeBytes;
}

/** What should be text and is none stays bytes. */
const writeText: WriteValue = (out, value) => {
  const bytes = value as Uint8Array;
  if (isUtf8(bytes)) out.jsonString(asBuffer(bytes).toString('utf8'));
  else writeBytes(out, bytes);
};

const writeBytes: WriteValue = (out, value) => {
  out.ascii(`{"b64":"${asBuffer(value as Uint8Array).toString('base64')}"}`);
};

/** Newlines stand only between the tokens of JSON text. */
const writeJson: WriteValue = (out, value) => {
  const text = asBuffer(value as Uint8Array).toString('utf8');
  try {
    JSON.parse(text);
  } catch {
    writeText(out, value);
    return;
  }
  out.utf8(text.replaceAll(/[\r\n]/g, ' '));
};

/** The integer that a decimal is stored as; of bytes, two's complement, the highest first. */
function unscaled(value: unknown): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value as number | bigint);
  if (value.length === 0) return 0n;
  return BigInt.asIntN(8 * value.length, BigInt(`0x${asBuffer(value).toString('hex')}`));
}

function decimalText(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function dateText(days: bigint): string {
  const text = isoText(days * DAY_SECONDS);
  return text === undefined ? String(days) : `"${text.slice(0, text.indexOf('T'))}"`;
}

/** An instant as ISO 8601, in quotes; beyond its years the number. @param value since 1970, in the unit. */
export function timestampText(value: bigint, unit: TimeUnit, utc: boolean): string {
  const { perSecond, digits } = UNITS[unit];
  const fraction = ((value % perSecond) + perSecond) % perSecond;
  const text = isoText((value - fraction) / perSecond);
  if (text === undefined) return String(value);
  return `"${text.slice(0, text.indexOf('.'))}.${String(fraction).padStart(digits, '0')}${utc ? 'Z' : ''}"`;
}

/** Seconds since 1970 as JavaScript writes them; undefined beyond the years it has. */
function isoText(seconds: bigint): string | undefined {
  return seconds > MAX_SECONDS || seconds < -MAX_SECONDS ? undefined : new Date(Number(seconds) * 1000).toISOString();
}

function timeText(value: bigint, unit: TimeUnit): string {
  const { perSecond, digits } = UNITS[unit];
  const seconds = value / perSecond;
  const two = (part: bigint): string => String(part).padStart(2, '0');
  const fraction = String(value % perSecond).padStart(digits, '0');
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}.${fraction}`;
}
