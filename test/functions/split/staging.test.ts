import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { cutSplit } from '../../../functions/split/cut-split.ts';
import { MemoryObjectStore } from '../../../infra/memory/object-store.ts';
import type { ByteStream, Created } from '../../../shared/ports.ts';
import type { Shard } from '../../../shared/shard.ts';
import { splitAt } from '../../../shared/split-plan.ts';
import { makeJob } from '../../contract/builders.ts';

const MiB = 1024 * 1024;

/** Counts the shards that are being written, and their bytes. */
class WatchedStore extends MemoryObjectStore {
  most = { shards: 0, bytes: 0 };
  #shards = 0;
  #bytes = 0;

  override async create(bucket: string, name: string, content: Uint8Array | ByteStream): Promise<Created> {
    const size = content instanceof Uint8Array ? content.length : 0;
    this.#shards++;
    this.#bytes += size;
    this.most = { shards: Math.max(this.most.shards, this.#shards), bytes: Math.max(this.most.bytes, this.#bytes) };
    await setImmediate();
    const created = await super.create(bucket, name, content);
    this.#shards--;
    this.#bytes -= size;
    return created;
  }
}

/** Cuts a gzipped file of such lines into one shard a line. */
async function stage(lines: number, lineBytes: number): Promise<{ most: WatchedStore['most']; shards: Shard[] }> {
  const store = new WatchedStore();
  const content = gzipSync(`"${'x'.repeat(lineBytes - 3)}"\n`.repeat(lines), { level: 1 });
  const { object } = await store.create('input', 'a.jsonl.gz', content);
  store.most = { shards: 0, bytes: 0 };
  const job = makeJob();
  const input = { ...object, format: 'jsonl', compression: 'gzip', headerBytes: 0 } as const;
  const plan = { ...job.plan, inputs: [input], splits: 1 };
  const spec = { ...job.spec, maxItemsPerBatch: 1, maxInputBytesPerBatch: 64 * MiB, maxRowBytes: 64 * MiB };
  const shards: Shard[] = [];
  await cutSplit(
    store,
    { ...job, plan, spec },
    splitAt(plan, 0),
    undefined,
    () => true,
    (shard) => Promise.resolve(void shards.push(shard)),
  );
  return { most: store.most, shards };
}

describe('shards of a file that cannot be ranged are staged', () => {
  it('several at a time, and told in order', async () => {
    const { most, shards } = await stage(20, 1024);
    expect(most.shards).toBe(8);
    expect(shards.map(({ shard }) => shard)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('fewer at a time where they are large', async () => {
    const { most, shards } = await stage(6, 12 * MiB);
    expect(shards).toHaveLength(6);
    expect(most.bytes).toBeLessThanOrEqual(3 * 12 * MiB);
  });
});
