import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { FUNCTIONS } from '../../infra/emulators/stack.ts';
import { buildArchive } from '../../scripts/build.ts';
import type { Archive } from '../../scripts/build.ts';
import { withEmulator } from '../contract-gcp/emulators.ts';
import { FakeBigQuery } from '../infra/gcp/fake-bigquery.ts';
import { bigQuerySuite, QUERY_DATASET } from './bigquery-suite.ts';
import { embedded } from './embedded.ts';
import { inputsSuite } from './inputs-suite.ts';
import { jsonLines, KEYED, ROOT, Running } from './running.ts';

const run = promisify(execFile);

/** Installing some hundred packages. */
const INSTALL_TIMEOUT_MS = 240_000;

/** The Node that runs the tests runs npm too. */
const ENV = { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}` };

withEmulator('pubsub', () => {
  withEmulator('firestore', () => {
    describe('the deployed archive, unpacked into an empty folder and installed', () => {
      const root = mkdtempSync(path.join(tmpdir(), 'fanfold-archive-'));
      const folder = path.join(root, 'unpacked');
      let archive: Archive;
      let running: Running | undefined;
      const bigQuery = new FakeBigQuery();
      let closeBigQuery = (): void => undefined;

      beforeAll(async () => {
        archive = await buildArchive(path.join(root, 'functions'));
        mkdirSync(folder);
        await run('unzip', ['-q', archive.zip, '-d', folder]);
        await run('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline'], {
          cwd: folder,
          env: ENV,
        });
        const { endpoint, close } = await bigQuery.listen(500);
        closeBigQuery = close;
        running = await Running.start({ source: folder, bigquery: { endpoint, queryDataset: QUERY_DATASET } });
      }, INSTALL_TIMEOUT_MS);
      afterAll(async () => {
        await running?.stack.close();
        closeBigQuery();
        rmSync(root, { recursive: true });
      });

      it('boots every function with the framework’s own command, and runs a job', async () => {
        const { functions } = (running as Running).stack;
        expect(Object.keys(functions)).toEqual(Object.keys(FUNCTIONS));
        const small = await coldStart('mlp/archive.jsonl', jsonLines(2_000), KEYED);
        const csv = readFileSync(path.join(ROOT, 'examples/times-five/instances.csv'));
        const savedModel = await coldStart('times-five/archive.csv', csv, { instanceConfig: { keyField: 'key' } });
        process.stdout.write(
          `archive: ${(archive.bytes / 1024).toFixed(0)} KB zipped; from no instance to the first scored shard: ONNX ${small.toFixed(1)} s, SavedModel ${savedModel.toFixed(1)} s\n`,
        );
      });

      /** From nothing: the instance is started while the file is on its way. @returns seconds until a shard is scored. */
      async function coldStart(name: string, content: string | Uint8Array, template: object): Promise<number> {
        if (running === undefined) throw new Error('the stack did not start');
        const { score } = running.stack.functions;
        await score.kill('SIGKILL');
        const before = score.answered[204] ?? 0;
        const started = performance.now();
        const dropped = running.drop(name, content, template);
        await running.until('the first scored shard', () =>
          Promise.resolve((score.answered[204] ?? 0) > before || undefined),
        );
        const seconds = (performance.now() - started) / 1000;
        const job = await running.finished(await dropped);
        expect(await running.results(job)).toBe((await embedded(name, content, template)).results);
        return seconds;
      }

      // What loads packages and files of its own when it is first needed: sharp and its library, yauzl, the readers and writers of Parquet, BigQuery's client.
      inputsSuite(
        () => running as Running,
        ['image-files/list.txt', 'mlp/arrays.npz', 'mlp/groups.parquet', 'mlp/lines.ndjson.zst', 'mlp/to-numbered.npy'],
      );

      bigQuerySuite(() => running as Running, bigQuery);

      it('predicts online, and tells its metrics', async () => {
        const { predictUrl } = (running as Running).stack;
        const answer = await fetch(`${predictUrl}/v1/models/mlp:predict`, {
          method: 'POST',
          body: '{"instances": [[1, 2, 3, 4]]}',
        });
        expect(await answer.json()).toMatchObject({ predictions: [[expect.any(Number), expect.any(Number)]] });
        expect(await (await fetch(`${predictUrl}/metrics`)).text()).toContain(
          'num_inferences{model="mlp",version="2"} 1',
        );
        const picture = readFileSync(path.join(ROOT, 'examples/images/files/01-cat-64x64.jpg')).toString('base64');
        const seen = await fetch(`${predictUrl}/v1/models/image-files:predict`, {
          method: 'POST',
          body: JSON.stringify({ instances: [{ jpeg: { b64: picture } }] }),
        });
        expect(await seen.json()).toMatchObject({ predictions: [{ class: 1 }] });
      });

      it('brings the native library of this platform only', () => {
        const platforms = readdirSync(path.join(folder, 'node_modules/onnxruntime-node/bin/napi-v6'));
        expect(platforms).toEqual([process.platform]);
        expect(readdirSync(path.join(folder, 'node_modules/onnxruntime-node/bin/napi-v6', process.platform))).toEqual([
          process.arch,
        ]);
      });

      it('is the same, byte for byte, when it is built again: Terraform then deploys nothing', async () => {
        const again = await buildArchive(path.join(root, 'again'));
        const { stdout } = await run('cmp', [archive.zip, again.zip]);
        expect(stdout).toBe('');
      });
    });
  });
});
