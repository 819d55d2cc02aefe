import * as ort from 'onnxruntime-node';
import { oneLine, PermanentError } from '../errors.ts';
import type { DType, Tensor, TensorDataByDType, Tensors, TensorSpec } from '../tensor.ts';
import { siblingFile } from './file-path.ts';
import { DEFAULT_SIGNATURE, type Model, type ModelFiles, type Signature } from './model.ts';
import { scanOnnx, type OnnxScan } from './onnx-scan.ts';
import { withoutZipMaps } from './onnx-zip-map.ts';
import { toTextWithoutNul } from './text.ts';

/** ONNX Runtime's log level FATAL: what fails comes as an exception, and need not stand on stderr as well. */
const LOG_FATAL = 4;

const DTYPES: ReadonlySet<string> = new Set<DType>([
  ...(['float16', 'float32', 'float64', 'bool', 'string'] as const),
  ...(['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'] as const),
]);

/**
 * Loads an ONNX model into one single-threaded session of ONNX Runtime's CPU provider.
 * The maps of a ZipMap come out as the tensor that they are made of; other outputs that are no tensors are left out of the signature and never fetched.
 * @param name the model's file.
 * @throws PermanentError INVALID_ARGUMENT (ONNX Runtime refuses the file), UNIMPLEMENTED (an input or all outputs are no tensors of
 * a dtype that we have), and as `siblingFile` for external data.
 */
export async function loadOnnxModel(files: ModelFiles, name: string): Promise<Model> {
  const bytes = await files.read(name);
  const scan = scanModel(files, name, bytes);
  const externalData: { path: string; data: Uint8Array }[] = [];
  for (const path of scan.externalFiles) {
    externalData.push({ path, data: await files.read(siblingFile(files, name, path)) });
  }
  const byteSize = externalData.reduce((sum, { data }) => sum + data.byteLength, bytes.byteLength);
  const session = await createSession(files, name, await withoutZipMaps(bytes), externalData);
  try {
    return new OnnxModel(session, readSignature(files, name, session, scan), byteSize);
  } catch (error) {
    await session.release();
    throw error;
  }
}

function scanModel(files: ModelFiles, name: string, bytes: Uint8Array): OnnxScan {
  try {
    return scanOnnx(bytes);
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${name} is not an ONNX model: ${oneLine(error)}`, {
      cause: error,
    });
  }
}

async function createSession(
  files: ModelFiles,
  name: string,
  bytes: Uint8Array,
  externalData: readonly { path: string; data: Uint8Array }[],
): Promise<ort.InferenceSession> {
  ort.env.logLevel = 'fatal';
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: LOG_FATAL,
      ...(externalData.length > 0 && { externalData }),
    });
  } catch (error) {
    const message = `${files.label}: ONNX Runtime refuses ${name}: ${oneLine(error)}`;
    throw new PermanentError('INVALID_ARGUMENT', message, { cause: error });
  }
}

function readSignature(files: ModelFiles, name: string, session: ort.InferenceSession, scan: OnnxScan): Signature {
  const toSpec = (value: ort.InferenceSession.ValueMetadata): TensorSpec | undefined => {
    if (!value.isTensor || !isDType(value.type)) return undefined;
    // A shape that the model leaves out, ONNX Runtime gives as that of a scalar.
    const unranked = value.shape.length === 0 && scan.unranked.has(value.name);
    const shape = unranked ? null : value.shape.map((size) => (typeof size === 'number' ? size : null));
    return { name: value.name, dtype: value.type, shape };
  };
  const inputs = session.inputMetadata.map((value) => {
    const spec = toSpec(value);
    if (spec !== undefined) return spec;
    const found = value.isTensor ? `a tensor of ${value.type}` : 'no tensor';
    throw new PermanentError(
      'UNIMPLEMENTED',
      `${files.label}: ${name}: input ${value.name} is ${found}, which is not supported`,
    );
  });
  const outputs = session.outputMetadata.map(toSpec).filter((spec) => spec !== undefined);
  if (outputs.length === 0) {
    const listed = session.outputNames.join(', ');
    throw new PermanentError(
      'UNIMPLEMENTED',
      `${files.label}: ${name}: no output is a tensor of a supported dtype (outputs: ${listed})`,
    );
  }
  return { name: DEFAULT_SIGNATURE, inputs, outputs };
}

class OnnxModel implements Model {
  readonly runtime = `onnxruntime ${ort.env.versions.node ?? ort.env.versions.common}`;
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly byteSize: number;
  readonly #session: ort.InferenceSession;
  readonly #signature: Signature;
  readonly #fetches: readonly string[];
  #disposed: Promise<void> | undefined;

  constructor(session: ort.InferenceSession, signature: Signature, byteSize: number) {
    this.#session = session;
    this.#signature = signature;
    this.#fetches = signature.outputs.map((output) => output.name);
    this.signatures = { [signature.name]: signature };
    this.byteSize = byteSize;
  }

  async predict(signature: string, inputs: Tensors): Promise<Tensors> {
    if (signature !== this.#signature.name) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `the model has no signature ${signature}; it has ${this.#signature.name}`,
      );
    }
    const feeds: Record<string, ort.Tensor> = {};
    for (const { name } of this.#signature.inputs) {
      const tensor = inputs[name];
      if (tensor === undefined) throw new PermanentError('INVALID_ARGUMENT', `input ${name} is missing`);
      feeds[name] = toOrt(name, tensor);
    }
    // Runs on this thread. The data of what comes back belongs to JavaScript: the binding copies it out of the session.
    const results = await this.#session.run(feeds, this.#fetches, { logSeverityLevel: LOG_FATAL });
    const outputs: Record<string, Tensor> = {};
    for (const name of this.#fetches) {
      const result = results[name];
      if (result === undefined) throw new Error(`ONNX Runtime returned no output ${name}`);
      outputs[name] = fromOrt(result);
      result.dispose();
    }
    return outputs;
  }

  dispose(): Promise<void> {
    return (this.#disposed ??= this.#session.release());
  }
}

function toOrt(name: string, tensor: Tensor): ort.Tensor {
  const data =
    tensor.dtype === 'string'
      ? tensor.data.map((element) => toTextWithoutNul('ONNX Runtime', name, element))
      : tensor.data;
  const value = new ort.Tensor(tensor.dtype, data as never, tensor.shape);
  if (tensor.dtype === 'float16') {
    // The library asks for a Float16Array, of which its native half (1.30) sees no bytes: give it the same bits as integers.
    const { buffer, byteOffset, length } = tensor.data;
    Object.assign(value, { cpuData: new Uint16Array(buffer, byteOffset, length) });
  }
  return value;
}

function fromOrt(value: ort.OnnxValue): Tensor {
  // `data` has the storage of its `type`, which both libraries name alike.
  const { type, dims, data } = value as ort.Tensor & { readonly data: TensorDataByDType[DType] };
  return { dtype: type, shape: [...dims], data } as unknown as Tensor;
}

function isDType(type: string): type is DType {
  return DTYPES.has(type);
}
