import util from 'node:util';
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { ModelLostError } from './model-lost-error.ts';
import { computeOverNothing } from './tfjs-empty.ts';

/**
 * TensorFlow.js's backends. The library has one engine with one active backend per thread; tensors stay on the backend that made
 * them. So every use of it takes its turn in `onBackend`, which activates the backend first.
 */

export type Tfjs = typeof import('@tensorflow/tfjs-core');

/** `tensorflow`: libtensorflow through tfjs-node. `wasm`: XNNPACK. `cpu`: plain JavaScript, the one that has every kernel. */
export type TfjsBackendName = 'tensorflow' | 'wasm' | 'cpu';

/** Activates another backend for what follows in the same work. */
export type UseBackend = (name: TfjsBackendName) => Promise<void>;

/** How a TensorFlow.js model is run; without a word, as fast as it can be. */
export interface TfjsOptions {
  /** This backend, instead of the fastest one that runs the model. */
  readonly tfjsBackend?: TfjsBackendName;
  /** False: as if tfjs-node were not installed. */
  readonly tfjsNode?: boolean;
}

/** Raised above `cpu`'s 1 as TensorFlow.js itself does; unused, as a backend is always named. */
const WASM_PRIORITY = 2;
/** Not a literal, so that types do not ask for a package that mostly is not there. */
const TFJS_NODE: string = '@tensorflow/tfjs-node';

const require = createRequire(import.meta.url);

let turn: Promise<unknown> = Promise.resolve();
let core: Promise<Tfjs> | undefined;
let tfjsNode: Promise<boolean> | undefined;
const registered = new Map<TfjsBackendName, Promise<void>>();
/** How often the WebAssembly module was lost. A model keeps the count of its loading: another count means its weights are gone. */
let wasmLosses = 0;
let wasmBroken = false;

/**
 * Runs `work` with this backend active, after every earlier work on TensorFlow.js in this thread has ended. Not reentrant.
 * @throws ModelLostError where `work` made the WebAssembly module abort; the next call starts a new module.
 */
export function onBackend<T>(name: TfjsBackendName, work: (tf: Tfjs, use: UseBackend) => T | Promise<T>): Promise<T> {
  const result = turn.then(async () => {
    const tf = await activate(name);
    try {
      return await work(tf, async (other) => {
        if (tf.getBackend() !== other) await activate(other);
      });
    } catch (error) {
      if (tf.getBackend() !== 'wasm' || !isAbort(error)) throw error;
      wasmBroken = true;
      wasmLosses += 1;
      throw new ModelLostError(`TensorFlow.js's WebAssembly module aborted: ${error.message}`, { cause: error });
    }
  });
  turn = result.catch(() => undefined);
  return result;
}

/** What WebAssembly traps with (its RuntimeError, a class that no types here declare). */
function isAbort(error: unknown): error is Error {
  return error instanceof Error && error.name === 'RuntimeError';
}

/** Changes whenever everything on that backend was lost. */
export function backendEpoch(name: TfjsBackendName): number {
  return name === 'wasm' ? wasmLosses : 0;
}

/** Whether tfjs-node is installed and its library loads. */
export function hasTensorFlow(): Promise<boolean> {
  return (tfjsNode ??= importTfjsNode());
}

async function activate(name: TfjsBackendName): Promise<Tfjs> {
  const tf = await (core ??= import('@tensorflow/tfjs-core'));
  const registration = registered.get(name) ?? register(name, tf);
  registered.set(name, registration);
  await registration;
  if (name === 'wasm' && wasmBroken) restartWasm(tf);
  if (tf.getBackend() !== name && !(await tf.setBackend(name))) {
    throw new Error(`TensorFlow.js's ${name} backend did not start`);
  }
  if (name === 'wasm') failOnExhaustedMemory(tf.backend());
  return tf;
}

async function register(name: TfjsBackendName, tf: Tfjs): Promise<void> {
  // Without it every first use prints an advertisement for tfjs-node.
  tf.enableProdMode();
  if (name === 'tensorflow') {
    if (!(await hasTensorFlow())) throw new Error(`${TFJS_NODE} is not installed or does not load`);
  } else if (name === 'cpu') {
    await import('@tensorflow/tfjs-backend-cpu');
    computeOverNothing(tf, name);
  } else {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    // Workers are our unit of parallelism.
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    wasm.setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
    computeOverNothing(tf, name);
  }
}

/** An aborted module cannot be used again, not even to free what it holds: forget it and register the factory anew. */
function restartWasm(tf: Tfjs): void {
  const factory = tf.findBackendFactory('wasm');
  try {
    tf.removeBackend('wasm');
  } catch {
    // Its disposal calls into the dead module.
  }
  tf.registerBackend('wasm', factory, WASM_PRIORITY);
  wasmBroken = false;
}

interface WasmModule {
  _malloc: ((bytes: number) => number) & { checked?: true };
}

/** TensorFlow.js takes malloc's null pointer for an address and writes over the module's memory. */
function failOnExhaustedMemory(backend: unknown): void {
  const { wasm } = backend as { wasm: WasmModule };
  if (wasm._malloc.checked) return;
  const malloc = wasm._malloc;
  wasm._malloc = Object.assign(
    (bytes: number) => {
      const address = malloc(bytes);
      if (address === 0 && bytes > 0)
        throw new RangeError(`TensorFlow.js's WebAssembly memory cannot hold ${bytes} bytes more`);
      return address;
    },
    { checked: true as const },
  );
}

async function importTfjsNode(): Promise<boolean> {
  try {
    require.resolve(TFJS_NODE);
    // tfjs-node 4.22 calls what Node 23 removed.
    const removed = util as unknown as Record<string, unknown>;
    removed['isNullOrUndefined'] ??= (value: unknown) => value === undefined || value === null;
    removed['isArray'] ??= Array.isArray;
    await import(TFJS_NODE);
    return true;
  } catch {
    return false;
  }
}
