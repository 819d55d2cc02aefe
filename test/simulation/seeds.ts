import { it } from 'vitest';

import type { World } from './world.ts';

/** `FANFOLD_SEED=123` plays one seed, `FANFOLD_SEEDS=20000` that many. */
const one = process.env['FANFOLD_SEED'];
const factor = Number(process.env['FANFOLD_SEEDS'] ?? 1000) / 1000;

/** Seeds of one test. */
const CHUNK = 100;
const TIMEOUT_MS = 600_000;

/** Gets the world that a seed made, for the story of its failure. */
export type Witness = (world: World) => void;

/**
 * Tests a law on many seeds.
 * @param share seeds out of the thousand that FANFOLD_SEEDS is by default.
 */
export function forSeeds(name: string, share: number, test: (seed: number, witness: Witness) => Promise<void>): void {
  if (one !== undefined) {
    it(`${name} (seed ${one})`, () => playSeed(Number(one), test), TIMEOUT_MS);
    return;
  }
  const seeds = Math.max(1, Math.round(share * factor));
  for (let from = 0; from < seeds; from += CHUNK) {
    const to = Math.min(seeds, from + CHUNK);
    it(
      `${name} (seeds ${from} to ${to - 1})`,
      async () => {
        for (let seed = from; seed < to; seed++) await playSeed(seed, test);
      },
      TIMEOUT_MS,
    );
  }
}

async function playSeed(seed: number, test: (seed: number, witness: Witness) => Promise<void>): Promise<void> {
  let last: World | undefined;
  try {
    await test(seed, (world) => {
      last = world;
    });
  } catch (error) {
    const replay = `FANFOLD_SEED=${seed} npx vitest run --project simulation`;
    const trace = last === undefined ? '' : `\n\nthe last of ${last.trace.length} events:\n${last.trace.tail(80)}`;
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed}: ${message}\nreplay it: ${replay}${trace}\n`, { cause: error });
  }
}

/** The first seed below `limit` on which the test fails, with why; undefined where it holds on all. */
export async function firstFailure(limit: number, test: (seed: number) => Promise<void>): Promise<string | undefined> {
  for (let seed = 0; seed < limit; seed++) {
    try {
      await test(seed);
    } catch (error) {
      return `seed ${seed}: ${(error as Error).message}`;
    }
  }
  return undefined;
}
