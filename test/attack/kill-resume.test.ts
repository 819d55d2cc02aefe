import { appendFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { FanfoldProcess, fanfold, sleep } from './fanfold-process.ts';
import type { Ended } from './fanfold-process.ts';
import { WORKLOADS, argsOf, makeWorkFolder, readOutput, writeModel } from './workload.ts';
import type { Workload } from './workload.ts';

const KILLS = 20;
const KILLS_OF_ONE = KILLS / WORKLOADS.length;
/** Runs that may end before their kill comes. */
const MISSES = 20;

let folder: string;

beforeAll(() => {
  folder = makeWorkFolder();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A path for an output that has its folder to itself. */
function freshOutput(name: string): string {
  const path = `${name}-${String(outputs++)}`;
  mkdirSync(join(folder, path));
  return join(path, 'out.jsonl');
}
let outputs = 0;

describe('fanfold run, killed', () => {
  it.each(WORKLOADS)(
    'at any moment and started again, leaves the bytes of an undisturbed run: $name',
    async (workload) => {
      const quiet = freshOutput('quiet');
      const { code, tookMs, stderr } = await fanfold(argsOf(workload, quiet), folder);
      expect(code, stderr).toBe(3);
      const expected = readOutput(folder, quiet);

      // How long a run takes, as far as is known: other suites may have slowed the first one down, and none slows this one now.
      let lastsMs = tookMs;
      let kills = 0;
      let resumed = 0;
      // A run lasts less than a second, half of it start-up: it may be that none of the kills hit work that is worth resuming.
      for (let run = 0; kills < KILLS_OF_ONE || resumed === 0; run++) {
        expect(run, 'runs that ended before they could be killed, or had nothing to resume').toBeLessThan(MISSES);
        const output = freshOutput('killed');
        // Spread over the run: a different part of it each time, and a little chance within the part.
        const survived = await untilSucceeded(workload, output, () => {
          return lastsMs * (((kills % KILLS_OF_ONE) + Math.random()) / KILLS_OF_ONE);
        });
        if (survived.kills === 0) lastsMs = Math.min(lastsMs, survived.firstTookMs);
        kills += survived.kills;
        resumed += survived.resumed;
        expect(readOutput(folder, output)).toEqual(expected);
        rmSync(join(folder, output, '..'), { recursive: true });
      }
    },
    120_000,
  );
});

/** Runs the same command until it ends by itself; @param killAfter milliseconds until the first kill. */
async function untilSucceeded(
  workload: Workload,
  output: string,
  killAfter: () => number,
): Promise<{ readonly kills: number; readonly resumed: number; readonly firstTookMs: number }> {
  let resumed = 0;
  const delay = killAfter();
  const first = await killedAfter(workload, output, delay);
  let kills = first.signal === 'SIGKILL' ? 1 : 0;
  if (kills === 0) {
    expect(first.code, first.stderr).toBe(3);
    return { kills, resumed, firstTookMs: first.tookMs };
  }
  for (;;) {
    // Again, sooner: what was done is not done again.
    const again = kills < 3 ? delay * 0.7 : undefined;
    const next = await killedAfter(workload, output, again);
    if (next.stderr.includes('resuming: ')) resumed++;
    if (next.signal === 'SIGKILL') {
      kills++;
      continue;
    }
    // Killed when all was done, even the removal of its state.
    const done = next.code === 1 && next.stderr.includes('exists already');
    expect(done ? 3 : next.code, next.stderr).toBe(3);
    return { kills, resumed, firstTookMs: first.tookMs };
  }
}

async function killedAfter(workload: Workload, output: string, delay: number | undefined): Promise<Ended> {
  const run = new FanfoldProcess(argsOf(workload, output), folder);
  if (delay === undefined) return run.ended;
  await Promise.race([sleep(delay), run.ended]);
  run.kill('SIGKILL');
  return run.ended;
}

/** Shards done so far, as a run's ledger has them; 0 while it has no tables yet. */
function resultsIn(ledger: string): number {
  try {
    using database = new DatabaseSync(ledger, { readOnly: true });
    return database.prepare('SELECT count(*) AS count FROM results').get()?.['count'] as number;
  } catch {
    return 0;
  }
}

describe('fanfold run, interrupted', () => {
  const [workload] = WORKLOADS as readonly [Workload];

  /** A run that is stopped once some of its work is done. */
  async function interrupted(output: string, signal: NodeJS.Signals): Promise<Ended> {
    const run = new FanfoldProcess(argsOf(workload, output), folder);
    await run.until(() => resultsIn(join(folder, `${output}.fanfold`, 'ledger.db')) >= 100);
    run.kill(signal);
    const ended = await run.ended;
    expect(existsSync(join(folder, `${output}.fanfold`, 'ledger.db')), 'the run ended too early').toBe(true);
    return ended;
  }

  it('by Ctrl-C exits with 130, says what to do, and resumes', async () => {
    const output = freshOutput('interrupted');
    const { code, stderr } = await interrupted(output, 'SIGINT');
    expect(stderr).toMatch(/interrupted: what is done is kept; the same command goes on/);
    expect(code).toBe(130);
    const resumed = await fanfold(argsOf(workload, output), folder);
    expect(resumed.stderr).toMatch(/resuming: \d+ rows are done already/);
    expect(resumed.code).toBe(3);
    expect(readOutput(folder, output).names).toEqual([
      'out.jsonl',
      'out.jsonl.errors_stats',
      'out.jsonl.manifest.json',
    ]);
  });

  it('refuses to go on with an input that has changed, and starts over with --force', async () => {
    const output = freshOutput('changed');
    await interrupted(output, 'SIGKILL');
    appendFileSync(join(folder, 'b.jsonl'), '{"id":"new","x":[1,2,3,4]}\n');
    const refused = await fanfold(argsOf(workload, output), folder);
    expect(refused.stderr).toMatch(/input .*\/b\.jsonl has changed/);
    expect(refused.stderr).toMatch(/--force/);
    expect(refused.code).toBe(1);
    const forced = await fanfold([...argsOf(workload, output), '--force'], folder);
    expect(forced.code, forced.stderr).toBe(3);
    expect(readOutput(folder, output).results).toContain('{"key":"new","prediction":');
  });

  it('refuses to go on with a model that has changed', async () => {
    const output = freshOutput('model');
    await interrupted(output, 'SIGKILL');
    writeModel(folder, 2);
    const refused = await fanfold(argsOf(workload, output), folder);
    expect(refused.stderr).toMatch(/the files of model .* have changed/);
    expect(refused.code).toBe(1);
    writeModel(folder, 1);
    expect((await fanfold(argsOf(workload, output), folder)).code).toBe(3);
  });

  it('starts over with --force, and keeps no row that the old model scored', async () => {
    const output = freshOutput('forced');
    await interrupted(output, 'SIGKILL');
    writeModel(folder, 2);
    const forced = await fanfold([...argsOf(workload, output), '--force'], folder);
    expect(forced.code, forced.stderr).toBe(3);
    const fresh = freshOutput('fresh');
    await fanfold(argsOf(workload, fresh), folder);
    writeModel(folder, 1);
    expect(readOutput(folder, output).results).toBe(readOutput(folder, fresh).results);
  });

  it('refuses a second run on the same output while one is under way', async () => {
    const output = freshOutput('twice');
    const first = new FanfoldProcess(argsOf(workload, output), folder);
    await first.until(() => existsSync(join(folder, `${output}.fanfold`, 'ledger.db')));
    first.kill('SIGSTOP');
    try {
      const second = await fanfold(argsOf(workload, output), folder);
      expect(second.stderr).toMatch(/another fanfold run is writing/);
      expect(second.code).toBe(1);
    } finally {
      first.kill('SIGCONT');
    }
    expect((await first.ended).code).toBe(3);
    expect(existsSync(join(folder, `${output}.fanfold`))).toBe(false);
  });
});
