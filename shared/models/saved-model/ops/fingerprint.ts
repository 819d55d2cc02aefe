/** FarmHash's Fingerprint64 of some bytes. TensorFlow.js, which has it, is loaded. */
export async function fingerprint(): Promise<(bytes: Uint8Array) => bigint> {
  const { util } = await import('@tensorflow/tfjs-core');
  return (bytes) => BigInt(util.fingerPrint64(bytes).toUnsigned().toString());
}

const MULTIPLIER = 0xc6a4a7935bd1e995n;

/** TensorFlow's `FingerprintCat64`: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/platform/fingerprint.h */
export function concatFingerprints(first: bigint, second: bigint): bigint {
  const mixed = BigInt.asUintN(64, shiftMix(BigInt.asUintN(64, second * MULTIPLIER)) * MULTIPLIER);
  const product = BigInt.asUintN(64, (first ^ MULTIPLIER ^ mixed) * MULTIPLIER);
  return shiftMix(BigInt.asUintN(64, shiftMix(product) * MULTIPLIER));
}

function shiftMix(value: bigint): bigint {
  return value ^ (value >> 47n);
}
