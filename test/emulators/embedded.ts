import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { upload } from '../../functions/upload/upload.ts';
import { LocalPipeline } from '../../infra/local/pipeline.ts';
import { MemoryLogger } from '../../infra/memory/logger.ts';
import { readAll } from '../../shared/input.ts';
import { MODELS, SPLIT_BYTES } from './running.ts';

/** The results and the errors summary of the same job, run embedded. */
export async function embedded(
  name: string,
  content: string | Uint8Array,
  template: object,
): Promise<{ results: string; errors: string }> {
  const root = mkdtempSync(path.join(tmpdir(), 'fanfold-embedded-'));
  const write = (file: string, bytes: string | Uint8Array): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), bytes);
  };
  for (const [model, bytes] of Object.entries(MODELS)) write(`models/${model}`, bytes);
  write(`input/${name.slice(0, name.indexOf('/'))}/fanfold.json`, JSON.stringify(template));
  write(`input/${name}`, content);
  for (const bucket of ['output', 'scratch']) mkdirSync(path.join(root, bucket));
  const pipeline = new LocalPipeline({
    ledger: path.join(root, 'ledger.db'),
    buckets: Object.fromEntries(['input', 'output', 'scratch'].map((bucket) => [bucket, path.join(root, bucket)])),
    models: { kind: 'root', folder: path.join(root, 'models') },
    workers: 1,
    logger: new MemoryLogger(),
  });
  try {
    const { objects } = pipeline.ports;
    const object = await objects.stat('input', name);
    if (object === undefined) throw new Error(`no ${name}`);
    const job = await upload(pipeline.ports, object, {
      outputBucket: 'output',
      scratchBucket: 'scratch',
      splitBytes: SPLIT_BYTES,
    });
    const { outcome, error, state } = await pipeline.untilEnded(job?.id ?? '');
    if (outcome === undefined) throw new Error(`${state}: ${error?.message ?? ''}`);
    const read = async (stored: typeof outcome.results): Promise<string> =>
      Buffer.from(await readAll(objects.read(stored, 0, stored.size), stored.size)).toString();
    return { results: await read(outcome.results), errors: await read(outcome.errors) };
  } finally {
    await pipeline.close();
    rmSync(root, { recursive: true });
  }
}
