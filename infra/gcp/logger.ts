import { AsyncLocalStorage } from 'node:async_hooks';

import type { Logger, Severity } from '../../shared/ports.ts';

/** The request that log lines belong to. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId?: string;
  readonly sampled?: boolean;
}

export interface LoggerOptions {
  /** Whose traces they are. */
  readonly projectId: string;
  /** Takes a line with its newline; default: standard output. */
  readonly write?: (line: string) => void;
}

const traces = new AsyncLocalStorage<Trace | undefined>();

/** Runs `work`; what it logs, however deep and late, belongs to the trace. */
export function withTrace<T>(trace: Trace | undefined, work: () => T): T {
  return traces.run(trace, work);
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The trace that a request is part of: `traceparent` (https://www.w3.org/TR/trace-context/), else `x-cloud-trace-context`
 * (`TRACE/SPAN;o=1`, the span in decimal). Undefined where neither is well-formed.
 */
export function traceOf(headers: Headers): Trace | undefined {
  const [, traceId, spanId, flags = '0'] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(headerOf(headers, 'traceparent')) ?? [];
  if (traceId !== undefined && spanId !== undefined)
    return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 };
  const [, id, span, option] =
    /^([0-9a-f]{32})(?:\/(\d{1,20}))?(?:;o=(\d))?/.exec(headerOf(headers, 'x-cloud-trace-context')) ?? [];
  if (id === undefined) return undefined;
  return {
    traceId: id,
    ...(span !== undefined && { spanId: hexSpan(span) }),
    ...(option !== undefined && { sampled: option === '1' }),
  };
}

/** Writes one JSON object a line, as Cloud Logging reads them from standard output; never throws for what it is given. */
export class GoogleLogger implements Logger {
  readonly #projectId: string;
  readonly #write: (line: string) => void;

  constructor({ projectId, write = (line) => process.stdout.write(line) }: LoggerOptions) {
    this.#projectId = projectId;
    this.#write = write;
  }

  /** Fields named `job`, `split` and `shard` are labels too, which Cloud Logging indexes. */
  log(severity: Severity, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const labels = labelsOf(fields);
    const entry = {
      ...fields,
      severity,
      message,
      ...traceFields(this.#projectId),
      ...(labels && { [`${SPECIAL}/labels`]: labels }),
    };
    this.#write(`${toJson(entry)}\n`);
  }
}

/** Source: https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields */
const SPECIAL = 'logging.googleapis.com';
const COORDINATES = ['job', 'split', 'shard'];

function traceFields(projectId: string): Readonly<Record<string, unknown>> {
  const trace = traces.getStore();
  if (trace === undefined) return {};
  return {
    [`${SPECIAL}/trace`]: `projects/${projectId}/traces/${trace.traceId}`,
    [`${SPECIAL}/spanId`]: trace.spanId,
    [`${SPECIAL}/trace_sampled`]: trace.sampled,
  };
}

function labelsOf(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> | undefined {
  const found = COORDINATES.flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)] as const] : [];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function headerOf(headers: Headers, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : (value?.[0] ?? '');
}

function hexSpan(decimal: string): string {
  return BigInt.asUintN(64, BigInt(decimal)).toString(16).padStart(16, '0');
}

function toJson(entry: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(entry, plain);
  } catch {
    const { severity, message } = entry; // a cycle in the fields
    return JSON.stringify({ severity, message });
  }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error)
    return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  return value;
}
