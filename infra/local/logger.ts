import type { Clock, Logger, Severity } from '../../shared/ports.ts';
import { SystemClock } from './clock.ts';

export interface LoggerOptions {
  /** `json`: one object a line, as Cloud Logging reads them; `text`: for people. */
  readonly format: 'json' | 'text';
  /** The least severity that is written; default INFO. */
  readonly minimum?: Severity;
  /** Takes a line without its newline; default: standard error. */
  readonly write?: (line: string) => void;
  readonly clock?: Clock;
}

const RANK: Readonly<Record<Severity, number>> = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3 };

/** Writes log lines; never throws for what it is given. */
export class StderrLogger implements Logger {
  readonly #format: (
    time: string,
    severity: Severity,
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ) => string;
  readonly #minimum: number;
  readonly #write: (line: string) => void;
  readonly #clock: Clock;

  constructor(options: LoggerOptions) {
    this.#format = options.format === 'json' ? formatJson : formatText;
    this.#minimum = RANK[options.minimum ?? 'INFO'];
    this.#write = options.write ?? ((line) => process.stderr.write(`${line}\n`));
    this.#clock = options.clock ?? new SystemClock();
  }

  log(severity: Severity, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (RANK[severity] < this.#minimum) return;
    this.#write(this.#format(new Date(this.#clock.now()).toISOString(), severity, message, fields));
  }
}

function formatJson(
  time: string,
  severity: Severity,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  return toJson({ ...fields, severity, time, message });
}

/** `12:34:56 WARNING shard failed job=j-1 shard=3`; the severity of what is normal is not worth its width. */
function formatText(
  time: string,
  severity: Severity,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${formatValue(value)}`);
  const level = severity === 'INFO' ? '' : `${severity} `;
  return `${time.slice(11, 19)} ${level}${message}${pairs.join('')}`.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}

function formatValue(value: unknown): string {
  const text = value instanceof Error ? value.message : typeof value === 'function' ? value.name : value;
  return typeof text === 'string' && /^[^\s"=]+$/.test(text) ? text : toJson(text);
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value, plain);
  } catch {
    return JSON.stringify(String(value)); // a cycle
  }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error)
    return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  return value;
}
