import { OpAttrs } from '../../../../../shared/models/saved-model/op-attrs.ts';
import type { RawAttr } from '../../../../../shared/models/saved-model/op-attrs.ts';
import { SAVED_MODEL_OPS } from '../../../../../shared/models/saved-model/run-ops.ts';
import type { OpTensor } from '../../../../../shared/models/saved-model/op-tensor.ts';

/** Calls operations as a graph would. */

/** An int32 tensor; without a shape a vector. */
export function int(values: readonly number[], shape: readonly number[] = [values.length]): OpTensor {
  return { dtype: 'int32', shape, data: Int32Array.from(values) };
}

export function float(values: readonly number[], shape: readonly number[] = [values.length]): OpTensor {
  return { dtype: 'float32', shape, data: Float32Array.from(values) };
}

export function bool(values: readonly number[], shape: readonly number[] = [values.length]): OpTensor {
  return { dtype: 'bool', shape, data: Uint8Array.from(values) };
}

export function text(values: readonly (string | Uint8Array)[], shape: readonly number[] = [values.length]): OpTensor {
  return { dtype: 'string', shape, data: values.map((value) => Buffer.from(value as string)) };
}

/** An attribute `s`. */
export function s(value: string): RawAttr {
  return { s: Buffer.from(value).toString('base64') };
}

export async function call(
  name: string,
  inputs: readonly OpTensor[],
  attrs: Readonly<Record<string, RawAttr>> = {},
): Promise<readonly OpTensor[]> {
  const op = SAVED_MODEL_OPS.get(name);
  if (!op) throw new Error(`no operation ${name}`);
  return op(inputs, new OpAttrs(attrs));
}

/** A tensor's values for comparing: strings as text. */
export function values(tensor: OpTensor | undefined): unknown[] {
  return Array.from<unknown>(tensor?.data ?? []).map((value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : value,
  );
}

/** The first output's values. */
export async function valuesOf(...args: Parameters<typeof call>): Promise<unknown[]> {
  return values((await call(...args))[0]);
}
