import type * as tfc from '@tensorflow/tfjs-core';
import { PermanentError } from '../../errors.ts';
import type { Tfjs, TfjsBackendName } from '../tfjs-backend.ts';
import { DT, dataTypeName } from './graph-def.ts';
import type { Constants } from './graph-constants.ts';
import { typeAttr } from './graph-node.ts';
import type { Plan, Source } from './graph-plan.ts';
import type { State } from './graph-state.ts';
import { computedType } from './graph-support.ts';
import type { StringPool } from './run-strings.ts';
import { attachTable, detachTable } from './table-handles.ts';
import type { TfTensor } from './tensor-bytes.ts';

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
/** Beyond this an integer is no number of anything, but stands for "without end". */
const ENDLESS = 2 ** 62;

/** A weight in JavaScript's memory, until a backend has it. */
interface Weight {
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly shape: number[];
  data: Float32Array | Int32Array | Uint8Array | undefined;
  readonly on: Map<TfjsBackendName, tfc.Tensor>;
}

/** The constants, variables and tables of a model: each once, whichever signatures read it, and on each backend that does. */
export class Weights {
  readonly #constants: Constants;
  readonly #state: State;
  readonly #strings: StringPool;
  readonly #weights = new Map<unknown, Weight>();
  readonly #tables: number[] = [];
  #byteSize = 0;
  #onWasm = false;

  constructor(constants: Constants, state: State, strings: StringPool) {
    this.#constants = constants;
    this.#state = state;
    this.#strings = strings;
  }

  /** Whether WebAssembly's module holds some of them. */
  get onWasm(): boolean {
    return this.#onWasm;
  }

  get byteSize(): number {
    return this.#byteSize;
  }

  /**
   * Reads whatever these plans start with.
   * @throws PermanentError where a constant, a variable or a table cannot be read, or not computed with.
   */
  async read(plans: Iterable<Plan>): Promise<void> {
    for (const plan of plans) {
      for (const source of plan.sources) {
        const key = keyOf(source);
        if (this.#weights.has(key)) continue;
        const weight = await this.#weight(source);
        this.#weights.set(key, weight);
        this.#byteSize += weight.data?.byteLength ?? 0;
      }
    }
  }

  shape(source: Source): readonly number[] {
    return this.#weights.get(keyOf(source))?.shape ?? [];
  }

  /** The source's tensor on this backend, which is active. */
  tensor(tf: Tfjs, source: Source, backend: TfjsBackendName): tfc.Tensor {
    const weight = this.#weights.get(keyOf(source));
    if (weight === undefined) throw new Error(`${source.node.name} was not read`);
    const known = weight.on.get(backend);
    if (known !== undefined) return known;
    const [other] = weight.on.values();
    const data = weight.data ?? other?.dataSync<'float32'>();
    if (data === undefined) throw new Error(`${source.node.name} is on no backend`);
    const tensor = tf.keep(tf.tensor(data, weight.shape, weight.dtype));
    weight.on.set(backend, tensor);
    // Plain JavaScript computes on this very array; WebAssembly has its own memory.
    if (backend === 'wasm') {
      weight.data = undefined;
      this.#onWasm = true;
    }
    return tensor;
  }

  /** @param wasmLives whether WebAssembly's module is the one that holds them: one that aborted took them along. */
  dispose(wasmLives: boolean): void {
    for (const { on } of this.#weights.values()) {
      for (const [backend, tensor] of on) if (backend !== 'wasm' || wasmLives) tensor.dispose();
    }
    this.#weights.clear();
    this.forgetTables();
  }

  forgetTables(): void {
    this.#tables.forEach(detachTable);
    this.#tables.length = 0;
  }

  async #weight(source: Source): Promise<Weight> {
    refuseType(source);
    switch (source.kind) {
      case 'table': {
        const handle = attachTable(await this.#state.table(source.node));
        this.#tables.push(handle);
        return { dtype: 'int32', shape: [], data: Int32Array.of(handle), on: new Map() };
      }
      case 'constant': {
        const asset = this.#constants.asset({ node: source.node, index: 0 });
        if (asset !== undefined) {
          return { dtype: 'int32', shape: [], data: this.#strings.addAll([asset]), on: new Map() };
        }
        return this.#computed(
          this.#constants.constant({ node: source.node, index: 0 }),
          `the constant ${source.node.name}`,
        );
      }
      case 'variable':
      case 'handle':
        return this.#computed(await this.#state.restore(source), `the variable ${source.node.name}`);
    }
  }

  #computed({ dtype, shape, data }: TfTensor, what: string): Weight {
    const held = { shape: [...shape], on: new Map<TfjsBackendName, tfc.Tensor>() };
    if (Array.isArray(data)) return { ...held, dtype: 'int32', data: this.#strings.addAll(data) };
    switch (computedType(dtype)) {
      case 'float32':
        return {
          ...held,
          dtype: 'float32',
          data: data instanceof Float32Array ? data : Float32Array.from(data, Number),
        };
      case 'bool':
        return { ...held, dtype: 'bool', data: data as Uint8Array };
      case 'int32':
        return { ...held, dtype: 'int32', data: data instanceof Int32Array ? data : toInt32(dtype, data, what) };
      default:
        throw new PermanentError(
          'UNIMPLEMENTED',
          `${what} is ${dataTypeName(dtype)}, which TensorFlow.js does not compute`,
        );
    }
  }
}

/** Before its values are read: of some types we cannot even do that. */
function refuseType({ kind, node }: Source): void {
  const type = kind === 'table' ? undefined : typeAttr(node.attrs, 'dtype');
  const computed = type === undefined ? undefined : computedType(type);
  if (type === undefined || (computed !== undefined && computed !== 'complex64')) return;
  const what = `the ${kind === 'constant' ? kind : 'variable'} ${node.name}`;
  throw new PermanentError('UNIMPLEMENTED', `${what} is ${dataTypeName(type)}, which is not supported`);
}

function toInt32(dtype: number, data: Exclude<TfTensor['data'], Uint8Array[]>, what: string): Int32Array {
  return Int32Array.from(data, (value: number | bigint) => {
    if (value >= INT32_MIN && value <= INT32_MAX) return Number(value);
    if (value > ENDLESS) return INT32_MAX;
    if (value < -ENDLESS) return INT32_MIN;
    const range = `from ${INT32_MIN} to ${INT32_MAX}`;
    const type = dtype === DT.INT64 ? 'int64' : dataTypeName(dtype);
    throw new PermanentError(
      'UNIMPLEMENTED',
      `${what} holds ${value}; TensorFlow.js computes ${type} as int32, ${range}`,
    );
  });
}

/** The same for the same weight: a function that is called twice has its constants once. */
function keyOf(source: Source): unknown {
  return source.kind === 'constant'
    ? source.node.def
    : source.kind === 'table'
      ? source.node
      : `${source.key}\0${source.slice}`;
}
