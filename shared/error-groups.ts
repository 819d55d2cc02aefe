import { FIRST_ROWS, MAX_ERROR_GROUPS } from './config.ts';
import { errorInfo } from './errors.ts';
import type { ErrorInfo } from './errors.ts';
import type { ErrorGroup } from './shard.ts';

const OTHERS = errorInfo('UNKNOWN', 'other errors: more distinct ones than a summary keeps');

/**
 * Gathers row errors by message: at most MAX_ERROR_GROUPS distinct ones, the rest counted together, each with its first few
 * rows. Fed in row order, the same rows give the same groups.
 */
export class ErrorGroups {
  readonly #groups = new Map<string, { error: ErrorInfo; count: number; firstRows: number[] }>();

  add(error: ErrorInfo, row: number): void {
    this.merge([{ error, count: 1, firstRows: [row] }], 0);
  }

  /** Adds the groups of a later shard or split, whose first row is `offset` here. */
  merge(groups: readonly ErrorGroup[], offset: number): void {
    for (const { error, count, firstRows } of groups) {
      const group = this.#group(error);
      group.count += count;
      for (const row of firstRows) if (group.firstRows.length < FIRST_ROWS) group.firstRows.push(offset + row);
    }
  }

  list(): readonly ErrorGroup[] {
    return [...this.#groups.values()];
  }

  #group(error: ErrorInfo): { count: number; firstRows: number[] } {
    const key = `${error.status} ${error.message}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    if (this.#groups.size >= MAX_ERROR_GROUPS && error !== OTHERS) return this.#group(OTHERS);
    const group = { error, count: 0, firstRows: [] };
    this.#groups.set(key, group);
    return group;
  }
}
