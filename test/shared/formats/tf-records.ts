import { crc32c } from '../../../shared/crc32c.ts';
import { encodeExample } from '../../../shared/formats/example/example.ts';
import type { FeatureValues } from '../../../shared/formats/example/example.ts';

/** Records as TensorFlow frames them, written apart from what is tested. */
export function framed(...records: readonly (Uint8Array | string)[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const data = typeof record === 'string' ? Buffer.from(record) : record;
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(data.length));
      return [length, masked(length), data, masked(data)];
    }),
  );
}

export function masked(data: Uint8Array): Buffer {
  const crc = BigInt(crc32c(data));
  const stored = Buffer.alloc(4);
  stored.writeUInt32LE(Number(BigInt.asUintN(32, ((crc >> 15n) | (crc << 17n)) + 0xa282ead8n)));
  return stored;
}

export function example(features: Readonly<Record<string, FeatureValues>>): Uint8Array {
  return encodeExample(new Map(Object.entries(features)));
}

export const floats = (...values: number[]): FeatureValues => ({ kind: 'float', values });
export const ints = (...values: bigint[]): FeatureValues => ({ kind: 'int64', values });
export const bytes = (...values: (string | Uint8Array)[]): FeatureValues => ({ kind: 'bytes', values });
