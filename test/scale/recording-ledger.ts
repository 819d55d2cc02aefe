import { MemoryLedger } from '../../infra/memory/ledger.ts';
import { resultId, splitId } from '../../shared/names.ts';
import type { Ledger } from '../../shared/ports.ts';

/** What one call asks of one document, or of a collection's index. */
export interface Operation {
  readonly kind: 'read' | 'write' | 'count';
  readonly document: string;
}

/** How each call of the ledger falls on documents, as infra/gcp/ledger.ts lays them out; those that the flow never makes are not here. */
const OPERATIONS: Readonly<Record<string, (...args: never[]) => readonly Operation[]>> = {
  createJob: (job: { id: string }) => [write(`jobs/${job.id}`)],
  getJob: (job: string) => [read(`jobs/${job}`)],
  updateJob: (job: string) => [read(`jobs/${job}`), write(`jobs/${job}`)],
  putSplit: (job: string, record: { split: number }) => [write(`jobs/${job}/splits/${splitId(record.split)}`)],
  getSplit: (job: string, split: number) => [read(`jobs/${job}/splits/${splitId(split)}`)],
  countSplits: (job: string) => [count(`jobs/${job}/splits`)],
  createResult: (job: string, { split, shard }: { split: number; shard: number }) => [
    write(`jobs/${job}/results/${resultId(split, shard)}`),
  ],
  hasResult: (job: string, split: number, shard: number) => [read(`jobs/${job}/results/${resultId(split, shard)}`)],
  countResults: (job: string, split: number) => [count(`jobs/${job}/results?split=${split}`)],
  listResultShards: (job: string, split: number) => [count(`jobs/${job}/results?split=${split}`)],
  createPart: (job: string, part: { split: number }) => [write(`jobs/${job}/parts/${splitId(part.split)}`)],
  getPart: (job: string, split: number) => [read(`jobs/${job}/parts/${splitId(split)}`)],
  countParts: (job: string) => [count(`jobs/${job}/parts`)],
};

/** A ledger in memory that says what its calls would ask of Firestore. */
export function recordingLedger(): { ledger: Ledger; take: () => Operation[] } {
  let operations: Operation[] = [];
  const ledger = new Proxy(new MemoryLedger(), {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      return (...args: never[]): unknown => {
        operations.push(...(OPERATIONS[String(name)]?.(...args) ?? []));
        return Reflect.apply(method, target, args);
      };
    },
  });
  const take = (): Operation[] => {
    const taken = operations;
    operations = [];
    return taken;
  };
  return { ledger, take };
}

function read(document: string): Operation {
  return { kind: 'read', document };
}

function write(document: string): Operation {
  return { kind: 'write', document };
}

function count(document: string): Operation {
  return { kind: 'count', document };
}
