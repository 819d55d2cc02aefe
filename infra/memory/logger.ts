import type { Logger, Severity } from '../../shared/ports.ts';

export interface LogEntry {
  readonly severity: Severity;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class MemoryLogger implements Logger {
  readonly entries: LogEntry[] = [];

  log(severity: Severity, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.entries.push({ severity, message, fields });
  }
}
