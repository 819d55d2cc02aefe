import type { ModelFiles } from '../model.ts';
import { assetFile } from './table-asset.ts';
import type { Bundle } from './bundle.ts';
import { DT, type AssetFile } from './graph-def.ts';
import type { Graph } from './graph.ts';
import { refName, type OpNode, type Ref } from './graph-node.ts';
import { isAlias } from './graph-alias.ts';
import { tensorOfProto } from './tensor-proto.ts';
import type { TfTensor } from './tensor-bytes.ts';

const MAX_RANGE = 16_777_216;
/** Of all constants whose values the file does not hold one by one: a few bytes may stand for each of them. */
const MAX_FILLED_BYTES = 512 * 1024 * 1024;

/** What is known of a graph before it runs: constants, assets' paths, tensors of the checkpoint, and what is made of them in a few plain ways. */
export class Constants {
  readonly #graph: Graph;
  readonly #files: ModelFiles;
  readonly #bundle: Bundle | undefined;
  readonly #assets: ReadonlyMap<OpNode, AssetFile>;
  readonly #filled = new Set<OpNode>();
  #filledBytes = 0;

  constructor(graph: Graph, files: ModelFiles, bundle: Bundle | undefined, assets: readonly AssetFile[]) {
    this.#graph = graph;
    this.#files = files;
    this.#bundle = bundle;
    this.#assets = new Map(
      assets.map((asset) => [this.source(graph.resolve(graph.top, asset.tensorName)).node, asset]),
    );
  }

  /** The operation behind a ref, past those that hand on what they get. */
  source(ref: Ref): Ref {
    let at = ref;
    const seen = new Set<OpNode>();
    while (isAlias(at.node) && !seen.has(at.node)) {
      seen.add(at.node);
      at = this.#graph.input(at.node, at.index);
    }
    return at;
  }

  /** The name, among the model's files, of the asset that the constant is the path of. */
  asset(ref: Ref): string | undefined {
    const asset = this.#assets.get(this.#assigned(this.source(ref)).node);
    return asset === undefined ? undefined : assetFile(this.#files, asset.filename);
  }

  /** TF2 keeps an asset's path in a variable that nothing restores: what it is assigned, else the ref itself. */
  #assigned(ref: Ref): Ref {
    if (ref.node.op !== 'ReadVariableOp') return ref;
    const variable = this.source(this.#graph.input(ref.node, 0)).node;
    for (const def of this.#graph.top.nodes.values()) {
      if (def.op !== 'AssignVariableOp') continue;
      const assign = this.#graph.node(this.#graph.top, def);
      if (this.source(this.#graph.input(assign, 0)).node === variable) return this.source(this.#graph.input(assign, 1));
    }
    return ref;
  }

  /** What a RestoreV2 (or one of its predecessors) reads: the checkpoint's key, and the slice. */
  restored(ref: Ref): { readonly key: string; readonly slice: string } | undefined {
    const { node, index } = this.source(ref);
    const names = { RestoreV2: [1, 2], RestoreSlice: [1, 2], Restore: [1] }[node.op];
    if (names === undefined) return undefined;
    const [key, slice] = names.map((input) => {
      const text = this.constant(this.#graph.input(node, input)).data[node.op === 'RestoreV2' ? index : 0];
      return text instanceof Uint8Array ? new TextDecoder().decode(text) : '';
    });
    return { key: key ?? '', slice: slice ?? '' };
  }

  /** @throws PermanentError where it is not known before the graph runs. */
  async value(ref: Ref): Promise<TfTensor> {
    const restored = this.restored(ref);
    if (restored === undefined) return this.constant(ref);
    if (this.#bundle === undefined)
      return this.#graph.fail(`${refName(ref)} is restored from variables/, which is not there`);
    return this.#bundle.restore(restored.key, restored.slice);
  }

  /** As `value`, of what is in the graph itself. */
  constant(ref: Ref): TfTensor {
    const { node } = this.source(ref);
    switch (node.op) {
      case 'Const': {
        const value = node.attrs.get('value');
        if (value?.kind !== 'tensor') return this.#graph.fail(`the constant ${node.name} has no value`);
        const tensor = tensorOfProto(value.value, `${this.#graph.label}: saved_model.pb: the constant ${node.name}`);
        if (value.value.content.length === 0) this.#countFilled(node, tensor);
        return tensor;
      }
      case 'Cast':
        return castConstant(this.constant(this.#graph.input(node, 0)), node, this.#graph);
      case 'Range':
        return this.#range(node);
      default:
        return this.#graph.fail(`${node.name} (${node.op}) is needed before the graph runs, and is no constant`);
    }
  }

  #countFilled(node: OpNode, { data }: TfTensor): void {
    if (this.#filled.has(node)) return;
    this.#filled.add(node);
    this.#filledBytes += Array.isArray(data) ? data.length : data.byteLength;
    if (this.#filledBytes > MAX_FILLED_BYTES)
      this.#graph.fail(
        `constants given by lists of values take more than ${MAX_FILLED_BYTES} bytes, with ${node.name}`,
      );
  }

  #range(node: OpNode): TfTensor {
    const [start = 0, limit = 0, delta = 1] = [0, 1, 2].map((n) =>
      Number(this.constant(this.#graph.input(node, n)).data[0]),
    );
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!Number.isFinite(count) || count > MAX_RANGE)
      return this.#graph.fail(`${node.name} is a range of ${count} elements`);
    const data = BigInt64Array.from({ length: count }, (_, i) => BigInt(Math.trunc(start + i * delta)));
    return { dtype: DT.INT64, shape: [count], data };
  }
}

function castConstant(tensor: TfTensor, node: OpNode, graph: Graph): TfTensor {
  const to = node.attrs.get('DstT');
  const wanted = to?.kind === 'type' ? to.value : tensor.dtype;
  if (wanted === tensor.dtype) return tensor;
  const { shape, data } = tensor;
  if (Array.isArray(data)) return graph.fail(`${node.name} casts strings`);
  const numbers = Array.from(data, Number);
  if (wanted === DT.INT64)
    return { dtype: wanted, shape, data: BigInt64Array.from(numbers, (value) => BigInt(Math.trunc(value))) };
  if (wanted === DT.INT32) return { dtype: wanted, shape, data: Int32Array.from(numbers) };
  if (wanted === DT.FLOAT) return { dtype: wanted, shape, data: Float32Array.from(numbers) };
  return graph.fail(`${node.name} casts a constant to DataType ${wanted}`);
}
