import { crc32c, encodeCrc32c } from '../../shared/crc32c.ts';
import { isEnded } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import type { StoredObject } from '../../shared/ports.ts';
import type { ExpectedRow, Labels } from './inputs.ts';
import { OUTPUT } from './play.ts';
import { bytesOf } from './simulated-ports.ts';
import type { World } from './world.ts';

/** What must hold after any attack. Each throws an Error that says what does not. */

export interface Output {
  readonly results: string;
  readonly errors: string;
  readonly manifest: Manifest;
}

export interface Manifest {
  readonly job: Record<string, unknown>;
  readonly files: readonly {
    readonly name: string;
    readonly size: number;
    readonly rows?: number;
    readonly crc32c: string;
  }[];
  readonly counts: { readonly rows: number; readonly successful: number; readonly failed: number };
  /** What was measured: the clock's, and the winning attempts'. */
  readonly metrics?: unknown;
}

export interface Line {
  readonly key?: unknown;
  readonly instance?: unknown;
  readonly prediction?: unknown;
  readonly error?: { readonly code: number; readonly status: string; readonly message: string };
}

export function require(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** Who sees the manifest sees everything: its files are there, with these sizes, checksums and counts. */
export async function readOutput(world: World, { id, state, error, outcome, plan }: Job): Promise<Output> {
  require(outcome !==
    undefined, `job ${id} is ${state}, and has no output: ${error?.message ?? 'it does not say why'}`);
  const stat = await world.objects.stat(plan.output.bucket, plan.output.manifest);
  require(stat !== undefined, `job ${id} has no manifest`);
  const manifest = JSON.parse((await bytesOf(world.objects.read(stat, 0, stat.size))).toString()) as Manifest;
  const results = await content(world, outcome.results);
  const errors = await content(world, outcome.errors);
  for (const [file, bytes] of [
    [manifest.files[0], results],
    [manifest.files[1], errors],
  ] as const) {
    require(file?.size ===
      bytes.length, `${file?.name ?? 'a file'} has ${bytes.length} bytes; the manifest says ${file?.size ?? 0}`);
    require(file.crc32c === encodeCrc32c(crc32c(bytes)), `${file.name}: not the checksum of the manifest`);
  }
  const lines = linesOf(results.toString());
  const failed = lines.filter((line) => line.includes('"error":{"code":')).length;
  const { counts } = manifest;
  require(counts.rows === lines.length, `${lines.length} lines; the manifest counts ${counts.rows}`);
  require(counts.failed === failed, `${failed} error lines; the manifest counts ${counts.failed}`);
  require(outcome.rows === counts.rows &&
    outcome.failed === counts.failed, 'the job counts other rows than the manifest');
  const summed = linesOf(errors.toString()).reduce(
    (sum, line) => sum + (JSON.parse(line) as { count: number }).count,
    0,
  );
  require(summed === failed, `the errors summary counts ${summed} of ${failed} errors`);
  return { results: results.toString(), errors: errors.toString(), manifest };
}

async function content(world: World, object: StoredObject): Promise<Buffer> {
  const live = await world.objects.stat(object.bucket, object.name);
  require(live?.generation === object.generation, `${object.name} is not the object of the job's outcome`);
  return bytesOf(world.objects.read(object, 0, object.size));
}

export function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** One line per instance, in order: its key, and its prediction or its error, never both. */
export function checkRows(results: string, expected: readonly ExpectedRow[], labels: Labels, strict: boolean): void {
  const lines = linesOf(results);
  require(lines.length === expected.length, `${lines.length} output rows of ${expected.length} input rows`);
  for (const [row, wanted] of expected.entries()) {
    try {
      checkRow(lines[row] ?? '', wanted, labels, strict);
    } catch (error) {
      throw new Error(`row ${row}: ${(error as Error).message}: ${(lines[row] ?? '').slice(0, 300)}`, { cause: error });
    }
  }
}

function checkRow(text: string, { label, y, rejected }: ExpectedRow, labels: Labels, strict: boolean): void {
  const start = labels === 'instance' ? '{"instance":' : `{"key":`;
  require(text.startsWith(start), `does not start with ${start}`);
  if (label !== undefined) require(text.startsWith(`${start}${label},`), `its label is not ${label.slice(0, 100)}`);
  const line = JSON.parse(text) as Line;
  require('prediction' in line !== 'error' in line, 'holds not exactly one of prediction and error');
  if (y === undefined || (rejected && strict)) {
    require(line.error?.code === 3 && line.error.status === 'INVALID_ARGUMENT', 'is not the error INVALID_ARGUMENT');
    require(line.error.message.length > 10, 'its error says nothing');
  } else require(line.prediction === y, `its prediction is not ${y}`);
}

/** After a sweep, an ended job has left its output and the index of its parts, and nothing else. */
export async function checkNothingLeft(world: World, jobs: readonly Job[]): Promise<void> {
  require(world.outstanding === 0, `${world.outstanding} messages are left`);
  const outputs = new Set(jobs.flatMap(({ plan: { output } }) => [output.results, output.errors, output.manifest]));
  for await (const { name } of world.objects.list(OUTPUT, '')) require(outputs.has(name), `${name} is left over`);
  for (const job of jobs) {
    require(isEnded(job), `job ${job.id} is ${job.state}`);
    const { splits, results } = await world.ledger.progress(job.id);
    require(splits === 0 && results === 0, `${splits} split records and ${results} results are left over`);
    for (let split = 0; split < job.plan.splits; split++) {
      for (let shard = 0; shard < 20; shard++) {
        require((await world.ledger.getFailure(job.id, split, shard)) ===
          undefined, `a failure of ${split}-${shard} is left over`);
      }
    }
  }
}

/** Equal but for the times, the job's id (an upload's generation may differ), and what carries them. */
export function checkSameManifest(manifest: Manifest, quiet: Manifest): void {
  const [found, wanted] = [manifest, quiet].map((one) => {
    const { metrics, ...same } = one;
    const { createTime, startTime, endTime, updateTime, outputInfo, outputConfig, ...job } = one.job;
    return JSON.stringify({
      ...same,
      measured: metrics !== undefined,
      job: { ...job, timed: [createTime, startTime, endTime, updateTime, outputInfo, outputConfig].length },
    });
  });
  require(found === wanted, `the manifest differs:\n${found ?? ''}\n${wanted ?? ''}`);
}
