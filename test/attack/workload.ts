import { mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { makeMlp } from '../shared/models/onnx-maker.ts';

/** Many small shards, so that a run takes seconds and a kill can hit any phase of it. */
const SHARD_OPTIONS = ['--max-items-per-batch', '50', '--workers', '2'];

export interface Workload {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly options: readonly string[];
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'three JSONL files by key', inputs: ['a.jsonl', 'b.jsonl', 'c.jsonl'], options: ['--key-field', 'id'] },
  { name: 'a gzipped file', inputs: ['d.jsonl.gz'], options: ['--key-field', 'id'] },
  { name: 'a CSV file', inputs: ['e.csv'], options: ['--key-field', 'id', '--instance-type', 'array'] },
  {
    name: 'rows numbered through two files',
    inputs: ['a.jsonl', 'd.jsonl.gz'],
    options: ['--row-keys', '--excluded-fields', 'id'],
  },
  {
    name: 'JSONL files into Parquet',
    inputs: ['a.jsonl', 'b.jsonl', 'c.jsonl'],
    options: ['--key-field', 'id', '--predictions-format', 'parquet'],
  },
];

/** A folder with inputs and a model. */
export function makeWorkFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-attack-'));
  for (const [index, name] of ['a.jsonl', 'b.jsonl', 'c.jsonl'].entries()) {
    writeFileSync(join(folder, name), jsonLines(10_000 + 5_000 * index));
  }
  writeFileSync(join(folder, 'd.jsonl.gz'), gzipSync(jsonLines(40_000)));
  writeFileSync(join(folder, 'e.csv'), csvRecords(40_000));
  writeModel(folder, 1);
  return folder;
}

export function writeModel(folder: string, seed: number): void {
  mkdirSync(join(folder, 'model'), { recursive: true });
  writeFileSync(join(folder, 'model', 'model.onnx'), makeMlp({ inputs: 4, hidden: [16], outputs: 1, seed }));
}

export function argsOf({ inputs, options }: Workload, output: string): string[] {
  return ['run', ...inputs, '--model', 'model', '--output', output, ...options, ...SHARD_OPTIONS];
}

export interface OutputFiles {
  readonly results: string;
  readonly errors: string;
  readonly counts: unknown;
  /** All that is in the output's folder. */
  readonly names: readonly string[];
}

/** What a run left in a folder of its own. */
export function readOutput(folder: string, output: string): OutputFiles {
  const read = (suffix: string): string => readFileSync(join(folder, `${output}${suffix}`), 'utf8');
  const { counts, files } = JSON.parse(read('.manifest.json')) as Record<string, unknown>;
  return {
    results: read(''),
    errors: read('.errors_stats'),
    counts: { counts, files },
    names: readdirSync(join(folder, output, '..')).sort(),
  };
}

/** Every hundredth row is an error. */
function jsonLines(rows: number): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const x = row % 100 === 99 ? 'not a list' : features(row);
    return JSON.stringify({ id: `k${row % 5_000}`, x });
  });
  return `${lines.join('\n')}\n`;
}

function csvRecords(rows: number): string {
  const records = Array.from({ length: rows }, (_, row) => {
    const cells = row % 100 === 99 ? ['a', 'b', 'c', 'd'] : features(row);
    return `"key\n${row}",${cells.join(',')}`;
  });
  return `id,p,q,r,s\n${records.join('\n')}\n`;
}

function features(row: number): number[] {
  return [row, row * 3, row * 5, row * 7].map((value) => (value % 1_000) / 1_000);
}
