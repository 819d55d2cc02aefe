import { describe, expect, it } from 'vitest';

import { makeAttack } from './attack.ts';
import { makeScenario } from './inputs.ts';
import { begin, play } from './play.ts';
import { Random } from './random.ts';
import { World } from './world.ts';

async function traceOf(seed: number): Promise<string> {
  const random = new Random(seed);
  const scenario = makeScenario(random.fork());
  const world = new World({ seed, attack: makeAttack(random.fork()) });
  await begin(world, scenario);
  await play(world);
  return world.trace.hash();
}

describe('the simulation', () => {
  it('does the same twice with the same seed, and other things with another', async () => {
    const hashes = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const hash = await traceOf(seed);
      expect(await traceOf(seed), `seed ${seed}`).toBe(hash);
      hashes.add(hash);
    }
    expect(hashes.size).toBe(40);
  });
});
