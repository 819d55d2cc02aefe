import { loadGraphModelSync, type GraphModel } from '@tensorflow/tfjs-converter';
import type * as tfc from '@tensorflow/tfjs-core';
import { graphNeedsCpu } from '../tfjs-graph-def.ts';
import type { TfjsBackendName } from '../tfjs-backend.ts';
import { feedName, resultNames, segmentArtifacts, segmentNodes } from './graph-lower.ts';
import type { Segment } from './graph-plan.ts';
import { GROUPED_CONVOLUTION, isOfGroups } from './run-grouped-conv.ts';

/** A segment as TensorFlow.js runs it. It holds no weights: they come with the other values. */
export class SegmentModel {
  readonly #segment: Segment;
  readonly #names: ReadonlyMap<number, string>;
  #model: GraphModel<tfc.io.IOHandlerSync> | undefined;
  #isGrouped = false;
  /** `cpu` once the other backend was found to lack a kernel. */
  backend: TfjsBackendName;

  /** @param shapes of slots, where they are known before it runs: a convolution's kernel may be one that WebAssembly gets wrong. */
  constructor(segment: Segment, shapes: ReadonlyMap<number, readonly number[]>, fastest: TfjsBackendName) {
    this.#segment = segment;
    this.#names = resultNames(segment);
    this.backend = fastest === 'wasm' && needsCpu(segment, shapes) ? 'cpu' : fastest;
  }

  get segment(): Segment {
    return this.#segment;
  }

  /**
   * Runs it, or of it what can run: where values are missing, on a branch that is not taken, so are those made of them.
   * @param value of a slot; undefined where it is missing.
   * @returns by slot; what is missing is not in it.
   */
  run(value: (slot: number) => tfc.Tensor | undefined): Map<number, tfc.Tensor> {
    const feeds: tfc.NamedTensorMap = {};
    const missing = new Set<number>();
    for (const slot of this.#segment.feeds) {
      const tensor = value(slot);
      if (tensor === undefined) missing.add(slot);
      else feeds[feedName(slot)] = tensor;
    }
    const results = missing.size === 0 ? this.#segment.results : this.#alive(missing);
    if (results.length === 0) return new Map();
    const tensors = this.#execute(
      feeds,
      results.map((slot) => this.#names.get(slot) ?? ''),
    );
    return new Map(tensors.map((tensor, i) => [results[i] ?? -1, tensor]));
  }

  /** Whether a convolution is of groups is known only when its input is there. */
  #execute(feeds: tfc.NamedTensorMap, names: string[]): tfc.Tensor[] {
    try {
      this.#model ??= loadGraphModelSync({ load: () => segmentArtifacts(this.#segment) });
      return [this.#model.execute(feeds, names)].flat();
    } catch (error) {
      if (this.#isGrouped || !isOfGroups(error)) throw error;
      this.#isGrouped = true;
      this.#model?.dispose();
      this.#model = loadGraphModelSync({ load: () => withGroups(segmentArtifacts(this.#segment)) });
      return [this.#model.execute(feeds, names)].flat();
    }
  }

  #alive(missing: Set<number>): readonly number[] {
    for (const node of this.#segment.nodes) {
      if (node.inputs.some((slot) => missing.has(slot))) for (const slot of node.outputs) missing.add(slot);
    }
    return this.#segment.results.filter((slot) => !missing.has(slot));
  }
}

function withGroups(artifacts: tfc.io.ModelArtifacts): tfc.io.ModelArtifacts {
  const { node, ...topology } = artifacts.modelTopology as { readonly node: readonly { readonly op: string }[] };
  const nodes = node.map((each) => (each.op === 'Conv2D' ? { ...each, op: GROUPED_CONVOLUTION } : each));
  return { ...artifacts, modelTopology: { ...topology, node: nodes } };
}

function needsCpu(segment: Segment, shapes: ReadonlyMap<number, readonly number[]>): boolean {
  const weights = segment.feeds.flatMap((slot) => {
    const shape = shapes.get(slot);
    return shape === undefined ? [] : [{ name: feedName(slot), shape: [...shape], dtype: 'float32' as const }];
  });
  return graphNeedsCpu({ topology: { node: segmentNodes(segment) }, json: {}, weights });
}
