import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import type { Running } from './running.ts';

/** Online prediction on the running stack. */
export function predictSuite(of: () => Running): void {
  const post = (name: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${of().stack.predictUrl}/v1/models/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body instanceof Uint8Array ? new Uint8Array(body) : body,
    });

  describe('the predict function', () => {
    it('answers a TensorFlow Serving client, with the models of the bucket', async () => {
      const status = await fetch(`${of().stack.predictUrl}/v1/models/mlp`);
      expect(await status.json()).toMatchObject({
        model_version_status: [
          { version: '1', state: 'AVAILABLE' },
          { version: '2', state: 'AVAILABLE' },
        ],
      });
      const body = '{"instances": [[1, 2, 3, 4], [0, 0, 0, 0]]}';
      const plain = (await (await post('mlp:predict', body)).json()) as { readonly predictions: number[][] };
      expect(plain.predictions.map((row) => row.length)).toEqual([2, 2]);
      const packed = await post('mlp/versions/2:predict', gzipSync(body), { 'content-encoding': 'gzip' });
      expect(await packed.json()).toEqual(plain);
      const older = (await (await post('mlp/versions/1:predict', body)).json()) as typeof plain;
      expect(older.predictions).not.toEqual(plain.predictions);
      expect(await (await post('mlp:predict', '{"instances": [[1, 2, 3, 4], [1]]}')).json()).toEqual({
        error: expect.stringMatching(/^instances\[1\]: /) as unknown,
      });
      expect((await post('nobody:predict', body)).status).toBe(404);
    });

    it('serves SavedModels, by any of their signatures, and pipelines of them', async () => {
      const ask = async (model: string, body: object): Promise<unknown> =>
        (await post(`${model}:predict`, JSON.stringify(body))).json();
      const instances = [{ x: [1] }, { x: [2] }];
      const plain = (await ask('times-five', { instances })) as { readonly predictions: number[][] };
      expect(plain.predictions.map(([y = NaN]) => Math.round(y))).toEqual([5, 10]);
      expect(await ask('times-five', { instances, signature_name: 'examples' })).toEqual(plain);
      const fifty = (await ask('times-fifty', { instances })) as typeof plain;
      expect(fifty.predictions.map(([y = NaN]) => Math.round(y))).toEqual([50, 100]);
      const metadata = await (await fetch(`${of().stack.predictUrl}/v1/models/times-five/metadata`)).text();
      expect(metadata).toContain('"examples"');
    });

    it('loaded its models while it started, and says that it is ready', async () => {
      const ready = async (): Promise<true | undefined> =>
        (await fetch(`${of().stack.predictUrl}/readyz`)).ok ? true : undefined;
      expect(await of().until('predict to be ready', ready)).toBe(true);
    });

    it('predicts online what a job predicts', async () => {
      const uri = await of().drop('mlp/both.jsonl', '[1, 2, 3, 4]\n[0.5, -1, 0, 7]\n');
      const lines = (await of().results(await of().finished(uri))).trim().split('\n');
      const online = await (await post('mlp:predict', '{"instances": [[1, 2, 3, 4], [0.5, -1, 0, 7]]}')).text();
      expect(online).toBe(`{"predictions":[${lines.map((line) => line.replace(/^.*"prediction":|\}$/g, '')).join()}]}`);
    });

    it('is what `fanfold predict` asks with the stack’s environment', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'fanfold-predict-'));
      const file = path.join(folder, 'i.jsonl');
      writeFileSync(file, '[1, 2, 3, 4]\n[1]\n');
      const { code, stdout, stderr } = await of().fanfold('predict', '--model', 'mlp@1', '--json-instances', file);
      rmSync(folder, { recursive: true });
      expect(code, stderr).toBe(3);
      expect(stdout.split('\n')[0]).toMatch(/^\[-?[\d.]+,-?[\d.]+\]$/);
      expect(stderr).toContain('row 1: ');
    });

    it('joins concurrent requests, and tells what it measured', async () => {
      const wave = async (): Promise<void> => {
        const one = async (): Promise<string> =>
          (await post('mlp/versions/2:predict', '{"instances": [[1, 2, 3, 4]]}')).text();
        const answers = await Promise.all(Array.from({ length: 50 }, one));
        expect(new Set(answers).size).toBe(1);
      };
      const measured = async (name: string): Promise<number> => {
        const metrics = await (await fetch(`${of().stack.predictUrl}/metrics`)).text();
        return Number(new RegExp(`^${name}\\{model="mlp",version="2"\\} (\\S+)$`, 'm').exec(metrics)?.[1]);
      };
      // How many meet at the server is up to the machine: a fast one answers each before the next has come.
      for (let waves = 0; waves < 20; waves++) {
        await wave();
        if ((await measured('inference_request_batch_size_max')) > 2) break;
      }
      expect(await measured('inference_request_batch_size_max')).toBeGreaterThan(2);
      expect(await measured('inference_request_batch_size_count')).toBeLessThan(await measured('num_inferences'));
    });

    it('finishes what it is at when it is told to stop, and another instance goes on', async () => {
      const { predict } = of().stack.functions;
      const asked = Array.from({ length: 20 }, () => post('mlp:predict', '{"instances": [[1, 2, 3, 4]]}'));
      await predict.kill('SIGTERM');
      const statuses = (await Promise.all(asked)).map(({ status }) => status);
      expect(statuses.every((status) => status === 200 || status === 503)).toBe(true);
      expect((await post('mlp:predict', '{"instances": [[1, 2, 3, 4]]}')).status).toBe(200);
    });
  });
}
