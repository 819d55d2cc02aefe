/**
 * The keys under which a bundle holds the slices of a partitioned tensor: TensorFlow's `EncodeTensorNameSlice`, in its order-preserving code.
 * https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/saved_tensor_slice_util.cc and
 * https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/strings/ordered_code.cc
 */

/** What a slice takes of one dimension; a length of −1 takes it whole. */
export interface Extent {
  readonly start: number;
  readonly length: number;
}

export const WHOLE = -1;

/** The key of a slice, as latin1 text. @param name the tensor's key, likewise. */
export function sliceKey(name: string, slice: readonly Extent[]): string {
  const extents = slice.flatMap(({ start, length }) => [signedCode(start), signedCode(length)]);
  return [unsignedCode(0), stringCode(name), unsignedCode(slice.length), ...extents].join('');
}

/** The number of bytes, and the bytes, big-endian; none of zero. */
function unsignedCode(value: number): string {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return String.fromCharCode(bytes.length, ...bytes);
}

/** 0 and 255 escaped, then an end that sorts before any of them. */
function stringCode(text: string): string {
  return `${text.replaceAll(/[\0\xff]/g, (byte) => (byte === '\0' ? '\0\xff' : '\xff\0'))}\0\x01`;
}

/** Seven bits of value a byte; the leading bits tell the sign and, like UTF-8's, how many bytes there are. */
function signedCode(value: number): string {
  const magnitude = BigInt(value < 0 ? ~BigInt(value) : value);
  let length = 1;
  while (magnitude >= 1n << BigInt(7 * length - 1)) length++;
  // As many ones (of a negative value zeros) as there are bytes, from the top of the first byte on.
  const header = ((1n << BigInt(length)) - 1n) << BigInt(7 * length);
  let bits = BigInt.asUintN(8 * length, BigInt(value)) ^ header;
  let code = '';
  for (let i = 0; i < length; i++, bits >>= 8n) code = String.fromCharCode(Number(bits & 0xffn)) + code;
  return code;
}
