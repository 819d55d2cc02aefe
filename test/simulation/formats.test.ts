import { describe } from 'vitest';

import type { Job, PredictionsFormat } from '../../shared/job.ts';
import type { StoredObject } from '../../shared/ports.ts';
import { makeAttack } from './attack.ts';
import { makeScenario } from './inputs.ts';
import type { Scenario } from './inputs.ts';
import { checkNothingLeft, require } from './laws.ts';
import { begin, play } from './play.ts';
import { Random } from './random.ts';
import { forSeeds } from './seeds.ts';
import type { Witness } from './seeds.ts';
import { bytesOf } from './simulated-ports.ts';
import { World } from './world.ts';

const FORMATS: readonly PredictionsFormat[] = ['csv', 'tf-record', 'parquet'];

describe('a job of another output format under any attack', () => {
  forSeeds('leaves the bytes of a quiet run', 90, checkSameBytes);
});

async function checkSameBytes(seed: number, witness: Witness): Promise<void> {
  const scenario = formatScenario(seed);
  const quiet = await outputOf(new World({ seed }), scenario);
  const random = new Random(seed);
  const world = new World({ seed, attack: makeAttack(random.fork(), { sweep: true }) });
  witness(world);
  const attacked = await outputOf(world, scenario);
  await checkNothingLeft(world, [attacked.job]);
  const { job } = attacked;
  require(job.state === quiet.job.state, `the job is ${job.state}; in quiet it is ${quiet.job.state}`);
  require(attacked.results.equals(quiet.results), 'the results differ from those of the quiet run');
  require(attacked.errors.equals(quiet.errors), 'the errors summary differs from that of the quiet run');
}

/** One in three has more splits than one call can join. */
function formatScenario(seed: number): Scenario {
  const scenario = makeScenario(new Random(seed).fork(), { manySplits: seed % 6 > 3 });
  const predictionsFormat = FORMATS[seed % FORMATS.length] ?? 'csv';
  return { ...scenario, template: { ...scenario.template, predictionsFormat } };
}

async function outputOf(world: World, scenario: Scenario): Promise<{ job: Job; results: Buffer; errors: Buffer }> {
  await begin(world, scenario);
  const jobs = await play(world);
  const [job] = jobs;
  require(jobs.length === 1 && job !== undefined, `one job was asked for; ${jobs.length} were made`);
  const { outcome } = job;
  require(outcome !== undefined, `the job is ${job.state}, and has no output: ${job.error?.message ?? ''}`);
  const content = (object: StoredObject): Promise<Buffer> => bytesOf(world.objects.read(object, 0, object.size));
  return { job, results: await content(outcome.results), errors: await content(outcome.errors) };
}
