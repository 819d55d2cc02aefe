import { PermanentError } from '../shared/errors.ts';
import { asBuffer, isSpace, LF } from '../shared/formats/ascii.ts';

/** Some consecutive instances as JSON lines, each ended by a newline. */
export interface InstanceLines {
  readonly bytes: Buffer;
  readonly rows: number;
}

const NEWLINE = Buffer.of(LF);
/** A longer line is no instance. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Cuts a stream of lines into pieces of at most `maxRows` rows, and of `maxBytes` bytes as long as a line is not longer; blank lines are none.
 * @param asText each line is a text: it becomes a JSON string.
 * @throws PermanentError INVALID_ARGUMENT where a line is longer than 64 MiB.
 */
export async function* instanceLines(
  source: AsyncIterable<Uint8Array>,
  limits: { readonly maxRows: number; readonly maxBytes: number },
  asText: boolean,
): AsyncGenerator<InstanceLines> {
  let pieces: Buffer[] = [];
  let rows = 0;
  let bytes = 0;
  for await (const line of linesOf(source)) {
    const instance = asText ? textInstance(line) : line;
    if (instance.length === 0 || (!asText && isBlank(instance))) continue;
    if (rows === limits.maxRows || (rows > 0 && bytes + instance.length > limits.maxBytes)) {
      yield { bytes: Buffer.concat(pieces), rows };
      pieces = [];
      rows = 0;
      bytes = 0;
    }
    pieces.push(instance, NEWLINE);
    rows++;
    bytes += instance.length + 1;
  }
  if (rows > 0) yield { bytes: Buffer.concat(pieces), rows };
}

/** Lines without their newlines. */
async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    const bytes = asBuffer(chunk);
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      const rest = bytes.subarray(start, end);
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      length = 0;
      start = end + 1;
    }
    if (start === bytes.length) continue;
    begun.push(bytes.subarray(start));
    length += bytes.length - start;
    if (length > MAX_LINE_BYTES)
      throw new PermanentError('INVALID_ARGUMENT', `a line of more than ${MAX_LINE_BYTES} bytes: one instance a line`);
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}

function textInstance(line: Buffer): Buffer {
  const text = line.toString('utf8').replace(/\r$/, '');
  return text === '' ? Buffer.alloc(0) : Buffer.from(JSON.stringify(text));
}

function isBlank(line: Buffer): boolean {
  return line.every(isSpace);
}
