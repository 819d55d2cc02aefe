import { isDeepStrictEqual } from 'node:util';

import { isEnded } from '../shared/job.ts';
import type { Job } from '../shared/job.ts';
import type { Input } from '../shared/shard.ts';

/**
 * What stands between an unfinished job and what is asked for now, one sentence each; none where they are the same job and it
 * can be resumed.
 */
export function differences(unfinished: Job, asked: Job): readonly string[] {
  return [...modelChanges(unfinished, asked), ...inputChanges(unfinished, asked), ...optionChanges(unfinished, asked)];
}

function modelChanges(before: Job, now: Job): string[] {
  const [was, is] = [before.plan.model, now.plan.model];
  if (was.model !== is.model || was.version !== is.version) {
    return [`the model is ${is.model}@${is.version}; it was ${was.model}@${was.version}`];
  }
  return was.digest === is.digest ? [] : [`the files of model ${is.model}@${is.version} have changed`];
}

function inputChanges(before: Job, now: Job): string[] {
  const [were, are] = [before.plan.inputs, now.plan.inputs];
  const names = (inputs: readonly Input[]): string[] => inputs.map(({ bucket, name }) => `${bucket}${name}`);
  if (!isDeepStrictEqual(names(were), names(are)))
    return [`the input is ${list(names(are))}; it was ${list(names(were))}`];
  return are.flatMap((input, index) => {
    const was = were[index];
    if (was === undefined || was.generation === input.generation) return [];
    const sizes = was.size === input.size ? 'same size, but written since' : `${input.size} bytes, was ${was.size}`;
    return [`input ${input.bucket}${input.name} has changed (${sizes})`];
  });
}

function optionChanges(before: Job, now: Job): string[] {
  if (isEnded(before)) return [];
  const fields = new Set([...Object.keys(before.spec), ...Object.keys(now.spec)]) as Set<keyof Job['spec']>;
  return [...fields]
    .filter((field) => !isDeepStrictEqual(before.spec[field], now.spec[field]))
    .map((field) => `${field} is ${show(now.spec[field])}; it was ${show(before.spec[field])}`);
}

function show(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value);
}

function list(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
