import type { DType } from '../tensor.ts';

/** The names of Fanfold's dtypes in TensorFlow's DataType and in the Open Inference Protocol. */
const NAMES: Readonly<Record<DType, readonly [tensorFlow: string, openInference: string]>> = {
  float16: ['DT_HALF', 'FP16'],
  float32: ['DT_FLOAT', 'FP32'],
  float64: ['DT_DOUBLE', 'FP64'],
  int8: ['DT_INT8', 'INT8'],
  uint8: ['DT_UINT8', 'UINT8'],
  int16: ['DT_INT16', 'INT16'],
  uint16: ['DT_UINT16', 'UINT16'],
  int32: ['DT_INT32', 'INT32'],
  uint32: ['DT_UINT32', 'UINT32'],
  int64: ['DT_INT64', 'INT64'],
  uint64: ['DT_UINT64', 'UINT64'],
  bool: ['DT_BOOL', 'BOOL'],
  string: ['DT_STRING', 'BYTES'],
};

const entries = Object.entries(NAMES) as [DType, readonly [string, string]][];
const fromTensorFlow = new Map(entries.map(([dtype, [name]]) => [name, dtype]));
const fromOpenInference = new Map(entries.map(([dtype, [, name]]) => [name, dtype]));

/** Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/types.proto */
export function tensorFlowName(dtype: DType): string {
  return NAMES[dtype][0];
}

export function fromTensorFlowName(name: string): DType | undefined {
  return fromTensorFlow.get(name);
}

/** Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#tensor-data-types */
export function openInferenceName(dtype: DType): string {
  return NAMES[dtype][1];
}

export function fromOpenInferenceName(name: string): DType | undefined {
  return fromOpenInference.get(name);
}
