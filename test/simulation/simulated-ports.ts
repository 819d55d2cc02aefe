import { inspectModel, scoreShard } from '../../functions/score/score-shard.ts';
import type { Message } from '../../shared/messages.ts';
import type { Job } from '../../shared/job.ts';
import type { ByteStream, Ports, Scorer } from '../../shared/ports.ts';
import type { Run } from './run.ts';
import { TinyModels } from './tiny-model.ts';
import type { World } from './world.ts';

/** A failure that the world made up. */
export class InjectedError extends Error {
  override readonly name = 'InjectedError';
}

const STREAMS = new Set<string | symbol>(['read', 'list', 'readResults', 'readParts']);

/** What one run of a handler sees of the world: each call waits for its turn and meets the run's fault. */
export function portsOf(world: World, run: Run): Ports {
  const { objects, ledger, models, queue } = world.underneath(run);
  const seen = {
    objects: attacked(world, run, objects),
    ledger: attacked(world, run, ledger),
    models: attacked(world, run, models),
    queue: { publish: (messages: readonly Message[]) => publish(world, run, queue, messages) },
    clock: world.scheduler,
    logger: { log: () => undefined },
  };
  return { ...seen, scorer: scorerOf(world, run, seen) };
}

function attacked<T extends object>(world: World, run: Run, port: T): T {
  return new Proxy(port, {
    get(target, method) {
      const call = Reflect.get(target, method) as (...args: unknown[]) => unknown;
      return (...args: unknown[]): unknown => {
        const name = String(method);
        if (STREAMS.has(method)) {
          return stream(world, run, name, args, () => call.apply(target, args) as AsyncIterable<unknown>);
        }
        if (method === 'updateJob') args[1] = contended(world, args[1] as (job: Job) => Job | undefined);
        return world.call(run, name, () => call.apply(target, args) as Promise<unknown>);
      };
    },
  });
}

/** What an optimistic transaction does to its change: it may be called for nothing. */
function contended(world: World, change: (job: Job) => Job | undefined): (job: Job) => Job | undefined {
  return (job) => {
    if (world.random.chance(world.attack?.contention ?? 0)) change(structuredClone(job));
    return change(job);
  };
}

/** Each item is a call; chunks of an object's bytes only now and then. Compressed ones come at once: threads decompress them. */
async function* stream(
  world: World,
  run: Run,
  name: string,
  args: readonly unknown[],
  open: () => AsyncIterable<unknown>,
): AsyncGenerator {
  const bytes = name === 'read';
  const whole = bytes && (args[0] as { name: string }).name.endsWith('.gz');
  await world.call(run, name, () => Promise.resolve());
  let first = true;
  for await (const item of open()) {
    if (!first && !whole && (!bytes || world.random.chance(0.1)))
      await world.call(run, `${name}+`, () => Promise.resolve());
    first = false;
    yield item;
  }
}

/** A batch may get through in part before the call fails. */
function publish(world: World, run: Run, queue: Ports['queue'], messages: readonly Message[]): Promise<void> {
  const some = messages.filter(() => world.random.chance(0.5));
  const name = `publish ${messages.map(({ kind }) => kind).join(' ')}`;
  return world.call(run, name, (failing) => queue.publish(failing && messages.length > 1 ? some : messages));
}

function scorerOf(world: World, run: Run, ports: Pick<Ports, 'objects' | 'models'>): Scorer {
  const models = new TinyModels(ports.models, world.refuses);
  return {
    inspect: (pinned) => inspectModel(models, pinned),
    score: async (request) => {
      if (world.isPoison(request.shard)) {
        await world.call(run, 'score', () => Promise.resolve()).catch(() => undefined);
        throw new Error('poison: the worker is gone');
      }
      return world.scored(await scoreShard({ objects: ports.objects, models }, request));
    },
  };
}

/** Reads a whole stream. */
export async function bytesOf(content: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
