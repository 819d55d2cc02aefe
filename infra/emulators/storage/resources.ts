import type { BucketRecord, ObjectRecord } from './records.ts';

const PROJECT_NUMBER = '123456789012';

/** Bytes of a protobuf message with varint fields 1, 2, …: how Google writes the etags of buckets and objects. */
function varints(values: readonly bigint[]): Buffer {
  const bytes: number[] = [];
  for (const [index, value] of values.entries()) {
    bytes.push((index + 1) << 3);
    let rest = value;
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
  }
  return Buffer.from(bytes);
}

export const objectEtag = (record: ObjectRecord) =>
  varints([BigInt(record.generation), BigInt(record.metageneration)]).toString('base64');

/** The bucket resource. Source: https://cloud.google.com/storage/docs/json_api/v1/buckets#resource */
export function bucketResource(record: BucketRecord, baseUrl: string): object {
  return {
    kind: 'storage#bucket',
    id: record.name,
    selfLink: `${baseUrl}/storage/v1/b/${record.name}`,
    name: record.name,
    projectNumber: PROJECT_NUMBER,
    generation: String(Date.parse(record.timeCreated) * 1000),
    metageneration: String(record.metageneration),
    location: 'US',
    locationType: 'multi-region',
    storageClass: 'STANDARD',
    etag: varints([BigInt(record.metageneration)]).toString('base64'),
    timeCreated: record.timeCreated,
    updated: record.updated,
    ...record.settings,
  };
}

/** The object resource. Source: https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
export function objectResource(record: ObjectRecord, baseUrl: string): Record<string, unknown> {
  const path = `storage/v1/b/${record.bucket}/o/${encodeURIComponent(record.name)}`;
  return {
    kind: 'storage#object',
    id: `${record.bucket}/${record.name}/${record.generation}`,
    selfLink: `${baseUrl}/${path}`,
    mediaLink: `${baseUrl}/download/${path}?generation=${record.generation}&alt=media`,
    name: record.name,
    bucket: record.bucket,
    generation: record.generation,
    metageneration: String(record.metageneration),
    storageClass: 'STANDARD',
    ...record.settings,
    size: String(record.size),
    ...(record.md5Hash === undefined ? {} : { md5Hash: record.md5Hash }),
    crc32c: record.crc32c,
    ...(record.componentCount === undefined ? {} : { componentCount: record.componentCount }),
    etag: objectEtag(record),
    timeCreated: record.timeCreated,
    updated: record.updated,
    timeStorageClassUpdated: record.timeCreated,
    timeFinalized: record.timeCreated,
    ...(record.timeDeleted === undefined ? {} : { timeDeleted: record.timeDeleted }),
  };
}
