import { ApiError, invalid } from './api-error.ts';
import { parseContentRange } from './content-range.ts';
import type { ContentRange } from './content-range.ts';
import type { ContentWriter } from './content-store.ts';
import { emptyReply, jsonReply, readJson } from './http.ts';
import type { Call, Reply } from './http.ts';
import type { ObjectRecord } from './records.ts';
import { objectResource } from './resources.ts';
import type { Handler, Service } from './service.ts';
import { QUANTUM_BYTES } from './upload-sessions.ts';
import type { UploadSession } from './upload-sessions.ts';
import { finishUpload, hashHeader, planUpload } from './uploads.ts';

/** Source of every handler here: https://cloud.google.com/storage/docs/performing-resumable-uploads */
export const startResumable: Handler = async (service, call, { bucket }) => {
  const { headers, query } = call;
  const plan = planUpload(service, call, bucket, await readJson(call), header(headers['x-upload-content-type']));
  const length = header(headers['x-upload-content-length']);
  if (length !== undefined && !/^\d+$/.test(length)) throw invalid(`Invalid X-Upload-Content-Length: '${length}'`);
  const session = service.sessions.start(plan, length === undefined ? undefined : Number(length));
  const again = new URLSearchParams([...query].filter(([name]) => name !== 'name'));
  again.set('name', plan.name);
  again.set('upload_id', session.id);
  const location = `${service.baseUrl}/upload/storage/v1/b/${bucket}/o?${again.toString()}`;
  return emptyReply(200, { location, 'x-guploader-uploadid': session.id });
};

export const cancelResumable: Handler = (service, call) =>
  exclusively(service, call, async (session) => {
    if (session.state.kind === 'receiving') {
      await session.state.writer.discard();
      service.sessions.change(session, { kind: 'cancelled' });
    }
    return { ...emptyReply(499), statusText: 'Client Closed Request' };
  });

/** A chunk, the last chunk, or a question how far the upload is. */
export const continueResumable: Handler = (service, call) =>
  exclusively(service, call, (session) => {
    const range = parseContentRange(call.headers['content-range']);
    if (session.state.kind === 'done') return completed(service, session.state.record);
    if (session.state.kind === 'cancelled') return { ...emptyReply(499), statusText: 'Client Closed Request' };
    return receive(service, session, session.state, range, call);
  });

type Receiving = Extract<UploadSession['state'], { kind: 'receiving' }>;

async function receive(
  service: Service,
  session: UploadSession,
  state: Receiving,
  range: ContentRange,
  call: Call,
): Promise<Reply> {
  const { writer } = state;
  const total = agreedTotal(state, range);
  if (total !== state.total) service.sessions.change(session, { ...state, total });
  if (range.kind === 'query') {
    const ends = range.total !== undefined && range.total === writer.size;
    return ends ? finish(service, session, writer, call) : incomplete(writer.size);
  }
  if (range.start > writer.size) throw gap(range.start, writer.size);
  const end = range.end === undefined ? total : range.end + 1;
  if (end !== undefined && end > (total ?? end))
    throw invalid(`The upload's size is ${total}; the range ends at ${end}.`);
  const last = range.end === undefined || end === total;
  const rest = await append(writer, call, range, end);
  if (!last) return incomplete(writer.size);
  await writer.write(rest);
  return finish(service, session, writer, call);
}

/** Writes whole quanta of the body, without what is there already, and returns the tail that is less than one. */
async function append(
  writer: ContentWriter,
  { body }: Call,
  { start }: { start: number },
  end: number | undefined,
): Promise<Buffer> {
  let known = writer.size - start;
  let at = start;
  let tail: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of body) {
      at += piece.length;
      if (end !== undefined && at > end) throw invalid('The body is longer than its Content-Range says.');
      const fresh = piece.subarray(Math.min(known, piece.length));
      known -= piece.length - fresh.length;
      tail = Buffer.concat([tail, fresh]);
      const whole = tail.length - (tail.length % QUANTUM_BYTES);
      if (whole > 0) await writer.write(tail.subarray(0, whole));
      tail = tail.subarray(whole);
    }
  } finally {
    await writer.release();
  }
  if (end !== undefined && at < end) throw invalid('The body is shorter than its Content-Range says.');
  return tail;
}

async function finish(service: Service, session: UploadSession, writer: ContentWriter, call: Call): Promise<Reply> {
  const { plan } = session;
  const declared = { ...plan.declared, ...hashHeader(call.headers['x-goog-hash']) };
  try {
    const record = finishUpload(service, { ...plan, declared }, await writer.finish());
    service.sessions.change(session, { kind: 'done', record });
    return completed(service, record);
  } catch (error) {
    service.sessions.remove(session.id);
    throw error;
  }
}

const completed = (service: Service, record: ObjectRecord) => jsonReply(objectResource(record, service.baseUrl));

function incomplete(size: number): Reply {
  const headers: Record<string, string> = size === 0 ? {} : { range: `bytes=0-${size - 1}` };
  return { ...emptyReply(308, headers), statusText: 'Resume Incomplete' };
}

/** The object's size as the session or this request knows it; 400 if they disagree or more has come already. */
function agreedTotal({ total, writer }: Receiving, range: ContentRange): number | undefined {
  const said = range.total ?? total;
  if (said !== (total ?? said)) throw invalid(`The total size was ${total} before and is ${range.total} now.`);
  if (said !== undefined && said < writer.size) {
    throw invalid(`The total size is said to be ${said}, but ${writer.size} bytes were received.`);
  }
  return said;
}

/** The one answer that Google gives as text, double space included: a client tells lost data by it. */
const gap = (start: number, size: number) =>
  new ApiError(
    503,
    'backendError',
    `Invalid request.  According to the Content-Range header, the upload offset is ${start} byte(s), ` +
      `which exceeds already uploaded size of ${size} byte(s).`,
    { plainText: true },
  );

/** Works on the call's session alone: a request before it that still runs loses its connection. */
async function exclusively(
  service: Service,
  call: Call,
  work: (session: UploadSession) => Promise<Reply> | Reply,
): Promise<Reply> {
  const session = service.sessions.get(call.query.get('upload_id') ?? '');
  if (session === undefined) throw new ApiError(404, 'notFound', 'Not Found');
  while (session.active !== undefined) {
    session.active.drop();
    await session.active.ended;
  }
  const { promise: ended, resolve } = Promise.withResolvers<undefined>();
  session.active = { drop: call.drop, ended };
  try {
    return await work(session);
  } finally {
    session.active = undefined;
    resolve(undefined);
  }
}

const header = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);
