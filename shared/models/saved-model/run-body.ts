import type * as tfc from '@tensorflow/tfjs-core';
import type { Tfjs, TfjsBackendName, UseBackend } from '../tfjs-backend.ts';
import { rawAttrs } from './graph-lower.ts';
import { DT } from './graph-def.ts';
import type { Plan, Segment, Source, Step } from './graph-plan.ts';
import { OpAttrs, UNREAD_OUTPUTS } from './op-attrs.ts';
import { readTensor, writeTensor, type OpTensor } from './op-tensor.ts';
import type { Op } from './op.ts';
import { KERNELS } from './run-kernels.ts';
import { SegmentModel } from './run-segment.ts';
import type { StringPool } from './run-strings.ts';
import { VariableHandle, tensorInput, type StepRun, type Value } from './run-value.ts';
import type { Weights } from './run-weights.ts';

/** Kernels that a backend lacks: TensorFlow.js's words. */
const NO_KERNEL = /not registered for (the )?backend/i;

const STORAGE = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Runs plans. Used only inside `onBackend`, one run at a time. */
export class Runner {
  readonly #weights: Weights;
  readonly #strings: StringPool;
  readonly #ops: ReadonlyMap<string, Op>;
  readonly #fastest: TfjsBackendName;
  readonly #segments = new Map<Segment, SegmentModel>();
  readonly #ends: (() => void)[] = [];
  readonly #attrs = new Map<Step, OpAttrs>();

  constructor(weights: Weights, strings: StringPool, ops: ReadonlyMap<string, Op>, fastest: TfjsBackendName) {
    this.#weights = weights;
    this.#strings = strings;
    this.#ops = ops;
    this.#fastest = fastest;
  }

  /** Where a plan's run begins: the backend of its first segment. */
  backendOf(plan: Plan): TfjsBackendName {
    const segment = plan.stages.find((stage) => stage.segment !== undefined)?.segment;
    if (segment === undefined) return 'cpu';
    return this.#segment(segment, new Map(plan.sources.map((source) => [source.slot, source]))).backend;
  }

  /** Frees what a run left outside of the engine's scopes. */
  end(): void {
    for (const work of this.#ends.splice(0)) work();
  }

  /** The values that the plan returns; every tensor made on the way belongs to the engine's current scope. */
  async run(tf: Tfjs, use: UseBackend, plan: Plan, args: readonly Value[]): Promise<readonly Value[]> {
    const values: Value[] = [];
    args.forEach((arg, place) => {
      for (const slot of plan.args[place] ?? []) values[slot] = arg;
    });
    const sources = new Map(plan.sources.map((source) => [source.slot, source]));
    const read = (slot: number): Value => {
      const source = sources.get(slot);
      return source === undefined ? values[slot] : this.#given(tf, source);
    };
    for (const { segment, steps } of plan.stages) {
      if (segment !== undefined) {
        const model = this.#segment(segment, sources);
        const made = await this.#runSegment(tf, use, model, (slot) => read(slot) as tfc.Tensor | undefined);
        for (const [slot, tensor] of made) values[slot] = tensor;
      }
      for (const step of steps) {
        const inputs = step.inputs.map(read);
        const outputs = await this.#runStep(tf, use, step, inputs);
        step.outputs.forEach((slot, index) => (values[slot] = outputs[index]));
      }
    }
    return plan.outputs.map(read);
  }

  #given(tf: Tfjs, source: Source): Value {
    const tensor = (backend: TfjsBackendName): tfc.Tensor => this.#weights.tensor(tf, source, backend);
    return source.kind === 'handle' ? new VariableHandle(tensor) : tensor(tf.getBackend() as TfjsBackendName);
  }

