import type * as tfc from '@tensorflow/tfjs-core';
import type { Tfjs, TfjsBackendName } from '../tfjs-backend.ts';
import type { Plan, Step } from './graph-plan.ts';
import type { StringPool } from './run-strings.ts';

/** What stands in a slot: a tensor, or what TensorFlow has resources and variants for; undefined on the branch that is not taken. */
export type Value = tfc.Tensor | TensorList | TensorArray | VariableHandle | undefined;

/** A variable that a loop or a branch reads. */
export class VariableHandle {
  readonly tensor: (backend: TfjsBackendName) => tfc.Tensor;

  constructor(tensor: VariableHandle['tensor']) {
    this.tensor = tensor;
  }
}

/** TensorFlow's list of tensors: a value, so that who changes it gets another one. An element may not be there yet. */
export class TensorList {
  readonly elements: readonly (tfc.Tensor | undefined)[];
  /** −1 where unknown; null: of any rank. */
  readonly elementShape: readonly number[] | null;
  readonly dtype: number;

  constructor(elements: TensorList['elements'], elementShape: readonly number[] | null, dtype: number) {
    this.elements = elements;
    this.elementShape = elementShape;
    this.dtype = dtype;
  }
}

/** TF1's array of tensors: a thing that its writers change; the flow values order them. */
export class TensorArray {
  readonly elements: (tfc.Tensor | undefined)[];
  readonly dtype: number;
  readonly isDynamic: boolean;

  constructor(elements: (tfc.Tensor | undefined)[], dtype: number, isDynamic: boolean) {
    this.elements = elements;
    this.dtype = dtype;
    this.isDynamic = isDynamic;
  }
}

/** What an operation of ours gets to run. */
export interface StepRun {
  readonly tf: Tfjs;
  readonly step: Step;
  readonly inputs: readonly Value[];
  readonly strings: StringPool;
  /** The backend that is active. */
  readonly backend: TfjsBackendName;
  /** Does this when the run ends, however it does. */
  atEnd(work: () => void): void;
  /** Runs a branch, a condition or a body; values that it makes die with the caller's scope. */
  run(plan: Plan, args: readonly Value[]): Promise<readonly Value[]>;
}

/** Its outputs, in the order of its definition. */
export type Kernel = (run: StepRun) => readonly Value[] | Promise<readonly Value[]>;

/** The tensors that a value holds. */
export function tensorsOf(value: Value): readonly tfc.Tensor[] {
  if (value === undefined || value instanceof VariableHandle) return [];
  if (value instanceof TensorList || value instanceof TensorArray) {
    return [...value.elements].filter((element) => element !== undefined);
  }
  return [value];
}

/** The n-th input, a tensor. */
export function tensorInput({ inputs, step }: StepRun, n: number): tfc.Tensor {
  const value = inputs[n];
  if (
    value === undefined ||
    value instanceof TensorList ||
    value instanceof TensorArray ||
    value instanceof VariableHandle
  ) {
    throw new TypeError(`${step.name} (${step.op}): input ${n} is no tensor`);
  }
  return value;
}

/** The numbers of the n-th input. */
export function numbersInput(run: StepRun, n: number): number[] {
  return Array.from(tensorInput(run, n).dataSync<'int32'>());
}

export function numberInput(run: StepRun, n: number): number {
  const [value] = numbersInput(run, n);
  if (value === undefined)
    throw new RangeError(`${run.step.name} (${run.step.op}): input ${n} is empty; expected a number`);
  return value;
}
