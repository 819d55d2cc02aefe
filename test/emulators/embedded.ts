import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { upload } from '../../functions/upload/upload.ts';
import { LocalPipeline } from '../../infra/local/pipeline.ts';
import { MemoryLogger } from '../../infra/memory/logger.ts';
import { readAll } from '../../shared/input.ts';
import { INPUT_BUCKET, MODELS, SPLIT_BYTES } from './running.ts';

/**
 * The results and the errors summary of the same job, run embedded.
 * @param others further objects of the input bucket, which has the name that it has in the stack.
 */
export async function embedded(
  name: string,
  content: string | Uint8Array,
  template: object,
  others: Readonly<Record<string, Uint8Array>> = {},
): Promise<{ results: string; errors: string; bytes: Buffer }> {
  const root = mkdtempSync(path.join(tmpdir(), 'fanfold-embedded-'));
  const write = (file: string, bytes: string | Uint8Array): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), bytes);
  };
  for (const [model, bytes] of Object.entries(MODELS)) write(`models/${model}`, bytes);
  write(`input/${name.slice(0, name.indexOf('/'))}/fanfold.json`, JSON.stringify(template));
  write(`input/${name}`, content);
  for (const [other, bytes] of Object.entries(others)) write(`input/${other}`, bytes);
  for (const bucket of ['output', 'scratch']) mkdirSync(path.join(root, bucket));
  const pipeline = new LocalPipeline({
    ledger: path.join(root, 'ledger.db'),
    buckets: {
      [INPUT_BUCKET]: path.join(root, 'input'),
      output: path.join(root, 'output'),
      scratch: path.join(root, 'scratch'),
    },
    models: { kind: 'root', folder: path.join(root, 'models') },
    workers: 1,
    logger: new MemoryLogger(),
  });
  try {
    const { objects } = pipeline.ports;
    const object = await objects.stat(INPUT_BUCKET, name);
    if (object === undefined) throw new Error(`no ${name}`);
    const job = await upload(pipeline.ports, object, {
      outputBucket: 'output',
      scratchBucket: 'scratch',
      splitBytes: SPLIT_BYTES,
    });
    const { outcome, error, state } = await pipeline.untilEnded(job?.id ?? '');
    if (outcome === undefined) throw new Error(`${state}: ${error?.message ?? ''}`);
    const read = async (stored: typeof outcome.results): Promise<Buffer> =>
      Buffer.from(await readAll(objects.read(stored, 0, stored.size), stored.size));
    const bytes = await read(outcome.results);
    return { results: bytes.toString(), errors: (await read(outcome.errors)).toString(), bytes };
  } finally {
    await pipeline.close();
    rmSync(root, { recursive: true });
  }
}
