import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { setTimeout } from 'node:timers/promises';

import type { Storage } from '@google-cloud/storage';

import { PermanentError } from '../../shared/errors.ts';
import { locationOf } from '../../shared/job.ts';
import type { ByteStream, ObjectRef } from '../../shared/ports.ts';
import { isTransient, StorageError, translated } from './storage-errors.ts';

/** Tries without a byte in between; the message comes again after that. */
const MAX_ATTEMPTS = 5;
const BACKOFF_MS = 200;
/** Silence on a connection after which it counts as broken; a reader that pauses that long gets a new one. */
const IDLE_MS = 60_000;
const MAX_ERROR_BYTES = 64 * 1024;

const AGENTS = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) };

/**
 * Streams the bytes `[start, end)` of one generation. A connection that breaks is opened again where it broke: the generation is
 * pinned, so it is the same content. A reader that stops early closes its connection, and no other.
 *
 * The client library's own read stream cannot be given up in the middle: to close one connection it destroys the pool that all requests of the
 * process share (`createReadStream` of @google-cloud/storage 7.22, `request.agent.destroy()`), and what the others were doing fails.
 * @throws PermanentError NOT_FOUND where that generation is gone.
 */
export async function* download(storage: Storage, object: ObjectRef, start: number, end: number): ByteStream {
  for (let at = start, failures = 0; at < end;) {
    try {
      for await (const chunk of readRange(storage, object, at, end)) {
        at += chunk.length;
        failures = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      if (!isTransient(error) || ++failures === MAX_ATTEMPTS) throw error;
      await setTimeout(BACKOFF_MS * 2 ** (failures - 1) * (0.5 + Math.random()));
    }
  }
}

/** One request. A range that begins at or behind the object's end holds nothing. */
async function* readRange(storage: Storage, object: ObjectRef, start: number, end: number): ByteStream {
  const response = await get(storage, object, `bytes=${start}-${end === Infinity ? '' : end - 1}`);
  try {
    const status = response.statusCode ?? 0;
    if (status === 416) return;
    if (status === 206 || (status === 200 && start === 0 && Number(response.headers['content-length']) <= end)) {
      // A body that ends before its length is an error of Node's parser.
      for await (const chunk of response) yield chunk as Buffer;
      return;
    }
    const message = status < 400 ? 'the range was ignored' : await readText(response);
    throw problem(object, new StorageError(status < 400 ? 502 : status, message));
  } finally {
    response.destroy();
  }
}

function problem(object: ObjectRef, error: StorageError): unknown {
  const what = locationOf(object);
  if (error.code !== 404) return translated(error, what);
  return new PermanentError(
    'NOT_FOUND',
    `${what} is gone: it was changed or deleted since the job was created [generation=${object.generation}]`,
    { cause: error },
  );
}

async function get(storage: Storage, object: ObjectRef, range: string): Promise<http.IncomingMessage> {
  const { bucket, name, generation } = object;
  const path = `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`;
  const url = new URL(`${storage.apiEndpoint}${path}?alt=media&generation=${encodeURIComponent(generation)}`);
  const credentials = storage.customEndpoint ? {} : await storage.authClient.getRequestHeaders(url.href);
  // An object stored with `Content-Encoding: gzip` is unpacked on the way for who does not take gzip, and ranges of it are ignored then.
  const headers = { ...credentials, range, 'accept-encoding': 'gzip' };
  const secure = url.protocol === 'https:';
  const agent = AGENTS[secure ? 'https:' : 'http:'];
  const request = (secure ? https : http).get(url, { headers, agent, timeout: IDLE_MS });
  request.once('timeout', () => request.destroy(new Error(`${locationOf(object)}: no answer for ${IDLE_MS / 1000} s`)));
  request.on('error', () => undefined); // a connection that breaks later is the response's error too, which is where it is handled
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return response;
}

/** What the service says is wrong. */
async function readText(response: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > MAX_ERROR_BYTES) break;
  }
  return text === '' ? `status ${response.statusCode}` : text;
}
