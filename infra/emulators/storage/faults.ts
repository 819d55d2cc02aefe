import { setTimeout as sleep } from 'node:timers/promises';
import { invalid, statusError } from './api-error.ts';
import { isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { isOperation } from './routes.ts';
import type { Operation } from './routes.ts';

/** What goes wrong. */
type FaultAction =
  /** Answers with this status and does nothing else. */
  | { readonly kind: 'status'; readonly status: number; readonly message?: string; readonly retryAfterSeconds?: number }
  /** Waits before doing the work. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Does the work, then cuts the connection after so many bytes of the answer's body (0: before its headers). */
  | { readonly kind: 'drop-response'; readonly afterBytes: number }
  /** Cuts the connection after so many bytes of the request's body; a shorter body goes through unharmed. */
  | { readonly kind: 'drop-request'; readonly afterBytes: number };

/** A rule: which requests, how often, and what happens to them. */
export interface Fault {
  readonly action: FaultAction;
  readonly method?: string;
  /** Part of the URL as sent, percent-encoded, with its query. */
  readonly path?: string;
  /** For example `objects.insert`; all are in routes.ts. */
  readonly operation?: Operation;
  /** So many matching requests are left alone first; default 0. */
  readonly skip?: number;
  /** So many are hit; default 1, or every one where `forMs` is given. */
  readonly times?: number;
  /** The rule ends so long after it was added. */
  readonly forMs?: number;
}

export interface FaultState extends Fault {
  readonly id: string;
  readonly hits: number;
}

export interface FaultTarget {
  readonly method: string;
  readonly url: string;
  readonly operation: Operation;
}

/** What to do to one request, once delays are over and no status was injected. */
export interface Cuts {
  readonly request: number;
  readonly response: number;
}

interface Rule {
  readonly id: string;
  readonly fault: Fault;
  readonly endsAt: number;
  seen: number;
  hits: number;
}

/** The injected faults of one emulator. */
export class Faults {
  readonly #rules = new Map<string, Rule>();
  #lastId = 0;

  /** Adds a rule and returns its id. */
  add(fault: Fault): string {
    const id = String(++this.#lastId);
    this.#rules.set(id, { id, fault, endsAt: Date.now() + (fault.forMs ?? Infinity), seen: 0, hits: 0 });
    return id;
  }

  list(): FaultState[] {
    return [...this.#rules.values()].map(({ id, fault, hits }) => ({ ...fault, id, hits }));
  }

  /** Removes one rule, or all. */
  clear(id?: string): void {
    if (id === undefined) this.#rules.clear();
    else this.#rules.delete(id);
  }

  /** Applies every rule that matches: waits, throws the injected status, or returns where to cut. */
  async apply(target: FaultTarget, signal: AbortSignal): Promise<Cuts> {
    const actions = [...this.#rules.values()].filter((rule) => hit(rule, target)).map(({ fault }) => fault.action);
    const cuts = { request: Infinity, response: Infinity };
    for (const action of actions) {
      switch (action.kind) {
        case 'delay':
          await sleep(action.ms, undefined, { signal });
          break;
        case 'drop-request':
          cuts.request = Math.min(cuts.request, action.afterBytes);
          break;
        case 'drop-response':
          cuts.response = Math.min(cuts.response, action.afterBytes);
          break;
        case 'status':
          throw injected(action);
        default:
          action satisfies never;
      }
    }
    return cuts;
  }
}

function injected(action: Extract<FaultAction, { kind: 'status' }>) {
  const error = statusError(action.status, action.message);
  if (action.retryAfterSeconds === undefined) return error;
  return Object.assign(error, { headers: { 'retry-after': String(action.retryAfterSeconds) } });
}

/** Whether the rule strikes this request; counts it. */
function hit(rule: Rule, target: FaultTarget): boolean {
  const { method, path, operation, skip = 0, forMs } = rule.fault;
  const times = rule.fault.times ?? (forMs === undefined ? 1 : Infinity);
  if (Date.now() >= rule.endsAt || rule.hits >= times) return false;
  if (method !== undefined && method.toUpperCase() !== target.method) return false;
  if (path !== undefined && !target.url.includes(path)) return false;
  if (operation !== undefined && operation !== target.operation) return false;
  if (++rule.seen <= skip) return false;
  rule.hits++;
  return true;
}

/** The body up to `bytes`, then a cut connection. */
export async function* cutBody(body: AsyncIterable<Buffer>, bytes: number, drop: () => void): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const piece of body) {
    if (piece.length <= left) yield piece;
    else {
      if (left > 0) yield piece.subarray(0, left);
      drop();
      throw new Error(`injected fault: connection dropped after ${bytes} bytes of the request`);
    }
    left -= piece.length;
  }
}

/** Reads a fault from the admin endpoint's JSON; 400 says what is wrong with it. */
export function parseFault(body: JsonObject): Fault {
  const { action } = body;
  if (!isJsonObject(action)) throw invalid('A fault needs an action: {"action":{"kind":"status","status":503}}');
  const needs: Readonly<Record<string, string>> = {
    status: 'status',
    delay: 'ms',
    'drop-response': 'afterBytes',
    'drop-request': 'afterBytes',
  };
  const kind = typeof action['kind'] === 'string' ? action['kind'] : '';
  const need = needs[kind];
  if (need === undefined) throw invalid(`Unknown fault '${kind}'; known are ${Object.keys(needs).join(', ')}.`);
  checkNumbers(action, [need], true);
  checkNumbers(action, ['retryAfterSeconds'], false);
  checkNumbers(body, ['skip', 'times', 'forMs'], false);
  const { operation } = body;
  if (operation !== undefined && !isOperation(operation))
    throw invalid(`Unknown operation: ${JSON.stringify(operation)}`);
  for (const field of ['method', 'path']) {
    if (body[field] !== undefined && typeof body[field] !== 'string') throw invalid(`'${field}' must be a string.`);
  }
  const { status } = action;
  if (kind === 'status' && !(Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599)) {
    throw invalid("'status' must be from 400 to 599.");
  }
  return body as unknown as Fault;
}

function checkNumbers(object: JsonObject, fields: readonly string[], needed: boolean): void {
  for (const field of fields) {
    const value = object[field];
    if (value === undefined && !needed) continue;
    if (typeof value !== 'number' || !(value >= 0)) throw invalid(`'${field}' must be a number, 0 or more.`);
  }
}
