import type { OpAttrs } from './op-attrs.ts';
import type { OpTensor } from './op-tensor.ts';

/**
 * One operation of TensorFlow's: its outputs from its inputs, in the order of its definition.
 * @throws PermanentError INVALID_ARGUMENT where the values are at fault, in TensorFlow's words where it has some.
 */
export type Op = (inputs: readonly OpTensor[], attrs: OpAttrs) => readonly OpTensor[] | Promise<readonly OpTensor[]>;

/** By TensorFlow's name. */
export type Ops = Readonly<Record<string, Op>>;
