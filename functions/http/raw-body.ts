import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';

/** Where a predict request's content-encoding is found. */
export const CONTENT_ENCODING = 'x-fanfold-content-encoding';

/**
 * The Functions Framework parses JSON before it calls a function, and answers what is no JSON itself: in HTML, with a stack. A caller of the jobs API
 * is owed Google's error shape, one of predict TensorFlow Serving's: so their bodies are passed on as they come, and parsed there. It would also decompress
 * up to 1 GiB: a predict request's gzip is passed on as it is, and decompressed within predict's own limit. Called before the server listens.
 * https://nodejs.org/api/diagnostics_channel.html#built-in-channels
 */
export function keepApiBodies(): void {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    if (request.url?.startsWith('/v1/') !== true) return;
    request.headers['content-type'] = 'application/octet-stream';
    Reflect.deleteProperty(request.headers, CONTENT_ENCODING); // ours to set
    const encoding = request.headers['content-encoding'];
    if (encoding === undefined || !request.url.startsWith('/v1/models/')) return;
    request.headers[CONTENT_ENCODING] = encoding;
    Reflect.deleteProperty(request.headers, 'content-encoding');
  });
}
