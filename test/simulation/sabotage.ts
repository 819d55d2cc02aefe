import type { Result } from '../../shared/shard.ts';
import { splitId } from '../../shared/names.ts';
import { bytesOf } from './simulated-ports.ts';
import type { Run } from './run.ts';
import type { UnderPorts, World } from './world.ts';

/** Safeguards switched off, one at a time, below the handlers: a simulation that cannot see it is worth nothing. */

export type Sabotage = (ports: UnderPorts, run: Run, world: World) => UnderPorts;

/** The port with some methods replaced. */
function replace<T extends object>(port: T, methods: Partial<T>): T {
  return new Proxy(port, {
    get(target, name) {
      const replaced = Reflect.get(methods, name) as unknown;
      if (replaced !== undefined) return replaced;
      return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
    },
  });
}

/** An object store whose writes replace what is there. */
export const overwritingCreate: Sabotage = (ports) => ({
  ...ports,
  objects: replace(ports.objects, {
    async create(bucket, name, content) {
      const bytes = content instanceof Uint8Array ? content : await bytesOf(content);
      await ports.objects.delete(bucket, name);
      return ports.objects.create(bucket, name, bytes);
    },
  }),
});

/** A ledger that keeps the last result of a shard, and not the first. */
export function lastResultWins(): Sabotage {
  const last = new Map<string, Result>();
  const keyOf = (job: string, { split, shard }: Result): string => `${job} ${split} ${shard}`;
  return (ports) => ({
    ...ports,
    ledger: replace(ports.ledger, {
      createResult(job, result) {
        last.set(keyOf(job, result), result);
        return ports.ledger.createResult(job, result);
      },
      async *readResults(job, split) {
        for await (const result of ports.ledger.readResults(job, split)) yield last.get(keyOf(job, result)) ?? result;
      },
    }),
  });
}

/** Counts as an eventually consistent index gives them: those of some moments ago. */
export function staleCounts(method: 'countResults' | 'countSplits' | 'countParts'): Sabotage {
  const history = new Map<string, { readonly time: number; readonly count: number }[]>();
  return (ports, _run, world) => {
    const count = async (job: string, split = -1): Promise<number> => {
      const now = world.scheduler.now();
      const current = await (method === 'countResults'
        ? ports.ledger.countResults(job, split)
        : ports.ledger[method](job));
      const counts = history.get(`${job} ${split}`) ?? [{ time: 0, count: 0 }];
      history.set(`${job} ${split}`, counts);
      const stale = counts.findLast(({ time }) => time < now - 5_000)?.count ?? 0;
      counts.push({ time: now, count: current });
      return world.random.chance(0.5) ? stale : current;
    };
    return { ...ports, ledger: replace(ports.ledger, { [method]: count }) };
  };
}

/** Split functions that leave the completion check to others; of their own split, or of the others that waited for their record. */
export function noCheckBySplit(which: 'own' | 'others'): Sabotage {
  return (ports, run) => {
    if (run.kind !== 'split') return ports;
    const isDropped = (message: { readonly kind: string; readonly split?: number }): boolean =>
      message.kind === 'assemble' && run.label.endsWith(` ${splitId(message.split ?? 0)}`) === (which === 'own');
    const publish: UnderPorts['queue']['publish'] = (messages) =>
      ports.queue.publish(messages.filter((message) => !isDropped(message)));
    return { ...ports, queue: { publish } };
  };
}

/** Upload functions that make up a new job id each time. */
export const randomJobId: Sabotage = (ports, run) => {
  if (run.kind !== 'upload') return ports;
  const alias = (job: string): string => `${job}-${run.id}`;
  return {
    ...ports,
    queue: {
      publish: (messages) => ports.queue.publish(messages.map((message) => ({ ...message, job: alias(message.job) }))),
    },
    ledger: replace(ports.ledger, {
      getJob: () => Promise.resolve(undefined),
      createJob: (job) => ports.ledger.createJob({ ...job, id: alias(job.id) }),
      updateJob: (job, change) => ports.ledger.updateJob(alias(job), change),
    }),
  };
};
