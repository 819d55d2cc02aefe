import { tensorFlowName } from '../../shared/models/dtype-names.ts';
import type { Signature } from '../../shared/models/model.ts';
import type { TensorSpec } from '../../shared/tensor.ts';
import type { ServedModel } from './model-directory.ts';

export const PREDICT_METHOD = 'tensorflow/serving/predict';

/** What TensorFlow Serving answers of versions that it serves. */
export function statusOf(versions: readonly string[]): Record<string, unknown> {
  return {
    model_version_status: versions.map((version) => ({
      version: numberOf(version),
      state: 'AVAILABLE',
      status: { error_code: 'OK', error_message: '' },
    })),
  };
}

/** The model version's signatures as TensorFlow Serving prints a SignatureDefMap: sizes are strings, -1 is any. */
export function metadataOf({ version, description }: ServedModel): Record<string, unknown> {
  return {
    model_spec: { name: version.model, signature_name: '', version: numberOf(version.version) },
    metadata: {
      signature_def: {
        '@type': 'type.googleapis.com/tensorflow.serving.SignatureDefMap',
        signature_def: Object.fromEntries(
          Object.entries(description.signatures).map(([name, signature]) => [name, signatureDef(signature)]),
        ),
      },
    },
  };
}

/** As TensorFlow Serving prints a version, which it takes for a number: its folder may be called 00000123. */
function numberOf(version: string): string {
  return BigInt(version).toString();
}

function signatureDef({ inputs, outputs, method }: Signature): Record<string, unknown> {
  return { inputs: tensorInfos(inputs), outputs: tensorInfos(outputs), method_name: method ?? PREDICT_METHOD };
}

function tensorInfos(specs: readonly TensorSpec[]): Record<string, unknown> {
  return Object.fromEntries(specs.map((spec) => [spec.name, tensorInfo(spec)]));
}

function tensorInfo({ name, dtype, shape }: TensorSpec): Record<string, unknown> {
  const dim = (shape ?? []).map((size) => ({ size: String(size ?? -1), name: '' }));
  return { dtype: tensorFlowName(dtype), tensor_shape: { dim, unknown_rank: shape === null }, name };
}
