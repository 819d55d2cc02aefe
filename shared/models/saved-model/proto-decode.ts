import type { Reader, Type } from 'protobufjs';
import { oneLine, PermanentError } from '../../errors.ts';
import { protoType } from './proto-schema.ts';

/** Messages in one file: a decoded message takes about 100 bytes however few it takes in the file. Large graphs have under a million. */
const MAX_MESSAGES = 8_000_000;
/** As protobuf's own libraries bound it. */
const MAX_DEPTH = 100;
const LENGTH_DELIMITED = 2;

/**
 * Decodes one message of the schema; fields that it does not know are skipped.
 * @param source for messages: `digits@3: saved_model.pb`.
 * @returns protobufjs's message: camelCase fields, 64-bit numbers as Long.
 * @throws PermanentError INVALID_ARGUMENT where the bytes are no such message, or nest or count beyond the bounds.
 */
export async function decodeMessage(name: string, bytes: Uint8Array, source: string): Promise<object> {
  const type = await protoType(name);
  const { Reader } = (await import('protobufjs')).default;
  try {
    countMessages(type, Reader.create(bytes), bytes.length, { left: MAX_MESSAGES }, 0);
    const reader = Reader.create(bytes);
    reader.discardUnknown = true;
    return type.decode(reader);
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `${source} is no ${name}: ${oneLine(error)}`, { cause: error });
  }
}

/** Walks the bytes as the decoder will, making nothing. */
function countMessages(type: Type, reader: Reader, end: number, budget: { left: number }, depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError(`its messages nest deeper than ${MAX_DEPTH}`);
  if (--budget.left < 0) throw new RangeError(`it holds more than ${MAX_MESSAGES} messages`);
  while (reader.pos < end) {
    const tag = reader.uint32();
    const inner = type.fieldsById[tag >>> 3]?.resolvedType as Type | null | undefined;
    if ((tag & 7) !== LENGTH_DELIMITED || !inner) {
      reader.skipType(tag & 7);
      continue;
    }
    const size = reader.uint32();
    if (size > end - reader.pos) throw new RangeError(`a ${inner.name} at byte ${reader.pos} claims ${size} bytes`);
    countMessages(inner, reader, reader.pos + size, budget, depth + 1);
  }
  if (reader.pos !== end) throw new RangeError(`a field of ${type.name} ends at byte ${reader.pos}, beyond it`);
}
