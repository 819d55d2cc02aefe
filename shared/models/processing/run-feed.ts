import { subjectOf } from '../../formats/row-error.ts';
import { newData, newTensor } from '../../tensor.ts';
import type { Tensor, Tensors } from '../../tensor.ts';
import { castTensor } from './cast.ts';
import type { Feed } from './feed.ts';
import type { InputChain } from './input-steps.ts';
import type { Failures } from './value.ts';

/** What an input of the model is given: `[rows, ...]`, of its dtype; undefined where a field is missing. */
export async function runFeed(
  feed: Feed,
  fields: Tensors,
  rows: number,
  failures: Failures,
): Promise<Tensor | undefined> {
  const { input, parts, chain, joined } = feed;
  const made: Tensor[] = [];
  for (const { field, chain: steps } of parts) {
    const tensor = fields[field];
    // The model says that it is missing.
    if (tensor === undefined) return undefined;
    made.push(await runChain(steps, tensor, failures, subjectOf(field)));
  }
  const subject = subjectOf(parts.length === 1 ? (parts[0]?.field ?? input.name) : input.name);
  const start = joined === undefined ? made[0] : join(made, rows, joined, subject, failures);
  if (start === undefined) return undefined;
  const tensor = castTensor(await runChain(chain, start, failures, subject), input.dtype, subject, failures);
  // A model without a batch dimension takes the one row as it is.
  return input.shape?.length === 0 ? newTensor(tensor.dtype, [], tensor.data) : tensor;
}

async function runChain(chain: InputChain, tensor: Tensor, failures: Failures, subject: string): Promise<Tensor> {
  let value = tensor;
  for (const { step } of chain) value = await step.run(value, failures, subject);
  return value;
}

/** The parts' rows one behind the other: `[rows, size]`. */
function join(
  parts: readonly Tensor[],
  rows: number,
  { dtype, size }: NonNullable<Feed['joined']>,
  subject: string,
  failures: Failures,
): Tensor {
  const data = newData(dtype, rows * size);
  let offset = 0;
  for (const part of parts) {
    const { data: from } = castTensor(part, dtype, subject, failures);
    const width = from.length / rows;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < width; i++) data[row * size + offset + i] = from[row * width + i] as never;
    }
    offset += width;
  }
  return newTensor(dtype, [rows, size], data);
}
