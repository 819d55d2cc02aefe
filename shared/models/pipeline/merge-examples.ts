import { PermanentError } from '../../errors.ts';
import type { ExampleInput, FeatureSpec } from '../model.ts';
import { INSTANCE_SOURCE } from './pipeline-schema.ts';
import type { PlannedStep } from './plan-pipeline.ts';

/**
 * The field of the instance that holds serialized tf.Examples, where steps take such from one field: it must have the features of all of them.
 * Several such fields are taken as bytes, as they come.
 * @throws PermanentError INVALID_ARGUMENT where two steps parse a feature differently.
 */
export function mergeExamples(steps: readonly PlannedStep[]): ExampleInput | undefined {
  const parsers = steps.flatMap(({ name, signature: { examples }, sources }) => {
    const source = examples && sources.find(({ input }) => input === examples.input);
    return source?.from.step === INSTANCE_SOURCE
      ? [{ name, field: source.from.name, features: examples?.features }]
      : [];
  });
  const [first] = parsers;
  if (first === undefined || parsers.some(({ field }) => field !== first.field)) return undefined;
  const merged = new Map<string, FeatureSpec & { readonly by: string }>();
  for (const { name, features } of parsers) {
    if (features === undefined) return { input: first.field };
    for (const feature of features) {
      const there = merged.get(feature.name);
      if (there !== undefined && (there.dtype !== feature.dtype || String(there.shape) !== String(feature.shape))) {
        throw new PermanentError(
          'INVALID_ARGUMENT',
          `step "${name}" parses feature "${feature.name}" as ${feature.dtype}, step "${there.by}" as ${there.dtype}, or in another shape`,
        );
      }
      merged.set(feature.name, {
        ...feature,
        optional: feature.optional && (there?.optional ?? true),
        by: there?.by ?? name,
      });
    }
  }
  const features = [...merged.values()].map(({ name, dtype, shape, optional }) => ({ name, dtype, shape, optional }));
  return { input: first.field, features };
}
