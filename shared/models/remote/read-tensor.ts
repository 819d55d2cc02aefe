import { elementCount, newData } from '../../tensor.ts';
import type { DType, StringElement, Tensor, TensorData, TensorSpec } from '../../tensor.ts';
import { toElement } from '../text.ts';

/** Deeper lists are no tensor of any runtime. */
const MAX_RANK = 16;

type Fill = (value: unknown, index: number) => void;

/**
 * The rows of an output, each as nested lists, as one tensor `[rows, ...rowShape]`.
 * @throws Error naming the output, the row and the value that is not what its spec says.
 */
export function readRows(spec: TensorSpec, rows: readonly unknown[]): Tensor {
  const rowShape = shapeOf(spec, rows[0]);
  const shape = [rows.length, ...rowShape];
  checkShape(spec, shape);
  // Looked through before memory is taken for them: the first row alone may promise any size.
  for (const [row, value] of rows.entries()) requireLists(spec, row, value, rowShape, 0);
  const { data, fill } = makeData(spec.dtype, elementCount(shape));
  let index = 0;
  const enter = (value: unknown, depth: number): void => {
    if (depth === rowShape.length) fill(value, index++);
    else for (const item of value as readonly unknown[]) enter(item, depth + 1);
  };
  for (const [row, value] of rows.entries()) {
    try {
      enter(value, 0);
    } catch (error) {
      throw new Error(`output ${spec.name}, row ${row}: ${(error as Error).message}`, { cause: error });
    }
  }
  return { dtype: spec.dtype, shape, data } as Tensor;
}

function requireLists(spec: TensorSpec, row: number, value: unknown, rowShape: readonly number[], depth: number): void {
  const length = rowShape[depth];
  if (length === undefined) return;
  if (!Array.isArray(value) || value.length !== length)
    throw new Error(`output ${spec.name}, row ${row}: found ${brief(value)}, expected a list of ${length}`);
  if (depth + 1 < rowShape.length) for (const item of value) requireLists(spec, row, item, rowShape, depth + 1);
}

/**
 * A whole tensor from its elements in row-major order.
 * @throws Error naming the output.
 */
export function readFlat(spec: TensorSpec, shape: readonly number[], elements: readonly unknown[]): Tensor {
  checkShape(spec, shape);
  if (elements.length !== elementCount(shape)) {
    const found = `${elements.length} elements for the shape [${shape.join(', ')}]`;
    throw new Error(`output ${spec.name}: found ${found}`);
  }
  const { data, fill } = makeData(spec.dtype, elements.length);
  for (const [index, value] of elements.entries()) {
    try {
      fill(value, index);
    } catch (error) {
      throw new Error(`output ${spec.name}, element ${index}: ${(error as Error).message}`, { cause: error });
    }
  }
  return { dtype: spec.dtype, shape, data } as Tensor;
}

/** As the first row's lists are nested; all the others must be like it. */
function shapeOf({ name }: TensorSpec, first: unknown): number[] {
  const shape: number[] = [];
  for (let value = first; Array.isArray(value); value = value[0] as unknown) {
    shape.push(value.length);
    if (shape.length > MAX_RANK) throw new Error(`output ${name}: found lists nested deeper than ${MAX_RANK}`);
  }
  return shape;
}

function checkShape({ name, shape: expected }: TensorSpec, shape: readonly number[]): void {
  if (expected === null) return;
  const fits = shape.length === expected.length && shape.every((size, axis) => (expected[axis] ?? size) === size);
  if (fits) return;
  const wanted = expected.map((size) => size ?? -1).join(', ');
  throw new Error(`output ${name}: found the shape [${shape.join(', ')}], expected [${wanted}]`);
}

const INTEGERS = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
} as const;
const LONG_INTEGERS = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
} as const;

/** Memory for so many elements, and how one is put there. */
function makeData(dtype: DType, count: number): { readonly data: TensorData; readonly fill: Fill } {
  switch (dtype) {
    case 'float16':
    case 'float32':
    case 'float64': {
      const data = newData(dtype, count);
      return { data, fill: (value, index) => void (data[index] = toFloat(value)) };
    }
    case 'int64':
    case 'uint64': {
      const data = newData(dtype, count);
      const [least, most] = LONG_INTEGERS[dtype];
      return {
        data,
        fill: (value, index) => {
          const integer = toBigInt(value);
          if (integer === undefined || integer < least || integer > most) throw wrong(value, `an ${dtype}`);
          data[index] = integer;
        },
      };
    }
    case 'bool': {
      const data = new Uint8Array(count);
      return { data, fill: (value, index) => void (data[index] = toBool(value)) };
    }
    case 'string': {
      const data = Array.from<StringElement>({ length: count });
      return { data, fill: (value, index) => void (data[index] = toStringElement(value)) };
    }
    default: {
      const data = newData(dtype, count);
      const [least, most] = INTEGERS[dtype];
      return {
        data,
        fill: (value, index) => {
          if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
            throw wrong(value, `an ${dtype}`);
          data[index] = value;
        },
      };
    }
  }
}

function toFloat(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  throw wrong(value, 'a number');
}

/** Numbers that a double keeps; digits in quotes are proto3 JSON's int64. */
function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

function toBool(value: unknown): number {
  if (value === true || value === 1) return 1;
  if (value === false || value === 0) return 0;
  throw wrong(value, 'true or false');
}

function toStringElement(value: unknown): StringElement {
  if (typeof value === 'string') return value;
  const base64 = (value as { readonly b64?: unknown } | null | undefined)?.b64;
  if (typeof base64 === 'string') return toElement(new Uint8Array(Buffer.from(base64, 'base64')));
  throw wrong(value, 'a string or {"b64": …}');
}

function wrong(value: unknown, expected: string): Error {
  return new Error(`found ${brief(value)}, expected ${expected}`);
}

/** A value in a message. */
export function brief(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const text =
    typeof value === 'object' && value !== null
      ? `an object of ${Object.keys(value).slice(0, 5).join(', ')}`
      : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
