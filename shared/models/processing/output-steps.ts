import { newTensor } from '../../tensor.ts';
import type { Tensor } from '../../tensor.ts';
import type { OutputStepSpec } from './schema.ts';
import { floatFor, isFloat, isInteger, Misfit, rowSizeOf, toFloats } from './value.ts';
import type { RowType } from '../spec.ts';
import type { Failures } from './value.ts';
import { argmax, topK } from './ranking.ts';

/** A step of postprocessing that makes outputs of one output, ready to run. */
export interface OutputStep {
  /** What it makes of that, by name. @throws Misfit */
  outputTypes(input: RowType): ReadonlyMap<string, RowType>;
  run(tensor: Tensor, failures: Failures): ReadonlyMap<string, Tensor>;
}

type MakingSpec = Exclude<OutputStepSpec, { op: 'rename' | 'drop' }>;

/** @param labels the texts of `labels`. */
export function buildOutputStep(spec: MakingSpec, labels: readonly string[]): OutputStep {
  if (spec.op === 'topK') return topKStep(spec);
  const { type, run } = buildOne(spec, labels);
  const name = spec.as ?? spec.output;
  return {
    outputTypes: (input) => new Map([[name, type(input)]]),
    run: (tensor, failures) => new Map([[name, run(tensor, failures)]]),
  };
}

interface One {
  readonly type: (input: RowType) => RowType;
  readonly run: (tensor: Tensor, failures: Failures) => Tensor;
}

function buildOne(spec: Exclude<MakingSpec, { op: 'topK' }>, labels: readonly string[]): One {
  switch (spec.op) {
    case 'softmax':
      return {
        type: (input) => ({ ...floats(input), shape: withLast(input).shape }),
        run: (tensor) => softmax(tensor),
      };
    case 'sigmoid':
      return mapped((x) => 1 / (1 + Math.exp(-x)));
    case 'scale':
      return mapped((x) => x * spec.factor + spec.offset);
    case 'round':
      // toFixed rounds the exact value; adding 0 makes 0 of -0.
      return mapped((x) => Number(x.toFixed(spec.decimals)) + 0);
    case 'threshold':
      return {
        type: (input) => ({ dtype: 'bool', shape: numbers(input).shape }),
        run: (tensor) =>
          newTensor(
            'bool',
            tensor.shape,
            Uint8Array.from(toFloats(tensor, 'float64'), (x) => (x >= spec.value ? 1 : 0)),
          ),
      };
    case 'argmax':
      return {
        type: (input) => ({ dtype: 'int32', shape: withLast(numbers(input)).shape?.slice(0, -1) ?? null }),
        run: argmax,
      };
    case 'labels':
      return {
        type: ({ dtype, shape }) => {
          if (!isInteger(dtype))
            throw new Misfit(
              `output "${spec.output}" is ${dtype}; expected an integer dtype: write argmax or topK before it`,
            );
          return { dtype: 'string', shape };
        },
        run: (tensor, failures) => label(tensor, spec.output, labels, failures),
      };
    default:
      return spec satisfies never;
  }
}

function topKStep(spec: Extract<MakingSpec, { op: 'topK' }>): OutputStep {
  return {
    outputTypes: (input) => {
      const { dtype, shape } = withLast(numbers(input));
      const last = shape?.at(-1) ?? null;
      if (last !== null && last < spec.k)
        throw new Misfit(
          `output "${spec.output}" has ${last} values in its last dimension; expected at least k = ${spec.k}`,
        );
      const best = shape === null ? null : [...shape.slice(0, -1), spec.k];
      return named(spec, { dtype, shape: best }, { dtype: 'int32', shape: best });
    },
    run: (tensor) => {
      const { values, indices } = topK(tensor, spec.k);
      return named(spec, values, indices);
    },
  };
}

function named<T>(spec: { values?: string; indices?: string }, values: T, indices: T): Map<string, T> {
  const made = new Map<string, T>();
  if (spec.values !== undefined) made.set(spec.values, values);
  if (spec.indices !== undefined) made.set(spec.indices, indices);
  return made;
}

function mapped(map: (value: number) => number): One {
  return {
    type: floats,
    run: (tensor) => {
      const dtype = floatOf(tensor.dtype);
      return newTensor(dtype, tensor.shape, toFloats(tensor, dtype).map(map));
    },
  };
}

/** Numbers that are computed with become floats. */
function floats(input: RowType): RowType {
  return { dtype: floatOf(numbers(input).dtype), shape: input.shape };
}

function floatOf(dtype: RowType['dtype']): 'float32' | 'float64' {
  return isFloat(dtype) || isInteger(dtype) ? floatFor(dtype) : 'float32';
}

function numbers(input: RowType): RowType {
  if (input.dtype === 'string') throw new Misfit('found string, expected numbers');
  return input;
}

function withLast(input: RowType): RowType {
  if (input.shape?.length === 0) throw new Misfit('found one number in a row, expected several: its last dimension');
  return input;
}

function softmax(tensor: Tensor): Tensor {
  const dtype = floatOf(tensor.dtype);
  const data = toFloats(tensor, dtype);
  const size = tensor.shape.at(-1) ?? 1;
  for (let from = 0; from < data.length; from += size) {
    let max = -Infinity;
    for (let i = from; i < from + size; i++) max = Math.max(max, data[i] as number);
    let sum = 0;
    for (let i = from; i < from + size; i++) sum += data[i] = Math.exp((data[i] as number) - max);
    for (let i = from; i < from + size; i++) data[i] = (data[i] as number) / sum;
  }
  return newTensor(dtype, tensor.shape, data);
}

function label(tensor: Tensor, output: string, labels: readonly string[], failures: Failures): Tensor {
  const rowSize = rowSizeOf(tensor);
  const data = Array.from(tensor.data as ArrayLike<number | bigint>, (index, i) => {
    const text = labels[Number(index)];
    if (text === undefined) {
      failures.add(
        Math.floor(i / rowSize),
        `output "${output}"`,
        String(index),
        `an index of one of the ${labels.length} labels`,
      );
    }
    return text ?? '';
  });
  return newTensor('string', tensor.shape, data);
}
