const SEED = 0xdecafcaffen;
const MULTIPLIER = 0xc6a4a7935bd1e995n;
const SHIFT = 47n;
const WORD = 8;

/** TensorFlow's `Hash64`, which is MurmurHash64A: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/platform/hash.cc */
export function murmurHash(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const rest = bytes.length % WORD;
  let hash = SEED ^ times(BigInt(bytes.length));
  for (let at = 0; at < bytes.length - rest; at += WORD) {
    const word = times(view.getBigUint64(at, true));
    hash = times(hash ^ times(word ^ (word >> SHIFT)));
  }
  if (rest > 0) {
    for (let i = rest; i > 0; i--) hash ^= BigInt(bytes[bytes.length - rest + i - 1] ?? 0) << BigInt(8 * (i - 1));
    hash = times(hash);
  }
  hash = times(hash ^ (hash >> SHIFT));
  return hash ^ (hash >> SHIFT);
}

function times(value: bigint): bigint {
  return BigInt.asUintN(64, value * MULTIPLIER);
}
