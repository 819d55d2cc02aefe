import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, notEmulated } from './api-error.ts';
import { ADMIN, handleFaults } from './fault-admin.ts';
import { cutBody } from './faults.ts';
import type { Cuts, Faults } from './faults.ts';
import { bodyOf, errorReply, pathSegments, send } from './http.ts';
import type { Call, ErrorStyle, Reply } from './http.ts';
import { findRoute } from './routes.ts';
import type { Service } from './service.ts';

const NO_CUTS: Cuts = { request: Infinity, response: Infinity };

/** Answers one request: finds its operation, applies the faults that match, does the work. Never rejects. */
export async function answer(
  service: Service,
  faults: Faults,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const drop = () => {
    request.socket.destroy();
  };
  response.on('error', drop);
  const { method = 'GET', url = '/', headers } = request;
  const [path = '/', search = ''] = url.split(/\?(.*)/s);
  const call: Call = { method, query: new URLSearchParams(search), headers, body: bodyOf(request), drop };
  let errors: ErrorStyle = 'json';
  let cuts = NO_CUTS;

  const work = async (): Promise<Reply> => {
    const segments = pathSegments(path);
    if (segments[0] === ADMIN) return handleFaults(faults, call, segments);
    const route = findRoute(method, segments, call.query);
    errors = route.errors;
    cuts = await faults.apply({ method, url, operation: route.operation }, signal);
    if (headers['x-goog-encryption-key'] !== undefined) throw notEmulated('customer-supplied encryption keys');
    const body = cuts.request === Infinity ? call.body : cutBody(call.body, cuts.request, drop);
    return route.handler(service, { ...call, body }, route.names);
  };

  const reply = await work().catch((error: unknown) => errorReply(asApiError(error, request), errors));
  // What is left of the body is read and forgotten: a client that still sends would not hear the answer otherwise.
  request.resume();
  await send(response, reply, cuts.response).catch(drop);
}

/** A broken connection has nobody to tell; anything else unknown is this emulator's own mistake and goes to stderr. */
function asApiError(error: unknown, request: IncomingMessage): ApiError {
  if (error instanceof ApiError) return error;
  const isBroken = request.socket.destroyed || request.destroyed;
  if (!isBroken) console.error(`storage emulator: ${request.method} ${request.url}`, error);
  return new ApiError(500, 'backendError', 'We encountered an internal error. Please try again.', { cause: error });
}
