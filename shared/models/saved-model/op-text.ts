/** Strings of TensorFlow are bytes: as text of one character a byte they can be compared, joined and looked up without loss. */

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function fromLatin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

export function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

export function fromUtf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
