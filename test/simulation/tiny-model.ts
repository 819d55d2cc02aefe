import { PermanentError } from '../../shared/errors.ts';
import { DEFAULT_SIGNATURE } from '../../shared/models/model.ts';
import type { JobPlan } from '../../shared/job.ts';
import type { Model } from '../../shared/models/model.ts';
import type { ModelStore } from '../../shared/ports.ts';
import type { Tensors } from '../../shared/tensor.ts';

/** The instance that a strict model refuses. */
export const REJECTED = 666;

/** `y = 5x`. */
class TinyModel implements Model {
  readonly runtime = 'tiny 1.0';
  readonly byteSize = 8;
  readonly signatures = {
    [DEFAULT_SIGNATURE]: {
      name: DEFAULT_SIGNATURE,
      inputs: [{ name: 'x', dtype: 'float32', shape: [null] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [null] }],
    },
  } as const;
  readonly #refuses: (x: number) => boolean;

  constructor(refuses: (x: number) => boolean) {
    this.#refuses = refuses;
  }

  predict(_signature: string, { x }: Tensors): Promise<Tensors> {
    if (x?.dtype !== 'float32') return Promise.reject(new Error('x: expected float32'));
    const refused = x.data.find(this.#refuses);
    if (refused !== undefined) return Promise.reject(new Error(`x: ${String(refused)} is bad luck`));
    return Promise.resolve({ y: { dtype: 'float32', shape: x.shape, data: x.data.map((value) => 5 * value) } });
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

/** What scoring needs of a ModelCache: it pins the version, but keeps nothing. */
export class TinyModels {
  readonly #store: ModelStore;
  readonly #refuses: (x: number) => boolean;

  constructor(store: ModelStore, refuses: (x: number) => boolean) {
    this.#store = store;
    this.#refuses = refuses;
  }

  async with<T>({ model, version, digest }: JobPlan['model'], use: (model: Model) => Promise<T>): Promise<T> {
    const found = await this.#store.resolve(`${model}@${version}`);
    if (found.digest !== digest)
      throw new PermanentError('FAILED_PRECONDITION', `model ${model}@${version} has changed`);
    return use(new TinyModel(this.#refuses));
  }
}
