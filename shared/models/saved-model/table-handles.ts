import type { LookupTable } from './table.ts';

/**
 * The tables of the models that are loaded in this thread. In a graph that TensorFlow.js runs a table is its number, an int32 scalar: names are each
 * model's own, and operations are registered once for all models.
 */
const tables = new Map<number, LookupTable>();
let last = 0;

/** @returns the number that stands for the table in graphs, until it is detached. */
export function attachTable(table: LookupTable): number {
  tables.set(++last, table);
  return last;
}

export function detachTable(handle: number): void {
  tables.delete(handle);
}

export function tableOf(handle: number): LookupTable {
  const table = tables.get(handle);
  if (!table) throw new Error(`the lookup table ${handle} is not attached`);
  return table;
}
