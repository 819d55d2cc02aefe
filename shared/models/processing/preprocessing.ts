import { listOf } from '../../formats/row-error.ts';
import type { Tensor, Tensors, TensorSpec } from '../../tensor.ts';
import type { ModelFiles, Signature } from '../model.ts';
import { describeType, mergeShapes } from '../spec.ts';
import type { RowShape } from '../spec.ts';
import { compileFeed } from './feed.ts';
import type { Feed } from './feed.ts';
import { runFeed } from './run-feed.ts';
import type { FeedSpec } from './schema.ts';
import { Misfit, within } from './value.ts';
import type { Failures } from './value.ts';

/** Preprocessing of one signature: from the fields that callers give to the inputs that the model takes. */
export interface Preprocessing {
  /** What callers give, in the order of the model's inputs. */
  readonly inputs: readonly TensorSpec[];
  /** Bytes that one row's processed inputs take. */
  readonly rowBytes: number;
  run(fields: Tensors, rows: number, failures: Failures): Promise<Tensors>;
}

/**
 * @param feeds by input; the signature has all of them.
 * @throws Misfit naming the field of serving.json, and as `readLines`.
 */
export async function compilePreprocessing(
  files: ModelFiles,
  signature: Signature,
  feeds: Readonly<Record<string, FeedSpec>>,
): Promise<Preprocessing> {
  const compiled = new Map<string, Feed>();
  const inputs = new Map<string, TensorSpec>();
  let rowBytes = 0;
  for (const input of signature.inputs) {
    const spec = Object.hasOwn(feeds, input.name) ? feeds[input.name] : undefined;
    if (spec === undefined) {
      addInput(inputs, input, input);
      continue;
    }
    const feed = await within(`preprocess.${input.name}`, () => compileFeed(files, input, spec));
    compiled.set(input.name, feed);
    rowBytes += 4 * feed.rowSize;
    for (const part of feed.parts) {
      const { dtype, shape } = part.given;
      // A scalar without a batch dimension scores one row a call.
      const batch = input.shape?.length === 0 ? 1 : (input.shape?.[0] ?? null);
      await within(`preprocess.${input.name}`, () => {
        addInput(inputs, input, { name: part.field, dtype, shape: shape === null ? null : [batch, ...shape] });
      });
    }
  }
  return {
    inputs: [...inputs.values()],
    rowBytes,
    run: async (fields, rows, failures) => {
      const tensors: Record<string, Tensor> = {};
      for (const { name } of signature.inputs) {
        const feed = compiled.get(name);
        const tensor = feed === undefined ? fields[name] : await runFeed(feed, fields, rows, failures);
        if (tensor !== undefined) tensors[name] = tensor;
      }
      return tensors;
    },
  };
}

function addInput(inputs: Map<string, TensorSpec>, input: TensorSpec, spec: TensorSpec): void {
  const there = inputs.get(spec.name);
  const shape: RowShape | undefined = there === undefined ? spec.shape : mergeShapes(there.shape, spec.shape);
  if (shape === undefined || (there !== undefined && there.dtype !== spec.dtype)) {
    const [found, expected] = [spec, there ?? spec].map(describeType);
    throw new Misfit(
      `input ${listOf([input.name])} takes field ${listOf([spec.name])} as ${found ?? ''}, and another one as ${expected ?? ''}: write dtype and shape`,
    );
  }
  inputs.set(spec.name, { ...spec, shape });
}
