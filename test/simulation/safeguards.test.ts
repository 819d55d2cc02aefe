import { describe, expect, it } from 'vitest';

import type { ScoredShard } from '../../shared/ports.ts';
import type { Attack } from './attack.ts';
import { require } from './laws.ts';
import type { Random } from './random.ts';
import { lastResultWins, noCheckBySplit, overwritingCreate, randomJobId, staleCounts } from './sabotage.ts';
import { checkSameOutput, playAttacked } from './same-output.ts';
import type { Game } from './same-output.ts';
import { firstFailure } from './seeds.ts';

/** Seeds among which one must see that a safeguard is missing. */
const LIMIT = 100;

describe('without a safeguard, some attack breaks a job:', () => {
  it.each<{ name: string; game: () => Game; says: RegExp }>([
    {
      name: 'objects that are overwritten instead of created once',
      game: () => ({ sabotage: overwritingCreate }),
      says: /changed since the job was created|is not the object of the job's outcome/,
    },
    {
      name: 'eventually consistent counts of results',
      game: () => ({ sabotage: staleCounts('countResults'), sweep: false }),
      says: /waits for ever/,
    },
    {
      name: 'eventually consistent counts of splits, where rows are numbered',
      game: () => ({ sabotage: staleCounts('countSplits'), sweep: false }),
      says: /waits for ever/,
    },
    {
      name: 'eventually consistent counts of parts',
      game: () => ({ sabotage: staleCounts('countParts'), sweep: false }),
      says: /waits for ever/,
    },
    {
      name: 'a split function that makes no completion check of its own',
      game: () => ({ sabotage: noCheckBySplit('own'), sweep: false }),
      says: /waits for ever/,
    },
    {
      name: 'a last split function that does not check the splits that waited for its rows',
      game: () => ({ sabotage: noCheckBySplit('others'), sweep: false }),
      says: /waits for ever/,
    },
    {
      name: 'no sweep, where messages are lost behind their acknowledgement',
      game: () => ({ sweep: false, change: (attack) => ({ ...attack, losses: 0.1 }) }),
      says: /waits for ever/,
    },
    {
      name: 'a new job for every delivery of an upload',
      game: () => ({ sabotage: randomJobId }),
      says: /one job was asked for; \d+ were made/,
    },
  ])('$name', async ({ game, says }) => {
    expect(await firstFailure(LIMIT, (seed) => checkSameOutput(seed, game()))).toMatch(says);
  });

  it('results of which the last one wins, where scoring twice gives other bytes', async () => {
    expect(await firstFailure(5 * LIMIT, (seed) => checkExtents(seed, { sabotage: lastResultWins() }))).toMatch(
      /\d+ bytes in .*, \d+ in its results|the index of part/,
    );
  });

  it('(and results that are created once withstand it)', async () => {
    expect(await firstFailure(LIMIT, (seed) => checkExtents(seed, {}))).toBeUndefined();
  });
});

/** With a scorer that gives other bytes each time, what is known of a part is still true of it. */
async function checkExtents(seed: number, game: Game): Promise<void> {
  const change = (attack: Attack): Attack => ({
    ...attack,
    slow: 0.15,
    duplicates: 0.8,
    faults: 0.6,
    faultBudget: 100,
  });
  const { world, job } = await playAttacked(seed, { ...game, change, scored: wobbly });
  for await (const { split, object, shards } of world.ledger.readParts(job.id)) {
    const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
    require(bytes === object.size, `the index of part ${split} counts ${bytes} of ${object.size} bytes`);
  }
}

function wobbly(scored: ScoredShard, random: Random): ScoredShard {
  const spaces = ' '.repeat(random.int(0, 3));
  const lines = Buffer.from(Buffer.from(scored.lines).toString().replaceAll('"prediction":', `"prediction":${spaces}`));
  return { ...scored, lines };
}
