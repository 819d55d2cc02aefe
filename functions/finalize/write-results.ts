import { COMPOSE_FAN_IN } from '../../shared/config.ts';
import { combineCrc32c, decodeCrc32c, encodeCrc32c } from '../../shared/crc32c.ts';
import { PermanentError } from '../../shared/errors.ts';
import { readAll } from '../../shared/input.ts';
import { locationOf } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import { mapConcurrent } from '../../shared/map-concurrent.ts';
import { composedName, fittedPartName, frameName } from '../../shared/names.ts';
import type { Ports, StoredObject } from '../../shared/ports.ts';
import { layoutOf, sameLayout } from '../../shared/predictions/layout.ts';
import type { PredictionsWriter, ReadPart } from '../../shared/predictions/predictions-writer.ts';
import { predictionsWriter } from '../../shared/predictions/registry.ts';
import type { Part } from '../../shared/shard.ts';
import type { TensorSpec } from '../../shared/tensor.ts';
import { writePart } from './write-part.ts';

type ResultPorts = Pick<Ports, 'objects' | 'ledger'>;

/** What is kept of each part. */
export type PartRef = Pick<Part, 'split' | 'object' | 'outputs'>;

/** Parts that are written again at the same time. */
const CONCURRENT_PARTS = 4;

/**
 * Writes the job's results: what the format has before the parts, the parts in the order of their splits, what it has behind them.
 * @throws PermanentError ALREADY_EXISTS where another object is in their place; it stays.
 */
export async function writeResults(ports: ResultPorts, job: Job, parts: readonly PartRef[]): Promise<StoredObject> {
  const { bucket, prefix } = job.plan.scratch;
  const writer = await predictionsWriter(job.spec.predictionsFormat);
  const outputs = parts.find((part) => part.outputs !== undefined)?.outputs;
  const layout = layoutOf(job.spec.instanceConfig, outputs);
  const fitted = await fitParts(ports, job, writer, parts, outputs);
  const frame = async (end: 'header' | 'footer', bytes: Uint8Array): Promise<readonly StoredObject[]> =>
    bytes.length === 0 ? [] : [(await ports.objects.create(bucket, frameName(prefix, end), bytes)).object];
  const header = await frame('header', writer.header(layout));
  const footer = await frame('footer', await writer.footer(layout, fitted, partReader(ports)));
  const sources = [...header, ...fitted, ...footer];
  const results = await compose(ports, job, sources);
  requireContent(results, contentOf(sources));
  return results;
}

/** A part in which no row was scored does not know the outputs: where its columns matter, it is written again with those of the others. */
async function fitParts(
  ports: ResultPorts,
  job: Job,
  writer: PredictionsWriter,
  parts: readonly PartRef[],
  outputs: readonly TensorSpec[] | undefined,
): Promise<readonly StoredObject[]> {
  if (!writer.uniform) return parts.map(({ object }) => object);
  const { instanceConfig } = job.spec;
  const layout = layoutOf(instanceConfig, outputs);
  const { prefix } = job.plan.scratch;
  return mapConcurrent(parts, CONCURRENT_PARTS, async (part) => {
    if (sameLayout(layoutOf(instanceConfig, part.outputs), layout)) return part.object;
    return (await writePart(ports, job, part.split, outputs, fittedPartName(prefix, part.split))).object;
  });
}

function partReader({ objects }: Pick<Ports, 'objects'>): ReadPart {
  return (part, start, end) => readAll(objects.read(part, start, end), end - start);
}

/** Composes the sources in a tree of at most COMPOSE_FAN_IN a call. */
async function compose(ports: ResultPorts, job: Job, all: readonly StoredObject[]): Promise<StoredObject> {
  const { output, scratch } = job.plan;
  if (all.length === 0) return (await ports.objects.create(output.bucket, output.results, new Uint8Array())).object;
  let sources = all;
  for (let level = 1; sources.length > COMPOSE_FAN_IN; level++) {
    const composed: StoredObject[] = [];
    for (let at = 0; at < sources.length; at += COMPOSE_FAN_IN) {
      const name = composedName(scratch.prefix, level, composed.length);
      composed.push((await ports.objects.compose(scratch.bucket, sources.slice(at, at + COMPOSE_FAN_IN), name)).object);
    }
    sources = composed;
  }
  return (await ports.objects.compose(output.bucket, sources, output.results)).object;
}

/** What the objects one after another are. */
function contentOf(objects: readonly StoredObject[]): Pick<StoredObject, 'size' | 'crc32c'> {
  let crc = 0;
  let size = 0;
  for (const object of objects) {
    crc = combineCrc32c(crc, decodeCrc32c(object.crc32c), object.size);
    size += object.size;
  }
  return { size, crc32c: encodeCrc32c(crc) };
}

/** An attempt before this one may have written the object, with the very same content. Any other content is somebody else's: it stays. */
export function requireContent(found: StoredObject, expected: Pick<StoredObject, 'size' | 'crc32c'>): void {
  if (found.size === expected.size && found.crc32c === expected.crc32c) return;
  throw new PermanentError(
    'ALREADY_EXISTS',
    `output ${locationOf(found)} is there already, and is not this job's: ${found.size} bytes, crc32c ${found.crc32c}; expected ${expected.size}, ${expected.crc32c}`,
  );
}
