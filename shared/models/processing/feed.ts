import { elementCount } from '../../tensor.ts';
import type { TensorSpec } from '../../tensor.ts';
import type { ModelFiles } from '../model.ts';
import { describeType, fixedSize, mergeShapes, rowShapeOf } from '../spec.ts';
import type { RowType } from '../spec.ts';
import { checkCast } from './cast.ts';
import { buildChain, chainInputShape, chainOutput } from './input-steps.ts';
import type { InputChain } from './input-steps.ts';
import type { FeedSpec, PartSpec } from './schema.ts';
import { floatFor, Misfit, within } from './value.ts';
import type { FloatDType } from './value.ts';

/** A field with its own steps. */
interface Part {
  readonly field: string;
  readonly given: RowType;
  readonly chain: InputChain;
  readonly made: RowType;
}

/** One input of the model: its parts one after the other, then the steps. */
export interface Feed {
  readonly input: TensorSpec;
  readonly parts: readonly Part[];
  readonly chain: InputChain;
  /** Elements of a row; dimensions that nothing tells count as one. */
  readonly rowSize: number;
  /** The parts' common type, and their elements in all; undefined: the only part as it is. */
  readonly joined?: { readonly dtype: RowType['dtype']; readonly size: number };
}

/** Fits the fields and steps of one input together. @throws Misfit, and as `readLines`. */
export async function compileFeed(files: ModelFiles, input: TensorSpec, spec: FeedSpec): Promise<Feed> {
  const float = floatFor(input.dtype);
  const chain = await buildChain(files, spec.steps, float);
  const target = rowShapeOf(input);
  const next = chain.find(({ step }) => step.takes !== undefined)?.step.takes ?? input.dtype;
  if (spec.concat === undefined) {
    const { field = input.name, dtype = next, shape = chainInputShape(chain, target) } = spec;
    if (shape === undefined) throw new Misfit('the steps do not tell the shape of a row of the field: write shape');
    const given = { dtype, shape };
    const rowSize = checkTarget(input, await chainOutput(chain, given));
    return { input, parts: [{ field, given, chain: [], made: given }], chain, rowSize };
  }
  const parts: Part[] = [];
  for (const [index, part] of spec.concat.entries()) {
    parts.push(await within(`concat.${index}`, () => compilePart(files, part, float, next)));
  }
  const joined = joinType(parts, float);
  const rowSize = checkTarget(input, await chainOutput(chain, { dtype: joined.dtype, shape: [joined.size] }));
  return { input, parts, chain, rowSize, joined };
}

async function compilePart(
  files: ModelFiles,
  part: PartSpec,
  float: FloatDType,
  next: RowType['dtype'],
): Promise<Part> {
  const chain = await buildChain(files, part.steps, float);
  const dtype = part.dtype ?? chain.find(({ step }) => step.takes !== undefined)?.step.takes ?? next;
  const given = { dtype, shape: part.shape ?? [] };
  return { field: part.field, given, chain, made: await chainOutput(chain, given) };
}

function joinType(parts: readonly Part[], float: FloatDType): { dtype: RowType['dtype']; size: number } {
  const dtypes = new Set(parts.map(({ made }) => made.dtype));
  const [first = float] = dtypes;
  const dtype = dtypes.size === 1 ? first : float;
  const size = parts.reduce((sum, { made, field }) => {
    if (dtypes.size > 1 && made.dtype === 'string') {
      throw new Misfit(`concat: field ${JSON.stringify(field)} is string, and others are not`);
    }
    return sum + (fixedSize(made.shape) ?? 0);
  }, 0);
  return { dtype, size };
}

/** Checks that the model takes what the steps make. @returns the elements of a row of it. */
function checkTarget(input: TensorSpec, made: RowType): number {
  const target = { dtype: input.dtype, shape: rowShapeOf(input) };
  checkCast(made.dtype, target.dtype);
  const shape = mergeShapes(made.shape, target.shape);
  if (shape === undefined) {
    throw new Misfit(`the steps make ${describeType(made)} of a row, and the model takes ${describeType(target)}`);
  }
  return elementCount((shape ?? []).map((size) => size ?? 1));
}
