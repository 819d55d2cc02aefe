import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

import { EnoughError, HeadOnly } from '../../cli/head-only.ts';
import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { decompress } from '../../shared/compression.ts';

it('a packed object gives what its first bytes hold, and then says that there is more', async () => {
  const objects = new MemoryObjectStore();
  const text = Array.from({ length: 40_000 }, (_, row) => `${row}\n`).join('');
  const packed = gzipSync(text);
  const { object } = await objects.create('b', 'a.gz', packed);
  let unpacked = '';
  const read = async (bytes: number): Promise<void> => {
    const head = new HeadOnly(objects, object, bytes);
    for await (const chunk of decompress(head.read(object, 0, packed.length), 'gzip'))
      unpacked += Buffer.from(chunk).toString();
  };
  await expect(read(packed.length / 2)).rejects.toThrow(EnoughError);
  expect(text.startsWith(unpacked)).toBe(true);
  unpacked = '';
  await read(packed.length);
  expect(unpacked).toBe(text);
});
