import { DT } from '../graph-def.ts';
import { opDtype } from '../op-attrs.ts';
import { floats, graphError, ints, numberOf, strings, stringsOf, toInt32 } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { fromLatin1, latin1 } from '../op-text.ts';
import type { Ops } from '../op.ts';
import { elementBytes, valuesFromBytes } from '../tensor-bytes.ts';

/** Bytes in other forms. */
export const codecOps: Ops = {
  /** Web-safe base64; padded where `pad` says. */
  EncodeBase64: ([input], attrs) => {
    const pad = attrs.bool('pad', false);
    const encode = (bytes: Uint8Array): Uint8Array => {
      const text = Buffer.from(bytes).toString('base64url');
      return fromLatin1(pad ? text.padEnd(Math.ceil(text.length / 4) * 4, '=') : text);
    };
    return [strings(input?.shape ?? [], stringsOf(input, 'input').map(encode))];
  },
  DecodeBase64: ([input]) => {
    const decode = (bytes: Uint8Array): Uint8Array => {
      const text = latin1(bytes);
      if (
        !/^[\w-]*={0,2}$/.test(text) ||
        text.replaceAll('=', '').length % 4 === 1 ||
        (text.endsWith('=') && text.length % 4 !== 0)
      ) {
        throw graphError('Invalid character found in base64.');
      }
      return Buffer.from(text, 'base64url');
    };
    return [strings(input?.shape ?? [], stringsOf(input, 'input').map(decode))];
  },
  /** tf.io.decode_raw: strings of one length to their values, [...shape, values]. */
  DecodeRaw: ([input], attrs) => {
    const rows = stringsOf(input, 'bytes');
    const length = rows[0]?.length ?? 0;
    const other = rows.findIndex((row) => row.length !== length);
    if (other >= 0) {
      throw graphError(
        `DecodeRaw requires input strings to all be the same size, but element ${other} has size ${length} != ${rows[other]?.length}`,
      );
    }
    return [
      rawValues(rows, attrs.type('out_type', DT.UINT8), attrs.bool('little_endian', true), input?.shape ?? [], length),
    ];
  },
  /** tf.io.decode_raw with a fixed length: cut, or filled with zeros. */
  DecodePaddedRaw: ([input, length], attrs) => {
    const size = numberOf(length, 'fixed_length');
    const type = attrs.type('out_type', DT.UINT8);
    if (!(size > 0) || size % elementBytes(type) !== 0) {
      throw graphError(`fixed_length (${size}) must be a multiple of the size of out_type (${elementBytes(type)})`);
    }
    const rows = stringsOf(input, 'input_bytes').map((bytes) => {
      const row = new Uint8Array(size);
      row.set(bytes.subarray(0, size));
      return row;
    });
    return [rawValues(rows, type, attrs.bool('little_endian', true), input?.shape ?? [], size)];
  },
};

function rawValues(
  rows: readonly Uint8Array[],
  type: number,
  little: boolean,
  shape: readonly number[],
  length: number,
): OpTensor {
  const size = elementBytes(type);
  if (length % size !== 0) {
    throw graphError(
      `Input to DecodeRaw has length ${length} that is not a multiple of ${size}, the size of its values`,
    );
  }
  const all = Buffer.concat(rows);
  if (!little) swap(all, size);
  const count = all.length / size;
  const { data } = valuesFromBytes(type, [count], Uint8Array.from(all));
  const dims = [...shape, length / size];
  if (opDtype(type) === 'float32') return floats(dims, Float32Array.from(data as ArrayLike<number>));
  if (opDtype(type) === 'bool') return { dtype: 'bool', shape: dims, data: data as Uint8Array };
  return ints(
    dims,
    Int32Array.from(data as Iterable<number | bigint>, (value) => toInt32(value, 'a value of DecodeRaw')),
  );
}

function swap(bytes: Buffer, size: number): void {
  if (size === 2) bytes.swap16();
  else if (size === 4) bytes.swap32();
  else if (size === 8) bytes.swap64();
}
