import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { embedded } from './embedded.ts';
import { csvLines, idOf, jsonLines, KEYED } from './running.ts';
import type { JobView, Running } from './running.ts';

interface Case {
  readonly title: string;
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly template: object;
}

const CASES: readonly Case[] = [
  { title: 'of one split', name: 'mlp/one.jsonl', content: jsonLines(500), template: KEYED },
  { title: 'of several splits', name: 'mlp/several.jsonl', content: jsonLines(4_000), template: KEYED },
  { title: 'that is compressed', name: 'mlp@1/packed.jsonl.gz', content: gzipSync(jsonLines(2_000)), template: KEYED },
  {
    title: 'without a key: instances are echoed',
    name: 'mlp/deep/er/echo.jsonl',
    content: jsonLines(300).replaceAll(/"key":\d+,/g, ''),
    template: {},
  },
  {
    title: 'of CSV with newlines in cells, in several splits',
    name: 'mlp/table.csv',
    content: csvLines(4_000),
    template: { instanceConfig: { keyField: 'key' }, maxItemsPerBatch: 300 },
  },
  {
    title: 'with rows as keys, numbered through several splits',
    name: 'mlp/rows.jsonl',
    content: jsonLines(3_000),
    template: { instanceConfig: { rowKeys: true, includedFields: ['x'] }, maxItemsPerBatch: 250 },
  },
  {
    title: 'whose results are larger than a document',
    name: 'wide/long.jsonl',
    content: jsonLines(600),
    template: { instanceConfig: { keyField: 'key' } },
  },
];

/** Dropped files become ordered output: the bytes of the embedded run. */
export function outputSuite(of: () => Running): void {
  describe('a dropped file', () => {
    it.each(CASES)(
      '$title becomes the output of the embedded run, byte for byte',
      async ({ name, content, template }) => {
        const job = await of().finished(await of().drop(name, content, template));
        const expected = await embedded(name, content, template);
        expect(await of().results(job)).toBe(expected.results);
        expect(expected.results.split('\n').length).toBeGreaterThan(300);
        await checkManifest(of(), job, expected.errors);
      },
    );

    it('overwritten is another job, of the new content', async () => {
      const uri = await of().drop('mlp/twice.jsonl', jsonLines(20), KEYED);
      const first = await of().finished(uri);
      await of().put(of().stack.buckets.input, 'mlp/twice.jsonl', jsonLines(30));
      const second = await of().until('a second job', async () =>
        (await of().jobs()).find((job) => job.inputConfig.gcsSource?.uris[0] === uri && job.name !== first.name),
      );
      expect((await of().ended(idOf(second))).completionStats).toMatchObject({ successfulCount: 29, failedCount: 1 });
    });

    it('is scored by the version that its folder names, else by the default', async () => {
      const runs = ['mlp/v.jsonl', 'mlp@1/v.jsonl', 'mlp@2/v.jsonl'];
      const jobs = await Promise.all(
        runs.map(async (name) => of().finished(await of().drop(name, jsonLines(5), KEYED))),
      );
      const [latest, one, two] = await Promise.all(jobs.map((job) => of().results(job)));
      expect(jobs.map(({ modelVersionId }) => modelVersionId)).toEqual(['2', '1', '2']);
      expect(latest).toBe(two);
      expect(latest).not.toBe(one);
    });

    it('for a model that is not there leaves a failed job that says so', async () => {
      const job = await of().finished(await of().drop('nobody/a.jsonl', jsonLines(5)));
      expect(job).toMatchObject({
        state: 'JOB_STATE_FAILED',
        error: { message: expect.stringContaining('nobody') as string },
      });
    });
  });
}

/** Who sees the manifest sees everything: its checksums are those of the objects, and nothing else is left. */
async function checkManifest(running: Running, job: JobView, errors: string): Promise<void> {
  const folder = job.outputInfo?.gcsOutputDirectory ?? '';
  const manifest = JSON.parse((await running.read(job.outputInfo?.manifest ?? '')).toString()) as {
    files: { name: string; size: number; rows?: number; crc32c: string }[];
  };
  for (const { name, size, crc32c } of manifest.files) {
    const [, bucket = '', prefix = ''] = /^gs:\/\/([^/]+)\/(.+)$/.exec(folder) ?? [];
    const [metadata] = await running.storage.bucket(bucket).file(`${prefix}${name}`).getMetadata();
    expect({ size: Number(metadata.size), crc32c: metadata.crc32c }).toEqual({ size, crc32c });
  }
  expect((await running.read(`${folder}${manifest.files[1]?.name ?? ''}`)).toString()).toBe(errors);
  await running.until('the end of the scratch', async () =>
    (await running.outputNames()).some((name) => name.startsWith(`_fanfold/${idOf(job)}/`)) ? undefined : true,
  );
}
