import { ApiError } from './api-error.ts';
import { parseFault } from './faults.ts';
import type { Faults } from './faults.ts';
import { emptyReply, jsonReply, readJson } from './http.ts';
import type { Call, Reply } from './http.ts';

/** First segment of the paths that are the emulator's own. */
export const ADMIN = '_emulator';

/**
 * `POST /_emulator/faults` adds a fault and answers its id, `GET` lists them with how often each struck, `DELETE` clears
 * them all and `DELETE /_emulator/faults/ID` one.
 */
export async function handleFaults(faults: Faults, call: Call, segments: readonly string[]): Promise<Reply> {
  const [, kind, id] = segments;
  if (kind !== 'faults') throw new ApiError(404, 'notFound', 'The emulator itself has only /_emulator/faults.');
  if (call.method === 'GET') return jsonReply({ faults: faults.list() });
  if (call.method === 'POST') return jsonReply({ id: faults.add(parseFault(await readJson(call))) }, 201);
  if (call.method !== 'DELETE') throw new ApiError(405, 'methodNotAllowed', 'Method Not Allowed');
  faults.clear(id);
  return emptyReply(204);
}
