import { HEAD_BYTES } from './config.ts';
import { decompress, isCompressionError } from './compression.ts';
import { PermanentError } from './errors.ts';
import { contentFormat } from './formats/format.ts';
import type { DeclaredFormat } from './formats/format.ts';
import { checkNpySize } from './formats/npy/npy-header.ts';
import { formatFromName, formatOf, INPUT_SUFFIXES, openTable } from './formats/registry.ts';
import type { RandomAccess, Table, TableName } from './formats/table.ts';
import { compressionOf } from './input-compression.ts';
import { locationOf } from './job.ts';
import type { ByteStream, ObjectStat, ObjectStore } from './ports.ts';
import type { Input } from './shard.ts';

/**
 * Pins an input and looks at its first bytes: compression, byte-order mark, CSV header, the shape of an array; of a table at its directory. So a
 * file that cannot be read fails its job before any work is published.
 * @param format what the job says; unset: from the name's suffix.
 * @throws PermanentError NOT_FOUND, INVALID_ARGUMENT (no such format, a broken header, no CSV header), UNIMPLEMENTED.
 */
export async function pinInput(
  objects: ObjectStore,
  bucket: string,
  name: string,
  format: DeclaredFormat | undefined,
): Promise<Input> {
  const object = await objects.stat(bucket, name);
  if (object === undefined)
    throw new PermanentError('NOT_FOUND', `input ${locationOf({ bucket, name })}: no such file`);
  const known = format ?? formatFromName(name)?.format;
  if (known === undefined) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `input ${locationOf(object)}: the format cannot be told from its name: name it ${INPUT_SUFFIXES.join(', ')} (text and TFRecords also .gz, .zst, .zlib), or say the format`,
    );
  }
  try {
    return await look(objects, object, known);
  } catch (error) {
    if (!(error instanceof PermanentError) && !isCompressionError(error)) throw error;
    const status = error instanceof PermanentError ? error.status : 'INVALID_ARGUMENT';
    throw new PermanentError(status, `input ${locationOf(object)}: ${error.message}`, { cause: error });
  }
}

async function look(objects: ObjectStore, object: ObjectStat, declared: DeclaredFormat): Promise<Input> {
  const format = contentFormat(declared);
  const { bucket, name, generation, size } = object;
  const pinned = { bucket, name, generation, size };
  const compression = await compressionOf(objects, object, declared);
  if (format === 'npz' || format === 'parquet' || format === 'bigquery')
    return pinTable(pinned, format, await openTable(format, randomAccess(objects, object)));
  const packed = objects.read(object, 0, compression === 'none' ? Math.min(size, HEAD_BYTES) : size);
  const head = await collect(decompress(packed, compression), HEAD_BYTES);
  const { length, columns, layout, asTable } = formatOf(format).readHeader(head, head.length < HEAD_BYTES);
  if (layout !== undefined) checkNpySize({ length, layout }, size);
  if (asTable === true) return pinTable(pinned, 'npy', await openTable('npy', randomAccess(objects, object)));
  return {
    ...pinned,
    format,
    compression,
    headerBytes: length,
    ...(columns && { columns }),
    ...(layout && { layout }),
  };
}

function pinTable(pinned: ObjectStat, format: TableName, { units }: Table): Input {
  return { ...pinned, format: 'jsonl', compression: 'none', headerBytes: 0, table: { format, units } };
}

/** Reads ranges of a pinned object. */
export function randomAccess(objects: ObjectStore, object: ObjectStat): RandomAccess {
  return {
    size: object.size,
    read: (start, end) => readAll(objects.read(object, start, end), end - start),
  };
}

/** The input's bytes, unpacked. @throws PermanentError DATA_LOSS where the packed data is broken. */
export async function* unpacked(objects: ObjectStore, input: Input): ByteStream {
  const { compression } = input;
  try {
    yield* decompress(objects.read(input, 0, input.size), compression);
  } catch (error) {
    if (!isCompressionError(error)) throw error;
    const message = `input ${locationOf(input)}: the ${compression} data is broken: ${error.message}`;
    throw new PermanentError('DATA_LOSS', message, { cause: error });
  }
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
