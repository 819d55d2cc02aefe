import { createHash } from 'node:crypto';

import type { OutputNames } from './job.ts';

/** Every name that two functions must agree on. All are injective: no user's key, file or model name can collide with another's. */

const SPLIT_DIGITS = 5;

/** The id of the job that these parts (bucket, name and generation of an upload; the coordinates of a run) make: always the same. */
export function jobIdOf(...parts: readonly string[]): string {
  return `j${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 20)}`;
}

/** `00003-00017`: a shard's coordinates; names sort as numbers do. */
export function shardId(split: number, shard: number): string {
  return `${splitId(split)}-${padded(shard)}`;
}

export function splitId(split: number): string {
  return padded(split);
}

/** A result's document: many functions create these at once, and ids in sequence would all be written in one spot of a distributed database. */
export function resultId(split: number, shard: number): string {
  const id = shardId(split, shard);
  return `${createHash('sha256').update(id).digest('hex').slice(0, 4)}-${id}`;
}

/** A decompressed shard of an input that cannot be ranged. */
export function stagedName(prefix: string, split: number, shard: number): string {
  return `${prefix}staged/${shardId(split, shard)}`;
}

/** A result too large for a document. Two attempts may encode the same rows differently (another batch size): so its name carries its digest. */
export function resultName(prefix: string, split: number, shard: number, bytes: Uint8Array): string {
  return `${prefix}results/${shardId(split, shard)}-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

export function partName(prefix: string, split: number): string {
  return `${prefix}parts/${splitId(split)}`;
}

/** A part written again, with the columns of the whole output. */
export function fittedPartName(prefix: string, split: number): string {
  return `${prefix}fitted/${splitId(split)}`;
}

/** What stands before and behind the parts, in formats that have such. */
export function frameName(prefix: string, end: 'header' | 'footer'): string {
  return `${prefix}frame/${end}`;
}

/** An inner node of the tree that composes parts: level 1 joins parts, level 2 joins level 1. */
export function composedName(prefix: string, level: number, index: number): string {
  return `${prefix}composed/${level}-${padded(index)}`;
}

/** Everything of a job that lives only until it ends. */
export function scratchPrefix(job: string): string {
  return `_fanfold/${job}/`;
}

/** A job's folder, as Vertex AI names it: `prediction-<model>-<createTime>`. */
export function outputFolder(model: string, createTime: string): string {
  return `prediction-${model}-${createTime}`;
}

/** The objects of a job that ends in a folder; `prefix` ends with `/` or is empty. */
export function folderOutput(bucket: string, prefix: string): OutputNames {
  return {
    bucket,
    results: `${prefix}prediction.results-00000-of-00001`,
    errors: `${prefix}prediction.errors_stats-00000-of-00001`,
    manifest: `${prefix}manifest.json`,
  };
}

/** The objects of a job whose results go to one named file: the others stand beside it. */
export function fileOutput(bucket: string, file: string): OutputNames {
  return { bucket, results: file, errors: `${file}.errors_stats`, manifest: `${file}.manifest.json` };
}

function padded(index: number): string {
  return String(index).padStart(SPLIT_DIGITS, '0');
}
