import { describe } from 'vitest';

import { shardId } from '../../shared/names.ts';
import { makeAttack } from './attack.ts';
import { labelsOf, makeScenario } from './inputs.ts';
import { checkNothingLeft, linesOf, readOutput, require } from './laws.ts';
import type { Line } from './laws.ts';
import { begin, play } from './play.ts';
import { Random } from './random.ts';
import { forSeeds } from './seeds.ts';
import { World } from './world.ts';

describe('a shard that breaks every attempt to score it', () => {
  forSeeds('becomes error rows with their keys, and nothing else changes', 150, async (seed, witness) => {
    const random = new Random(seed);
    const scenario = makeScenario(random.fork(), { scorable: true });
    const quietWorld = new World({ seed });
    await begin(quietWorld, scenario);
    const [quietJob] = await play(quietWorld);
    require(quietJob !== undefined, 'no job');
    const quiet = linesOf((await readOutput(quietWorld, quietJob)).results);

    const poison = new Set<string>();
    const poisoned: boolean[] = [];
    for await (const { split, shards } of quietWorld.ledger.readParts(quietJob.id)) {
      for (const [shard, { rows }] of shards.entries()) {
        const bad = random.chance(0.3);
        if (bad) poison.add(shardId(split, shard));
        for (let row = 0; row < rows; row++) poisoned.push(bad);
      }
    }

    const world = new World({ seed, attack: makeAttack(random.fork()), poison });
    witness(world);
    await begin(world, scenario);
    const jobs = await play(world);
    require(jobs[0] !== undefined && jobs.length === 1, `${jobs.length} jobs`);
    const lines = linesOf((await readOutput(world, jobs[0])).results);
    require(lines.length === quiet.length, `${lines.length} output rows of ${quiet.length}`);
    for (const [row, line] of lines.entries()) {
      if (poisoned[row] === true) checkPoisoned(line, quiet[row] ?? '', labelsOf(scenario) === 'instance');
      else require(line === quiet[row], `row ${row} is not of a poisoned shard, and changed: ${line}`);
    }
    const failed = lines.filter((line) => line.includes('"error":')).length;
    const state = failed === 0 ? 'SUCCEEDED' : failed === lines.length ? 'FAILED' : 'PARTIALLY_SUCCEEDED';
    require(jobs[0].state ===
      `JOB_STATE_${state}`, `${failed} of ${lines.length} rows failed, and the job is ${jobs[0].state}`);
    await checkNothingLeft(world, jobs);
  });
});

/** The same key or instance, and why it has no prediction; a record over the size limit has its own error anyway. */
function checkPoisoned(text: string, quiet: string, echoes: boolean): void {
  const label = (line: string): string => line.slice(0, line.search(/,"(prediction|error)":/));
  const line = JSON.parse(text) as Line;
  const oversize = quiet.includes('(maxRowBytes)');
  require(!('prediction' in line), `a poisoned row has a prediction: ${text}`);
  require(label(text) ===
    label(quiet), `a poisoned row lost its ${echoes ? 'instance' : 'key'}: ${text}; was ${quiet}`);
  const { message = '' } = line.error ?? {};
  const told = /^the shard could not be scored: poison/.test(message) && line.error?.status === 'INTERNAL';
  require(told || oversize, `a poisoned row's error says something else: ${message}`);
}
