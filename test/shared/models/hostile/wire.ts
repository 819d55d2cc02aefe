/** Protobuf's wire format by hand, so that a field may claim what no writer would: https://protobuf.dev/programming-guides/encoding */

export function varint(value: number | bigint): Uint8Array {
  const encoded: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) encoded.push(Number(rest & 0x7fn) | 0x80);
  encoded.push(Number(rest));
  return Uint8Array.from(encoded);
}

export function int(field: number, value: number | bigint): Uint8Array {
  return concat(varint(field * 8), varint(value));
}

export function bytes(field: number, ...content: readonly Uint8Array[]): Uint8Array {
  const size = content.reduce((sum, part) => sum + part.length, 0);
  return concat(claim(field, size), ...content);
}

export function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

/** The start of a field that says it has so many bytes. */
export function claim(field: number, size: number | bigint): Uint8Array {
  return concat(varint(field * 8 + 2), varint(size));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return join(parts);
}

/** As `concat`, of more parts than a call takes arguments. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A message in itself, again and again: `wrap` puts it one level deeper. */
export function nested(depth: number, wrap: (inner: Uint8Array) => Uint8Array): Uint8Array {
  let message: Uint8Array = new Uint8Array();
  for (let level = 0; level < depth; level++) message = wrap(message);
  return message;
}
