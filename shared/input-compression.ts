import { COMPRESSION_SUFFIXES, looksLike } from './compression.ts';
import type { Compression } from './compression.ts';
import { PermanentError } from './errors.ts';
import type { DeclaredFormat } from './formats/format.ts';
import { formatFromName } from './formats/registry.ts';
import { HEADER_BYTES, readRecordHeader } from './formats/tf-record/tf-record-framing.ts';
import type { ObjectStat, ObjectStore } from './ports.ts';

/**
 * What an input is packed in: by its first bytes, whatever its name says; a name that says otherwise is refused.
 * @throws PermanentError INVALID_ARGUMENT where the name or the job promises packed data and there is none, or the format cannot be packed.
 */
export async function compressionOf(
  objects: ObjectStore,
  object: ObjectStat,
  declared: DeclaredFormat,
): Promise<Compression> {
  const suffix = /\.([a-z]+)$/.exec(object.name.toLowerCase())?.[1] ?? '';
  // Without a known format before it a suffix may mean anything.
  const named = formatFromName(object.name)?.compression ?? COMPRESSION_SUFFIXES[suffix] ?? 'none';
  const records = declared === 'tf-record' || declared === 'tf-record-gzip';
  if (declared === 'npy' || declared === 'npz' || declared === 'parquet') {
    if (named === 'none') return 'none';
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `named .${suffix}: ${declared} cannot be read packed: unpack it${declared === 'npy' ? ', or save it as npz' : ''}`,
    );
  }
  if (object.size === 0) return 'none';
  const head = await firstBytes(objects, object);
  const found = detect(head, named, records);
  if (declared === 'tf-record-gzip' && found !== 'gzip' && found !== 'zlib')
    throw new PermanentError(
      'INVALID_ARGUMENT',
      'tf-record-gzip, but it holds neither gzip nor zlib data: say tf-record',
    );
  if (named !== 'none' && found !== named && !(records && found !== 'none'))
    throw new PermanentError('INVALID_ARGUMENT', `named .${suffix}, but it holds no ${named} data`);
  return found;
}

function detect(head: Buffer, named: Compression, records: boolean): Compression {
  // The length of a TFRecord may look like gzip (559,903 bytes do); its checksum never does by chance.
  if (records && head.length >= HEADER_BYTES && 'length' in readRecordHeader(head, 0)) return 'none';
  const candidates: Compression[] = ['gzip', 'zstd'];
  // Two bytes of text may look like zlib: it needs the name, or a format that text is not.
  if (named === 'zlib' || records) candidates.push('zlib');
  return candidates.find((compression) => looksLike(head, compression)) ?? 'none';
}

async function firstBytes(objects: ObjectStore, object: ObjectStat): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of objects.read(object, 0, Math.min(HEADER_BYTES, object.size))) chunks.push(chunk);
  return Buffer.concat(chunks);
}
