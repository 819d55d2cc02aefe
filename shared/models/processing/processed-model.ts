import { PermanentError } from '../../errors.ts';
import { batchDimension } from '../../tensor-rows.ts';
import type { Tensors } from '../../tensor.ts';
import type { Model, ModelFiles, Signature } from '../model.ts';
import { scoreInChunks } from '../row-chunks.ts';
import { RowFailures } from '../row-failures.ts';
import { SERVING_CONFIG } from '../serving-config.ts';
import { compilePostprocessing } from './postprocessing.ts';
import type { Postprocessing } from './postprocessing.ts';
import { compilePreprocessing } from './preprocessing.ts';
import type { Preprocessing } from './preprocessing.ts';
import type { Processing, SignatureProcessing } from './schema.ts';
import { checkNames, processingOf } from './select-processing.ts';
import { Failures, Misfit, within } from './value.ts';

/** Bytes of preprocessed inputs given to the model at once: decoded images are a hundred times as large as what they are decoded from. */
const CHUNK_BYTES = 64 * 1024 * 1024;

/** A signature with what stands before and behind it. */
interface Processed {
  readonly inner: Signature;
  /** What callers see. */
  readonly served: Signature;
  readonly before: Preprocessing | undefined;
  readonly after: Postprocessing | undefined;
  /** Rows given to the model at once. */
  readonly chunkRows: number;
}

/**
 * The model with the processing that its serving.json declares: what callers see are the signatures with it.
 * @throws PermanentError INVALID_ARGUMENT naming the step that does not fit the model, and as `readLines`; then the model is disposed of.
 */
export async function processModel(model: Model, files: ModelFiles, processing: Processing): Promise<Model> {
  try {
    checkNames(model, processing);
    const processed = new Map<string, Processed>();
    for (const signature of Object.values(model.signatures)) {
      const own = processingOf(processing, signature);
      if (own === undefined) continue;
      const place = own === processing.signatures?.[signature.name] ? ['signatures', signature.name] : [];
      processed.set(signature.name, await within(place, () => compile(files, signature, own)));
    }
    return new ProcessedModel(model, processed);
  } catch (error) {
    await model.dispose();
    if (!(error instanceof Misfit)) throw error;
    const place = error.path.length === 0 ? '' : `${error.path.join('.')}: `;
    throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${SERVING_CONFIG}: ${place}${error.message}`, {
      cause: error,
    });
  }
}

async function compile(
  files: ModelFiles,
  signature: Signature,
  { preprocess = {}, postprocess = [] }: SignatureProcessing,
): Promise<Processed> {
  const fed = Object.keys(preprocess);
  const before = fed.length === 0 ? undefined : await compilePreprocessing(files, signature, preprocess);
  const after = postprocess.length === 0 ? undefined : await compilePostprocessing(files, signature, postprocess);
  const { examples, ...rest } = signature;
  const served: Signature = {
    ...rest,
    inputs: before?.inputs ?? signature.inputs,
    outputs: after?.outputs ?? signature.outputs,
    // An input of Examples that is made of something else is not one any more.
    ...(examples !== undefined && !fed.includes(examples.input) && { examples }),
  };
  const rowBytes = Math.max(1, before?.rowBytes ?? 1);
  const free = batchDimension(signature) === undefined;
  const chunkRows = free ? Math.max(1, Math.floor(CHUNK_BYTES / rowBytes)) : Infinity;
  return { inner: signature, served, before, after, chunkRows };
}

class ProcessedModel implements Model {
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly #model: Model;
  readonly #processed: ReadonlyMap<string, Processed>;

  constructor(model: Model, processed: ReadonlyMap<string, Processed>) {
    this.#model = model;
    this.#processed = processed;
    this.signatures = Object.fromEntries(
      Object.entries(model.signatures).map(([name, signature]) => [name, processed.get(name)?.served ?? signature]),
    );
  }

  get refused(): Readonly<Record<string, string>> {
    return this.#model.refused ?? {};
  }

  get runtime(): string {
    return this.#model.runtime;
  }

  get byteSize(): number {
    return this.#model.byteSize;
  }

  predict(signature: string, inputs: Tensors): Promise<Tensors> {
    const processed = this.#processed.get(signature);
    if (processed === undefined) return this.#model.predict(signature, inputs);
    const rows = Object.values(inputs).find(({ shape }) => shape.length > 0)?.shape[0] ?? 1;
    return scoreInChunks(inputs, rows, processed.chunkRows, (chunk, size) => this.#predict(processed, chunk, size));
  }

  dispose(): Promise<void> {
    return this.#model.dispose();
  }

  async #predict({ inner, before, after }: Processed, inputs: Tensors, rows: number): Promise<Tensors> {
    const failures = new Failures();
    const given = before === undefined ? inputs : await before.run(inputs, rows, failures);
    failures.throwIfAny();
    const outputs = await this.#model.predict(inner.name, given).catch(withoutScores);
    if (after === undefined) return outputs;
    const made = after.run(outputs, failures);
    failures.throwIfAny();
    return made;
  }
}

/** Outputs that come with a failure have not been processed. */
function withoutScores(error: unknown): never {
  throw error instanceof RowFailures ? new RowFailures(error.failures) : error;
}
