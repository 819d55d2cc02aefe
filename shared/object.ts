/** One immutable version of an object. */
export interface ObjectRef {
  readonly bucket: string;
  readonly name: string;
  /** Changes with every write of the object; opaque. */
  readonly generation: string;
}

export interface ObjectStat extends ObjectRef {
  /** Bytes. */
  readonly size: number;
}

/** A written object with its checksum. */
export interface StoredObject extends ObjectStat {
  /** CRC-32C (Castagnoli) of the content, base64 of the big-endian four bytes, as Cloud Storage gives it. */
  readonly crc32c: string;
}

/** Streams bytes in chunks of any size. */
export type ByteStream = AsyncIterable<Uint8Array>;
