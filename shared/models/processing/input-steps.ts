import type { ModelFiles } from '../model.ts';
import type { RowShape, RowType } from '../spec.ts';
import { oneHot, vocabulary } from './category-steps.ts';
import { imageStep, isImageStep, pixelsStep } from './image-steps.ts';
import type { InputStep } from './input-step.ts';
import { elementwise, normalize } from './number-steps.ts';
import { readLines } from './read-lines.ts';
import type { InputStepSpec } from './schema.ts';
import { channelsFirst, reshape } from './shape-steps.ts';
import { within } from './value.ts';
import type { FloatDType } from './value.ts';

/** Steps one after the other, ready to run. */
export type InputChain = readonly { readonly step: InputStep; readonly index: number }[];

/**
 * Makes the steps of a field or of an input; reads the files that they name.
 * @param float what numbers are computed in.
 * @throws Misfit (a step that cannot stand there), and as `readLines`.
 */
export async function buildChain(
  files: ModelFiles,
  specs: readonly InputStepSpec[],
  float: FloatDType,
): Promise<InputChain> {
  const chain: { step: InputStep; index: number }[] = [];
  for (let index = 0; index < specs.length; index++) {
    const spec = specs[index] as InputStepSpec;
    if (spec.op === 'decodeImage') {
      const sizes = specs.slice(index + 1);
      const end = sizes.findIndex((size) => !isImageStep(size));
      const taken = (end === -1 ? sizes : sizes.slice(0, end)).filter(isImageStep);
      chain.push({ step: await within(placeOf(index, spec.op), () => imageStep(spec, taken)), index });
      index += taken.length;
    } else {
      const values = spec.op === 'vocabulary' ? (spec.values ?? (await readLines(files, spec.file ?? ''))) : [];
      chain.push({ step: await within(placeOf(index, spec.op), () => buildStep(spec, float, values)), index });
    }
  }
  return chain;
}

function buildStep(
  spec: Exclude<InputStepSpec, { op: 'decodeImage' }>,
  float: FloatDType,
  values: readonly string[],
): InputStep {
  switch (spec.op) {
    case 'scale':
      return elementwise(spec.op, float, (x) => x * spec.factor + spec.offset);
    case 'clip':
      // Math.min makes a negative NaN of any NaN, and XNNPACK's relu makes 0 of that: a NaN stays the one it was.
      return elementwise(spec.op, float, (x) => (Number.isNaN(x) ? x : Math.min(spec.max, Math.max(spec.min, x))));
    case 'log1p':
      return elementwise(spec.op, float, Math.log1p);
    case 'normalize':
      return normalize(float, spec.mean, spec.std);
    case 'channelsFirst':
      return channelsFirst();
    case 'reshape':
      return reshape(spec.shape);
    case 'vocabulary':
      return vocabulary(values, spec.unknown === 'error' ? undefined : spec.unknown);
    case 'oneHot':
      return oneHot(float, spec.depth);
    case 'resize':
    case 'crop':
      return pixelsStep(spec);
    default:
      return spec satisfies never;
  }
}

/** What the chain makes of that. @throws Misfit naming the step. */
export async function chainOutput(chain: InputChain, input: RowType): Promise<RowType> {
  let type = input;
  for (const { step, index } of chain) type = await within(placeOf(index, step.op), () => step.outputType(type));
  return type;
}

/** The shape of a row before the chain, by the one after it; undefined where that does not tell. */
export function chainInputShape(chain: InputChain, output: RowShape): RowShape | undefined {
  let shape: RowShape | undefined = output;
  for (const { step } of chain.toReversed()) {
    shape = shape === undefined ? step.onlyShape : step.inputShape(shape);
  }
  return shape;
}

function placeOf(index: number, op: string): string {
  return `steps.${index} (${op})`;
}
