import type { FileMetaData } from 'hyparquet';

import { messageOf, PermanentError } from '../../errors.ts';
import { asBuffer } from '../ascii.ts';
import { checkSchema } from './parquet-schema.ts';
import type { RandomAccess } from '../table.ts';

/** A larger footer is refused: one of thousands of row groups and columns has some ten. */
const MAX_METADATA_BYTES = 64 * 1024 * 1024;
/** The length of the metadata and the magic number. */
const TAIL_BYTES = 8;

/**
 * Reads the metadata from a file's footer.
 * @throws PermanentError INVALID_ARGUMENT where there is none, it is broken or too long; UNIMPLEMENTED where it is encrypted or describes what
 * cannot be read.
 */
export async function readMetadata(source: RandomAccess): Promise<FileMetaData> {
  if (source.size < TAIL_BYTES + 4) refuse(`found ${source.size} bytes, too few for its header and footer`);
  const head = asBuffer(await source.read(0, 4)).toString('latin1');
  const tail = asBuffer(await source.read(source.size - TAIL_BYTES, source.size));
  const magic = tail.toString('latin1', 4);
  if (magic === 'PARE') throw new PermanentError('UNIMPLEMENTED', 'parquet: its footer is encrypted: write it without');
  if (head !== 'PAR1' || magic !== 'PAR1') refuse('found no PAR1 at its start and its end: is it complete?');
  const length = tail.readUInt32LE(0);
  if (length > source.size - TAIL_BYTES - 4)
    refuse(`its footer declares ${length} bytes of metadata, more than the file`);
  if (length > MAX_METADATA_BYTES)
    refuse(
      `its footer holds ${length} bytes of metadata, at most ${MAX_METADATA_BYTES} are read: use fewer row groups`,
    );
  const footer = await source.read(source.size - TAIL_BYTES - length, source.size);
  const { parquetMetadata, parquetSchema } = await import('hyparquet');
  let metadata: FileMetaData;
  try {
    metadata = parquetMetadata(new Uint8Array(footer), { geoparquet: false });
    checkSchema(parquetSchema(metadata));
  } catch (error) {
    if (error instanceof PermanentError) throw error;
    refuse(`its metadata is broken: ${messageOf(error)}`);
  }
  return metadata;
}

function refuse(what: string): never {
  throw new PermanentError('INVALID_ARGUMENT', `parquet: ${what}`);
}
