import { setTimeout as sleep } from 'node:timers/promises';

import { JsonText } from '../functions/predict/json-text.ts';
import { pathOf } from '../functions/predict/model-directory.ts';
import { errorInfo, PermanentError } from '../shared/errors.ts';
import { LF } from '../shared/formats/ascii.ts';
import { once } from '../shared/once.ts';
import { UsageError } from './exit.ts';
import type { ScoreLines } from './predict-local.ts';
import type { InstanceLines } from './predict-instances.ts';

export interface EndpointOptions {
  /** Where `/v1/models/…` is. */
  readonly endpoint: string;
  readonly model: string;
  readonly signature: string | undefined;
  /** Show a Google identity token of who calls. */
  readonly googleIdentity: boolean;
}

const ATTEMPTS = 5;
const BACKOFF_MS = 200;
const TIMEOUT_MS = 300_000;

interface Reply {
  readonly status: number;
  readonly text: Buffer;
}

/**
 * Scores by a server of TensorFlow Serving's REST API: ours, or TensorFlow Serving itself. It refuses a whole request for the sake of one instance:
 * that one is found, and the others are sent again.
 * @throws UsageError for an endpoint that is no URL, or a token on its way unencrypted.
 */
export function remoteScorer(options: EndpointOptions): ScoreLines {
  const url = predictUrl(options);
  const token = once(async () => {
    const { fetchIdToken } = await import('../infra/gcp/id-token.ts');
    return fetchIdToken(url.origin);
  });
  const send = async (lines: readonly Buffer[]): Promise<Reply> => {
    const named = options.signature === undefined ? '' : `"signature_name":${JSON.stringify(options.signature)},`;
    const body = Buffer.concat([Buffer.from(`{${named}"instances":[`), ...joined(lines), Buffer.from(']}')]);
    const authorization = options.googleIdentity ? { authorization: `Bearer ${await token()}` } : {};
    return post(url, body, authorization);
  };
  return async (instances) => Buffer.concat(await score(send, splitLines(instances)));
}

type Send = (lines: readonly Buffer[]) => Promise<Reply>;

/** The output lines of those instances. */
async function score(send: Send, lines: readonly Buffer[]): Promise<Buffer[]> {
  if (lines.length === 0) return [];
  const reply = await send(lines);
  if (reply.status === 200) return predictionLines(reply.text, lines.length);
  const message = errorOf(reply);
  if (reply.status !== 400 && reply.status !== 413) throw refusal(reply.status, message);
  if (lines.length === 1) return [errorLine(message.replace(/^instances\[0\]: /, ''))];
  const [, place, why = ''] = /^instances\[(\d+)\]: (.*)$/s.exec(message) ?? [];
  const bad = Number(place);
  if (bad < lines.length)
    return [...(await score(send, lines.slice(0, bad))), errorLine(why), ...(await score(send, lines.slice(bad + 1)))];
  // Nobody says which instance it is. What the first and the last are refused for in the same words is the request's own fault.
  const ends = await Promise.all([send(lines.slice(0, 1)), send(lines.slice(-1))]);
  if (ends.every((end) => end.status === reply.status && errorOf(end) === message))
    throw refusal(reply.status, message);
  const middle = Math.ceil(lines.length / 2);
  return [...(await score(send, lines.slice(0, middle))), ...(await score(send, lines.slice(middle)))];
}

/** What failed on the way, or was told to come again, is asked again. */
async function post(url: URL, body: Buffer, headers: Record<string, string>): Promise<Reply> {
  for (let attempt = 1; ; attempt++) {
    const reply = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      if (attempt < ATTEMPTS) return undefined;
      const reason = (error as Error).cause ?? error;
      throw new PermanentError('UNAVAILABLE', `${url.origin} cannot be reached: ${String(reason)}`, { cause: error });
    });
    if (reply !== undefined) {
      const text = Buffer.from(await reply.arrayBuffer());
      if (attempt === ATTEMPTS || (reply.status !== 429 && reply.status !== 503)) return { status: reply.status, text };
    }
    await sleep(BACKOFF_MS * 2 ** attempt);
  }
}

function predictUrl({ endpoint, model, googleIdentity }: EndpointOptions): URL {
  const base = URL.parse(endpoint);
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new UsageError(`--endpoint ${endpoint}: expected a URL such as http://127.0.0.1:8501`);
  const isLocal = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(base.hostname);
  if (googleIdentity && base.protocol !== 'https:' && !isLocal)
    throw new UsageError(`--google-identity: ${base.origin} would get the token unencrypted: use https`);
  const { model: name, version, label } = pathOf(model);
  const which = version === undefined ? (label === undefined ? '' : `/labels/${label}`) : `/versions/${version}`;
  const folder = base.pathname.replace(/\/+$/, '');
  return new URL(`${folder}/v1/models/${encodeURIComponent(name)}${which}:predict`, base.origin);
}

function predictionLines(text: Buffer, rows: number): Buffer[] {
  const json = new JsonText(text);
  const predictions = json.fields(json.whole)?.get('predictions');
  const items = predictions && json.items(predictions);
  if (items?.length !== rows)
    throw new PermanentError(
      'DATA_LOSS',
      `the endpoint answered ${items?.length ?? 'no'} predictions to ${rows} instances`,
    );
  return items.map((item) => Buffer.concat([Buffer.from('{"prediction":'), json.line(item), Buffer.from('}\n')]));
}

function errorLine(message: string): Buffer {
  return Buffer.from(`${JSON.stringify({ error: errorInfo('INVALID_ARGUMENT', message) })}\n`);
}

function errorOf({ status, text }: Reply): string {
  try {
    const { error } = JSON.parse(text.toString('utf8')) as { readonly error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // not from the service itself: what stands before it answers in its own words
  }
  return `the endpoint answered ${status}: ${text.toString('utf8', 0, 300).trim()}`;
}

function refusal(status: number, message: string): PermanentError {
  if (status === 401 || status === 403)
    return new PermanentError('PERMISSION_DENIED', `${message}: may you invoke it? (--google-identity)`);
  return new PermanentError(status === 404 ? 'NOT_FOUND' : 'FAILED_PRECONDITION', message);
}

function splitLines({ bytes, rows }: InstanceLines): readonly Buffer[] {
  let start = 0;
  return Array.from({ length: rows }, () => {
    const end = bytes.indexOf(LF, start);
    const line = bytes.subarray(start, end);
    start = end + 1;
    return line;
  });
}

function joined(lines: readonly Buffer[]): readonly Buffer[] {
  const comma = Buffer.from(',');
  return lines.flatMap((line, place) => (place === 0 ? [line] : [comma, line]));
}
