import { Readable } from 'node:stream';

import type { Entry, ZipFile } from 'yauzl';

import { messageOf, PermanentError } from '../../errors.ts';
import type { ByteStream } from '../../ports.ts';
import type { RandomAccess } from '../table.ts';

/** More arrays than any model has inputs. */
const MAX_ENTRIES = 10_000;
/** Bytes read at a time. */
const BLOCK_BYTES = 1024 * 1024;
/** General purpose bit 0. */
const ENCRYPTED = 1;

/** One file in a zip. */
export interface ZipEntry {
  readonly name: string;
  /** Where its data begins in the zip, packed or not. */
  readonly start: number;
  readonly packedSize: number;
  readonly size: number;
  readonly crc32: number;
  readonly deflated: boolean;
}

/**
 * Lists a zip's files. Names that lead out of a folder, equal names, encryption and methods other than stored and deflated are refused.
 * @throws PermanentError INVALID_ARGUMENT or UNIMPLEMENTED naming the file.
 */
export async function listZip(source: RandomAccess): Promise<readonly ZipEntry[]> {
  const { fromRandomAccessReaderPromise, RandomAccessReader } = await import('yauzl');
  let storeError: unknown;
  const watched = async function* (start: number, end: number): ByteStream {
    try {
      yield* blocks(source, start, end);
    } catch (error) {
      storeError = error;
      throw error;
    }
  };
  class Reader extends RandomAccessReader {
    override _readStreamForRange(start: number, end: number): Readable {
      return Readable.from(watched(start, end), { objectMode: false });
    }
  }
  try {
    const zip = await fromRandomAccessReaderPromise(new Reader(), source.size, { strictFileNames: true });
    if (zip.entryCount > MAX_ENTRIES) refuse(`it holds ${zip.entryCount} files, at most ${MAX_ENTRIES} are read`);
    const found: Entry[] = [];
    for await (const entry of zip.eachEntry()) found.push(entry);
    return await placed(zip, found, source.size);
  } catch (error) {
    if (error instanceof PermanentError || storeError !== undefined) throw storeError ?? error;
    return refuse(messageOf(error));
  }
}

async function placed(zip: ZipFile, found: readonly Entry[], size: number): Promise<ZipEntry[]> {
  const names = new Set<string>();
  const entries: ZipEntry[] = [];
  for (const entry of found) {
    const name = JSON.stringify(entry.fileName);
    if (names.has(entry.fileName)) refuse(`it holds ${name} twice`);
    names.add(entry.fileName);
    if ((entry.generalPurposeBitFlag & ENCRYPTED) !== 0) refuse(`${name} is encrypted`);
    if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
      throw new PermanentError(
        'UNIMPLEMENTED',
        `npz: ${name} is packed by method ${entry.compressionMethod}: write it with numpy.savez or savez_compressed`,
      );
    }
    const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const { compressedSize: packedSize, uncompressedSize, crc32, compressionMethod } = entry;
    if (start + packedSize > size || (compressionMethod === 0 && packedSize !== uncompressedSize))
      refuse(`the file is cut off: ${name} ends beyond it`);
    const deflated = compressionMethod === 8;
    entries.push({ name: entry.fileName, start, packedSize, size: uncompressedSize, crc32, deflated });
  }
  return entries;
}

/** The bytes `[start, end)`, a block at a time. */
export async function* blocks(source: RandomAccess, start: number, end: number): ByteStream {
  for (let at = start; at < end; at += BLOCK_BYTES) yield await source.read(at, Math.min(end, at + BLOCK_BYTES));
}

function refuse(what: string): never {
  throw new PermanentError('INVALID_ARGUMENT', `npz: ${what}: write it with numpy.savez`);
}
