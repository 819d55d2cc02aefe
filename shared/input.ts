import { createGunzip } from 'node:zlib';
import { pipeline, Readable } from 'node:stream';

import { HEAD_BYTES } from './config.ts';
import { PermanentError } from './errors.ts';
import { formatFromName, formatOf } from './formats/registry.ts';
import type { InstancesFormat } from './formats/format.ts';
import { locationOf } from './job.ts';
import type { ByteStream, ObjectStat, ObjectStore } from './ports.ts';
import type { Input } from './shard.ts';

/**
 * Pins an input and looks at its first bytes: compression, byte-order mark, CSV header. So a file that cannot be read fails its job before
 * any work is published.
 * @param format what the job says; unset: from the name's suffix.
 * @throws PermanentError NOT_FOUND, INVALID_ARGUMENT (no such format, a broken gzip header, no CSV header).
 */
export async function pinInput(
  objects: ObjectStore,
  bucket: string,
  name: string,
  format: InstancesFormat | undefined,
): Promise<Input> {
  const object = await objects.stat(bucket, name);
  if (object === undefined)
    throw new PermanentError('NOT_FOUND', `input ${locationOf({ bucket, name })}: no such file`);
  const named = formatFromName(name);
  const known = format ?? named?.format;
  if (known === undefined) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `input ${locationOf(object)}: the format cannot be told from its name: name it .jsonl or .csv (and .gz), or say the format`,
    );
  }
  return look(objects, object, known, named?.compression === 'gzip');
}

async function look(
  objects: ObjectStore,
  object: ObjectStat,
  format: InstancesFormat,
  namedGzip: boolean,
): Promise<Input> {
  const magic = await collect(objects.read(object, 0, Math.min(2, object.size)), 2);
  const gzip = magic[0] === 0x1f && magic[1] === 0x8b;
  if (namedGzip && !gzip && object.size > 0) {
    throw new PermanentError('INVALID_ARGUMENT', `input ${locationOf(object)}: named .gz, but it holds no gzip data`);
  }
  const raw = objects.read(object, 0, gzip ? object.size : Math.min(object.size, HEAD_BYTES));
  try {
    const head = await collect(gzip ? gunzip(raw) : raw, HEAD_BYTES);
    const header = formatOf(format).readHeader(head, head.length < HEAD_BYTES);
    return {
      bucket: object.bucket,
      name: object.name,
      generation: object.generation,
      size: object.size,
      format,
      compression: gzip ? 'gzip' : 'none',
      headerBytes: header.length,
      ...(header.columns && { columns: header.columns }),
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const status = error instanceof PermanentError ? error.status : 'INVALID_ARGUMENT';
    if (!(error instanceof PermanentError) && !isGzipError(error)) throw error;
    throw new PermanentError(status, `input ${locationOf(object)}: ${error.message}`, { cause: error });
  }
}

/** Decompresses; several members after one another are one stream. Who stops reading closes the source too. */
export function gunzip(content: ByteStream): ByteStream {
  const sink = createGunzip({ chunkSize: 256 * 1024 });
  // Whatever fails destroys the sink with that error: whoever reads it sees it there.
  pipeline(Readable.from(content, { objectMode: false }), sink, () => undefined);
  return sink;
}

/** Whether zlib refused the data (as against the store failing to give it). */
export function isGzipError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}

/** At most `limit` bytes from the stream's start; the stream is closed then. */
async function collect(content: ByteStream, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

/** The whole stream as one buffer of the size that the caller knows. */
export async function readAll(content: ByteStream, size: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for await (const chunk of content) {
    if (at === 0 && chunk.length === size) return chunk;
    if (at + chunk.length > size) throw new PermanentError('DATA_LOSS', `more than the ${size} bytes asked for`);
    buffer.set(chunk, at);
    at += chunk.length;
  }
  if (at !== size) throw new PermanentError('DATA_LOSS', `${at} bytes of the ${size} asked for`);
  return buffer;
}