  #segment(segment: Segment, sources: ReadonlyMap<number, Source>): SegmentModel {
    const known = this.#segments.get(segment);
    if (known !== undefined) return known;
    const shapes = new Map<number, readonly number[]>();
    for (const slot of segment.feeds) {
      const source = sources.get(slot);
      if (source !== undefined && source.kind !== 'handle') shapes.set(slot, this.#weights.shape(source));
    }
    const model = new SegmentModel(segment, shapes, this.#fastest);
    this.#segments.set(segment, model);
    return model;
  }

  async #runSegment(
    tf: Tfjs,
    use: UseBackend,
    model: SegmentModel,
    value: (slot: number) => tfc.Tensor | undefined,
  ): Promise<Map<number, tfc.Tensor>> {
    await use(model.backend);
    try {
      return this.#inStorage(tf, model, model.run(value));
    } catch (error) {
      // libtensorflow refuses some of what TensorFlow.js gives it, in no words; what the cpu backend computes was not the data's fault.
      const lacks = error instanceof Error && (model.backend === 'tensorflow' || NO_KERNEL.test(error.message));
      if (model.backend === 'cpu' || !lacks) throw error;
      await use('cpu');
      const made = model.run(value);
      model.backend = 'cpu';
      return this.#inStorage(tf, model, made);
    }
  }

  /**
   * The cpu backend keeps a cast's numbers as they are: integers in a float tensor. Another backend that takes them over would take
   * their bits.
   */
  #inStorage(tf: Tfjs, { backend }: SegmentModel, made: Map<number, tfc.Tensor>): Map<number, tfc.Tensor> {
    if (backend !== 'cpu' || this.#fastest === 'cpu') return made;
    for (const [slot, tensor] of made) {
      if (tensor.dtype !== 'float32' && tensor.dtype !== 'int32' && tensor.dtype !== 'bool') continue;
      const data: unknown = tf.engine().readSync(tensor.dataId);
      const Storage = STORAGE[tensor.dtype];
      if (data instanceof Storage) continue;
      made.set(slot, tf.tensor(Storage.from(data as ArrayLike<number>), tensor.shape, tensor.dtype));
    }
    return made;
  }

  async #runStep(tf: Tfjs, use: UseBackend, step: Step, inputs: readonly Value[]): Promise<readonly Value[]> {
    // What stands on a branch that is not taken does not run; a Merge takes what there is.
    if (!step.op.endsWith('Merge') && inputs.includes(undefined)) return [];
    const kernel = KERNELS.get(step.op);
    const run: StepRun = {
      tf,
      step,
      inputs,
      strings: this.#strings,
      backend: tf.getBackend() as TfjsBackendName,
      atEnd: (work) => this.#ends.push(work),
      run: (plan, args) => this.run(tf, use, plan, args),
    };
    if (kernel !== undefined) return kernel(run);
    const op = this.#ops.get(step.op);
    if (op === undefined) throw new Error(`${step.name}: there is no operation ${step.op}`);
    const outputs = await op(
      inputs.map((_, n) => this.#opTensor(tf, tensorInput(run, n), step.inputTypes[n])),
      this.#opAttrs(step),
    );
    return outputs.map((output) => this.#fromOp(tf, output));
  }

  #opAttrs(step: Step): OpAttrs {
    const known =
      this.#attrs.get(step) ?? new OpAttrs({ ...rawAttrs(step.attrs), [UNREAD_OUTPUTS]: { list: { i: step.unread } } });
    this.#attrs.set(step, known);
    return known;
  }

  #opTensor(tf: Tfjs, tensor: tfc.Tensor, type: number | undefined): OpTensor {
    const read = readTensor(tf, tensor);
    if (type !== DT.STRING || read.dtype !== 'int32') return read;
    return { dtype: 'string', shape: read.shape, data: this.#strings.allBytes(read.data) };
  }

  #fromOp(tf: Tfjs, output: OpTensor): tfc.Tensor {
    if (output.dtype !== 'string') return writeTensor(tf, output);
    return writeTensor(tf, { dtype: 'int32', shape: output.shape, data: this.#strings.addAll(output.data) });
  }
}
