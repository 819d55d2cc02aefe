import type { DType, Tensor } from '../../tensor.ts';
import type { RowShape, RowType } from '../spec.ts';
import type { Failures } from './value.ts';

/** A step of preprocessing, ready to run. */
export interface InputStep {
  readonly op: string;
  /** What a field holds whose first step this is; undefined: as the next one says. */
  readonly takes: DType | undefined;
  /** @throws Misfit where it cannot follow that. */
  outputType(input: RowType): RowType;
  /** The shape of a row before the step, by the one after it; undefined where that does not tell. */
  inputShape(output: RowShape): RowShape | undefined;
  /** The only shape that it takes, where there is one. */
  readonly onlyShape?: RowShape;
  /** @param subject for messages: the field. */
  run(tensor: Tensor, failures: Failures, subject: string): Tensor | Promise<Tensor>;
}
