import { graphError, ints, stringsOf, toInt32 } from '../op-tensor.ts';
import type { Ops } from '../op.ts';
import { fingerprint } from './fingerprint.ts';
import { murmurHash } from './murmur-hash.ts';
import { sipHash } from './sip-hash.ts';

/** Strings to the number of a bucket. */
export const hashOps: Ops = {
  /** tf.strings.to_hash_bucket_fast: FarmHash's Fingerprint64. */
  StringToHashBucketFast: async ([input], attrs) => {
    const of = await fingerprint();
    const buckets = BigInt(attrs.int('num_buckets', 1));
    const hash = (bytes: Uint8Array): number => toInt32(of(bytes) % buckets, 'the bucket');
    return [ints(input?.shape ?? [], Int32Array.from(stringsOf(input, 'input'), hash))];
  },
  /** tf.strings.to_hash_bucket. */
  StringToHashBucket: ([input], attrs) => {
    const buckets = BigInt(attrs.int('num_buckets', 1));
    const hash = (bytes: Uint8Array): number => toInt32(murmurHash(bytes) % buckets, 'the bucket');
    return [ints(input?.shape ?? [], Int32Array.from(stringsOf(input, 'string_tensor'), hash))];
  },
  /** tf.strings.to_hash_bucket_strong: SipHash by the two numbers of `key`. */
  StringToHashBucketStrong: ([input], attrs) => {
    const [low, high, ...more] = attrs.ints('key');
    if (low === undefined || high === undefined || more.length > 0) throw graphError('Key must have 2 elements');
    const buckets = BigInt(attrs.int('num_buckets', 1));
    const hash = (bytes: Uint8Array): number =>
      toInt32(sipHash(bytes, BigInt.asUintN(64, low), BigInt.asUintN(64, high)) % buckets, 'the bucket');
    return [ints(input?.shape ?? [], Int32Array.from(stringsOf(input, 'input'), hash))];
  },
};
