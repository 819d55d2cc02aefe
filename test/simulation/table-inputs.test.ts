import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe } from 'vitest';

import type { Job } from '../../shared/job.ts';
import { bytesOf as bytesOfArray, npyFile, zipFile } from '../shared/formats/array-files.ts';
import { makeAttack } from './attack.ts';
import type { Scenario } from './inputs.ts';
import { checkNothingLeft, require } from './laws.ts';
import { begin, play } from './play.ts';
import { Random } from './random.ts';
import { forSeeds } from './seeds.ts';
import type { Witness } from './seeds.ts';
import { bytesOf } from './simulated-ports.ts';
import { World } from './world.ts';

describe('a job over an array or a table under any attack', () => {
  forSeeds('leaves one line for each row, in order', 90, checkLines);
});

async function checkLines(seed: number, witness: Witness): Promise<void> {
  const random = new Random(seed);
  const rows = random.int(1, 60);
  const scenario = tableScenario(random, seed, rows);
  const quiet = await linesOf(new World({ seed }), scenario);
  require(quiet.lines.length === rows, `${rows} rows went in, ${quiet.lines.length} lines came out`);
  quiet.lines.forEach((line, row) => {
    require(line.startsWith(`{"key":${row},"prediction":`), `line ${row} is ${line}`);
  });
  const world = new World({ seed, attack: makeAttack(random.fork(), { sweep: true }) });
  witness(world);
  const attacked = await linesOf(world, scenario);
  await checkNothingLeft(world, [attacked.job]);
  require(attacked.lines.join('\n') === quiet.lines.join('\n'), 'the results differ from those of the quiet run');
}

/** Every row's key is its row. */
function tableScenario(random: Random, seed: number, rows: number): Scenario {
  const x = Float32Array.from({ length: rows }, (_, row) => row);
  const id = Int32Array.from({ length: rows }, (_, row) => row);
  const npy = npyFile('<f4', [rows], bytesOfArray(x));
  const columnData = [
    { name: 'id', data: id, type: 'INT32' as const },
    { name: 'x', data: x, type: 'FLOAT' as const },
  ];
  const kinds = [
    { suffix: 'npy', content: npy, instanceConfig: { rowKeys: true } },
    {
      suffix: 'parquet',
      content: Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: random.int(1, 20) })),
      instanceConfig: { keyField: 'id' },
    },
    {
      suffix: 'npz',
      content: zipFile([
        { name: 'id.npy', content: npyFile('<i4', [rows], bytesOfArray(id)) },
        { name: 'x.npy', content: npy },
      ]),
      instanceConfig: { keyField: 'id' },
    },
  ] as const;
  const { suffix, content, instanceConfig } = kinds[seed % kinds.length] ?? kinds[0];
  return {
    entry: random.chance(0.5) ? 'upload' : 'submit',
    splitBytes: random.int(8, 100),
    template: { instanceConfig, maxItemsPerBatch: random.int(1, 8), maxInputBytesPerBatch: random.int(10, 200) },
    files: [{ name: `tiny/in/0.${suffix}`, content, rows: [] }],
  };
}

async function linesOf(world: World, scenario: Scenario): Promise<{ job: Job; lines: string[] }> {
  await begin(world, scenario);
  const [job] = await play(world);
  require(job?.outcome !== undefined, `the job is ${job?.state ?? 'none'}: ${job?.error?.message ?? ''}`);
  const { results } = job.outcome;
  const content = await bytesOf(world.objects.read(results, 0, results.size));
  return { job, lines: content.toString().split('\n').slice(0, -1) };
}
