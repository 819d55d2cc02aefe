import type { Job } from '../../shared/job.ts';
import { makeAttack } from './attack.ts';
import type { Attack } from './attack.ts';
import { expectedRows, labelsOf, makeScenario } from './inputs.ts';
import type { Scenario, ScenarioOptions } from './inputs.ts';
import { checkNothingLeft, checkRows, checkSameManifest, readOutput, require } from './laws.ts';
import type { Output } from './laws.ts';
import { begin, play } from './play.ts';
import { Random } from './random.ts';
import type { Witness } from './seeds.ts';
import { World } from './world.ts';
import type { WorldOptions } from './world.ts';

export interface Game extends Pick<WorldOptions, 'sabotage' | 'scored' | 'chunkBytes'> {
  readonly scenario?: ScenarioOptions;
  /** Whether lost messages and blackouts are part of it, which only a sweep can mend. */
  readonly sweep?: boolean;
  readonly change?: (attack: Attack) => Attack;
  readonly witness?: Witness;
}

export interface Played {
  readonly world: World;
  readonly scenario: Scenario;
  readonly job: Job;
  readonly output: Output;
}

/** Plays a seed's job with nothing in its way. */
async function playQuietly(seed: number, game: Game = {}): Promise<Played> {
  const scenario = makeScenario(new Random(seed).fork(), game.scenario);
  return finish(new World({ seed, ...chunks(game) }), scenario);
}

/** Plays a seed's job under the seed's attack: it ends, in one job, with its whole output, and leaves nothing else. */
export async function playAttacked(seed: number, game: Game = {}): Promise<Played> {
  const random = new Random(seed);
  const scenario = makeScenario(random.fork(), game.scenario);
  const attack = makeAttack(random.fork(), { sweep: game.sweep ?? true });
  const { sabotage, scored } = game;
  const options = { ...(sabotage && { sabotage }), ...(scored && { scored }), ...chunks(game) };
  const world = new World({ seed, attack: game.change?.(attack) ?? attack, ...options });
  game.witness?.(world);
  const played = await finish(world, scenario);
  await checkNothingLeft(world, [played.job]);
  return played;
}

/** The law of laws: an attack leaves the bytes of a quiet run, and those are what the input asks for. */
export async function checkSameOutput(seed: number, game: Game = {}): Promise<void> {
  const quiet = await playQuietly(seed, game);
  checkRows(quiet.output.results, expectedRows(quiet.scenario), labelsOf(quiet.scenario), true);
  const { job, output } = await playAttacked(seed, game);
  require(job.state === quiet.job.state, `the job is ${job.state}; in quiet it is ${quiet.job.state}`);
  require(output.results === quiet.output.results, 'the results differ from those of the quiet run');
  require(output.errors === quiet.output.errors, 'the errors summary differs from that of the quiet run');
  checkSameManifest(output.manifest, quiet.output.manifest);
}

async function finish(world: World, scenario: Scenario): Promise<Played> {
  await begin(world, scenario);
  const jobs = await play(world);
  const [job] = jobs;
  require(jobs.length === 1 && job !== undefined, `one job was asked for; ${jobs.length} were made`);
  return { world, scenario, job, output: await readOutput(world, job) };
}

function chunks({ chunkBytes }: Game): Pick<WorldOptions, 'chunkBytes'> {
  return chunkBytes === undefined ? {} : { chunkBytes };
}
