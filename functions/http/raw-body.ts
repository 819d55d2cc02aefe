import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';

/**
 * The Functions Framework parses JSON before it calls a function, and answers what is no JSON itself: in HTML, with a stack. A caller of the jobs API
 * is owed Google's error shape: so its bodies are passed on as they come, and parsed there. Called before the server listens.
 * https://nodejs.org/api/diagnostics_channel.html#built-in-channels
 */
export function keepJobsBodies(): void {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    if (request.url?.startsWith('/v1/') === true) request.headers['content-type'] = 'application/octet-stream';
  });
}
