import { isUtf8 } from 'node:buffer';

import { errorInfo } from '../../errors.ts';
import type { ErrorInfo } from '../../errors.ts';
import type { Tensor, Tensors, TensorSpec } from '../../tensor.ts';
import { DEFAULT_SIGNATURE } from '../model.ts';
import type { Signature } from '../model.ts';
import { RowFailures } from '../row-failures.ts';
import { fromOpenInferenceName, openInferenceName } from '../dtype-names.ts';
import { rowTexts } from './exact-json.ts';
import type { JsonDialect } from './exact-json.ts';
import { extended } from './protocol.ts';
import type { Protocol, ServerSignature } from './protocol.ts';
import { brief, readFlat } from './read-tensor.ts';

/** JSON strings are text there; what else a BYTES element may hold needs the binary extension, which not every server has. */
const DIALECT: JsonDialect = {
  specials: 'words',
  bytes: (bytes) => JSON.stringify(Buffer.from(bytes).toString('utf8')),
};

/**
 * The Open Inference Protocol, version 2, over REST (KServe, Triton, MLServer, OpenVINO Model Server): `…/v2/models/m[/versions/3]`.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
export const kserveV2: Protocol = {
  predictUrl: (base) => extended(base, '/infer'),
  metadataUrl: (base) => base,
  readMetadata,
  write: (config, signature, inputs, rows) => {
    const tensors = signature.inputs.map(({ name }) => writeTensor(name, inputs, rows));
    const outputs = signature.outputs.map(({ name }) => `{"name":${JSON.stringify(name)}}`);
    const parameters = config.parameters === undefined ? '' : `"parameters":${JSON.stringify(config.parameters)},`;
    return `{${parameters}"inputs":[${tensors.join(',')}],"outputs":[${outputs.join(',')}]}`;
  },
  read: readOutputs,
};

function writeTensor(name: string, inputs: Tensors, rows: number): string {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`input ${name} is missing`);
  requireText(name, tensor, rows);
  // Each element is a row of its own here: the data are flat.
  const flat = { ...tensor, shape: [tensor.data.length] };
  const data = rowTexts(flat, tensor.data.length, DIALECT).join(',');
  const shape = tensor.shape.join(',');
  return `{"name":${JSON.stringify(name)},"shape":[${shape}],"datatype":"${openInferenceName(tensor.dtype)}","data":[${data}]}`;
}

function requireText(name: string, tensor: Tensor, rows: number): void {
  if (tensor.dtype !== 'string') return;
  const failures = new Map<number, ErrorInfo>();
  const rowSize = tensor.data.length / rows;
  for (const [index, element] of tensor.data.entries()) {
    if (typeof element === 'string' || isUtf8(element)) continue;
    const message = `input ${name}: found bytes that are not UTF-8; kserve-v2 sends text only`;
    failures.set(Math.floor(index / rowSize), errorInfo('INVALID_ARGUMENT', message));
  }
  if (failures.size > 0) throw new RowFailures(failures);
}

interface AnswerTensor {
  readonly name?: unknown;
  readonly shape?: unknown;
  readonly datatype?: unknown;
  readonly data?: unknown;
}

function readOutputs(signature: Signature, answer: unknown, rows: number): Tensors {
  const outputs = (answer as { readonly outputs?: unknown } | null)?.outputs;
  if (!Array.isArray(outputs)) throw new Error(`found ${brief(outputs)} as "outputs", expected a list`);
  const byName = new Map((outputs as readonly (AnswerTensor | null)[]).map((tensor) => [tensor?.name, tensor]));
  return Object.fromEntries(
    signature.outputs.map((spec) => {
      const found = byName.get(spec.name);
      if (found === undefined || found === null) {
        throw new Error(`found the outputs ${[...byName.keys()].map(brief).join(', ')}, expected ${spec.name}`);
      }
      return [spec.name, readOutput(spec, found, rows)];
    }),
  );
}

function readOutput(spec: TensorSpec, { shape, datatype, data }: AnswerTensor, rows: number): Tensor {
  const expected = openInferenceName(spec.dtype);
  if (datatype !== expected)
    throw new Error(`output ${spec.name}: found the datatype ${brief(datatype)}, expected ${expected}`);
  if (!isShape(shape)) throw new Error(`output ${spec.name}: found ${brief(shape)} as its shape`);
  if (shape[0] !== rows)
    throw new Error(`output ${spec.name}: found the shape [${shape.join(', ')}], expected ${rows} rows first`);
  if (!Array.isArray(data)) throw new Error(`output ${spec.name}: found ${brief(data)} as its data, expected a list`);
  // Flat, or nested as the shape is: a server may do either.
  const elements: readonly unknown[] = data.some(Array.isArray) ? (data.flat(shape.length) as unknown[]) : data;
  return readFlat(spec, shape, elements);
}

function isShape(shape: unknown): shape is number[] {
  return (
    Array.isArray(shape) &&
    shape.length <= 16 &&
    shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)
  );
}

interface Metadata {
  readonly inputs?: readonly AnswerTensor[];
  readonly outputs?: readonly AnswerTensor[];
}

function readMetadata(answer: unknown): Readonly<Record<string, ServerSignature>> {
  const { inputs, outputs } = (answer ?? {}) as Metadata;
  if (!Array.isArray(inputs) || !Array.isArray(outputs)) throw new Error('found no lists "inputs" and "outputs"');
  return { [DEFAULT_SIGNATURE]: { inputs: inputs.map(specOf), outputs: outputs.map(specOf) } };
}

function specOf({ name, datatype, shape }: AnswerTensor): TensorSpec {
  const dtype = typeof datatype === 'string' ? fromOpenInferenceName(datatype) : undefined;
  if (typeof name !== 'string' || dtype === undefined || !Array.isArray(shape))
    throw new Error(`found the tensor ${brief(name)} of datatype ${brief(datatype)}, which Fanfold has not`);
  const sizes = (shape as readonly unknown[]).map(Number);
  if (!sizes.every(Number.isSafeInteger)) throw new Error(`tensor ${name}: found ${brief(shape)} as its shape`);
  return { name, dtype, shape: sizes.map((size) => (size < 0 ? null : size)) };
}
