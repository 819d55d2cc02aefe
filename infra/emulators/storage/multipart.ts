import { ApiError, invalid } from './api-error.ts';
import { MAX_JSON_BYTES } from './http.ts';

/** Longest header block of a part. */
const MAX_HEADER_BYTES = 16 * 1024;

const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');

/** The two parts of a multipart upload; `media` must be read to its end before the request is. */
export interface MultipartUpload {
  readonly metadata: string;
  /** Content-Type of the media part, undefined if it has none. */
  readonly mediaType: string | undefined;
  readonly media: AsyncGenerator<Buffer, void>;
}

/** The boundary parameter of a multipart/related content type; 400 if that is not what it is. */
export function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/\w+\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType ?? '');
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw invalid('Multipart uploads need Content-Type: multipart/related; boundary=…');
  return boundary;
}

/**
 * Parses `body` as it arrives, holding no more than one part's headers, the metadata and one boundary in memory.
 * Throws 400 for what is not two parts, and 413 where the metadata is too long. Source: RFC 2387 and RFC 2046, 5.1.1.
 */
export async function parseMultipart(body: AsyncIterable<Buffer>, boundary: string): Promise<MultipartUpload> {
  const input = new Input(body);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  input.unshift(CRLF);
  await input.until(delimiter, MAX_HEADER_BYTES, 'preamble');
  await readHeaders(input);
  const metadata = await input.until(delimiter, MAX_JSON_BYTES, 'metadata');
  const mediaType = (await readHeaders(input)).get('content-type');
  return { metadata: metadata.toString('utf8'), mediaType, media: readMedia(input, delimiter) };
}

/** From just after a boundary to just after the part's blank line. */
async function readHeaders(input: Input): Promise<Map<string, string>> {
  await input.fill(2);
  if (input.buffered.subarray(0, 2).toString('latin1') === '--') throw malformed('it has fewer than two parts');
  const block = (await input.until(BLANK_LINE, MAX_HEADER_BYTES, 'part headers')).toString('latin1');
  const lines = block.split('\r\n').filter((line) => line.includes(':'));
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return new Map(pairs);
}

async function* readMedia(input: Input, delimiter: Buffer): AsyncGenerator<Buffer, void> {
  for (;;) {
    const found = input.buffered.indexOf(delimiter);
    const safe = found >= 0 ? found : input.buffered.length - delimiter.length + 1;
    if (safe > 0) yield input.take(safe);
    if (found >= 0) break;
    await input.more('the media part has no end');
  }
  input.take(delimiter.length);
  await input.fill(2);
  if (input.take(2).toString('latin1') !== '--') throw malformed('it has more than two parts');
  while (await input.pull()) input.take(input.buffered.length);
}

const malformed = (what: string) => invalid(`Malformed multipart body: ${what}.`);

/** Pieces of a body, joined as far as a search needs. */
class Input {
  readonly #pieces: AsyncIterator<Buffer>;
  buffered: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Buffer>) {
    this.#pieces = body[Symbol.asyncIterator]();
  }

  unshift(bytes: Buffer): void {
    this.buffered = Buffer.concat([bytes, this.buffered]);
  }

  take(count: number): Buffer {
    const taken = this.buffered.subarray(0, count);
    this.buffered = this.buffered.subarray(count);
    return taken;
  }

  /** Appends the next piece; false at the end. */
  async pull(): Promise<boolean> {
    const next = await this.#pieces.next();
    if (next.done === true) return false;
    this.buffered = this.buffered.length === 0 ? next.value : Buffer.concat([this.buffered, next.value]);
    return true;
  }

  async more(otherwise: string): Promise<void> {
    if (!(await this.pull())) throw malformed(otherwise);
  }

  async fill(count: number): Promise<void> {
    while (this.buffered.length < count) await this.more('it ends in a boundary');
  }

  /** What comes before `mark`, and takes the mark too. */
  async until(mark: Buffer, limit: number, what: string): Promise<Buffer> {
    for (;;) {
      const found = this.buffered.indexOf(mark);
      if ((found < 0 ? this.buffered.length : found) > limit + mark.length) {
        throw new ApiError(413, 'uploadTooLarge', `The ${what} of a multipart upload may have at most ${limit} bytes.`);
      }
      if (found >= 0) {
        const before = this.take(found);
        this.take(mark.length);
        return before;
      }
      await this.more(`its ${what} has no end`);
    }
  }
}
