import { conditionNotMet, invalidParameter, notModified } from './api-error.ts';

/** What a request demands of the state it acts on. Generations are decimal int64 strings; '0' is "no live object". */
export interface Preconditions {
  readonly generationMatch?: string;
  readonly generationNotMatch?: string;
  readonly metagenerationMatch?: string;
  readonly metagenerationNotMatch?: string;
}

interface Versioned {
  readonly generation?: string;
  readonly metageneration: number;
}

/** The parameter as a canonical decimal, or undefined; 400 if it is no int64. */
export function int64Parameter(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,19}$/.test(text)) throw invalidParameter(name, `Invalid unsigned integer value: '${text}'.`);
  return BigInt(text).toString();
}

/**
 * Reads `ifGenerationMatch` and its kin, or `ifSourceGenerationMatch` and its kin.
 * Source: https://cloud.google.com/storage/docs/request-preconditions
 */
export function readPreconditions(query: URLSearchParams, prefix: 'if' | 'ifSource' = 'if'): Preconditions {
  const found = {
    generationMatch: int64Parameter(query, `${prefix}GenerationMatch`),
    generationNotMatch: int64Parameter(query, `${prefix}GenerationNotMatch`),
    metagenerationMatch: int64Parameter(query, `${prefix}MetagenerationMatch`),
    metagenerationNotMatch: int64Parameter(query, `${prefix}MetagenerationNotMatch`),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** Throws 412, or for a failed not-match on a read 304, unless `current` (undefined: no live object) is as demanded. */
export function checkPreconditions(wanted: Preconditions, current: Versioned | undefined, reading = false): void {
  const generation = current?.generation ?? '0';
  const metageneration = String(current?.metageneration ?? 0);
  if ((wanted.generationMatch ?? generation) !== generation) throw conditionNotMet();
  if ((wanted.metagenerationMatch ?? metageneration) !== metageneration) throw conditionNotMet();
  if (wanted.generationNotMatch === generation || wanted.metagenerationNotMatch === metageneration) {
    throw reading ? notModified() : conditionNotMet();
  }
}
