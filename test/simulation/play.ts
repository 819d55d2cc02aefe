import { sweep } from '../../functions/sweep/sweep.ts';
import { createJob } from '../../functions/upload/create-job.ts';
import { upload } from '../../functions/upload/upload.ts';
import { isEnded } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import { folderOutput, jobIdOf, outputFolder } from '../../shared/names.ts';
import type { Ports } from '../../shared/ports.ts';
import type { Scenario } from './inputs.ts';
import { sweepWork } from './sweeps.ts';
import type { Work, World } from './world.ts';

const INPUT = 'input';
/** Output and scratch share a bucket, as composing wants it. */
export const OUTPUT = 'output';

const HOUR = 3_600_000;
/** Virtual time within which every job must have ended, whatever happened to it. */
const PATIENCE = 48 * HOUR;
const SWEEP_EVERY = 300_000;

/** Puts the scenario's files into the world and asks for its job. */
export async function begin(world: World, scenario: Scenario): Promise<void> {
  const { objects } = world;
  const template = Buffer.from(JSON.stringify(scenario.template));
  if (scenario.entry === 'upload') await objects.create(INPUT, 'tiny/fanfold.json', template);
  for (const { name, content } of scenario.files) {
    const { object } = await objects.create(INPUT, name, content);
    if (scenario.entry !== 'upload') continue;
    const target = { outputBucket: OUTPUT, scratchBucket: OUTPUT, splitBytes: scenario.splitBytes };
    world.deliver({ kind: 'upload', label: 'upload', durable: true, run: (ports) => upload(ports, object, target) });
  }
  if (scenario.entry === 'submit') world.deliver(submission(scenario));
}

function submission({ template, files, splitBytes }: Scenario): Work {
  const request = {
    id: jobIdOf('submit', '1'),
    model: 'tiny',
    inputs: files.map(({ name }) => ({ bucket: INPUT, name })),
    template,
    output: (model: string, time: string) => folderOutput(OUTPUT, `out/${outputFolder(model, time)}/`),
    scratchBucket: OUTPUT,
    splitBytes,
  };
  return { kind: 'submit', label: 'submit', durable: true, run: (ports) => createJob(ports, request) };
}

/**
 * Lets the world run until all jobs have ended and no message is left, then sweeps once more.
 * @throws Error where a job waits for ever.
 */
export async function play(world: World): Promise<readonly Job[]> {
  const { scheduler, attack } = world;
  const deadline = scheduler.now() + PATIENCE;
  let over = false;
  const tick = (): void => {
    if (over) return;
    world.deliver(attack?.sweepEvery === undefined ? sweepWork(() => allEnded(world)) : sweepWork());
    scheduler.after(attack?.sweepEvery ?? SWEEP_EVERY, tick);
  };
  if (attack !== undefined) scheduler.after(attack.sweepEvery ?? SWEEP_EVERY, tick);
  for (const moment of attack?.blackouts ?? []) {
    scheduler.after(moment, () => {
      world.blackout();
    });
  }
  for (;;) {
    const end = await scheduler.run(() => world.outstanding === 0, deadline);
    if (end === 'done' && (await allEnded(world))) break;
    const canMove = attack?.sweepEvery !== undefined && end !== 'deadline';
    if (!canMove) throw new Error(await stalled(world));
    await scheduler.run(() => world.outstanding > 0, deadline);
  }
  over = true;
  await sweep(calmPorts(world));
  return jobsOf(world);
}

/** Direct access, past the attack. */
function calmPorts(world: World): Pick<Ports, 'objects' | 'ledger' | 'queue' | 'models' | 'clock' | 'logger'> {
  const { objects, ledger, models, scheduler } = world;
  const queue = { publish: () => Promise.reject(new Error('something is published after the end')) };
  return { objects, ledger, models, queue, clock: scheduler, logger: { log: () => undefined } };
}

export async function jobsOf({ ledger }: World): Promise<readonly Job[]> {
  return (await ledger.listJobs({ pageSize: 1000 })).jobs;
}

async function allEnded(world: World): Promise<boolean> {
  const jobs = await jobsOf(world);
  return jobs.length > 0 && jobs.every(isEnded);
}

async function stalled(world: World): Promise<string> {
  const jobs = await Promise.all(
    (await jobsOf(world)).map(
      async ({ id, state }) => `${id} is ${state}: ${JSON.stringify(await world.ledger.progress(id))}`,
    ),
  );
  return `nothing moves any more, and a job waits for ever: ${jobs.join('; ') || 'none was made'}`;
}
