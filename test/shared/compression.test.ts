import fc from 'fast-check';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { decompress, isCompressionError, looksLike } from '../../shared/compression.ts';
import type { Compression } from '../../shared/compression.ts';

const PACK: Readonly<Record<Exclude<Compression, 'none'>, (content: Uint8Array) => Buffer>> = {
  gzip: gzipSync,
  zlib: deflateSync,
  zstd: zstdCompressSync,
};

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

async function unpack(bytes: Uint8Array, compression: Compression, chunk: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const piece of decompress(chunksOf(bytes, chunk), compression)) chunks.push(piece);
  return Buffer.concat(chunks);
}

const content = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.concat([bytes, bytes, bytes]));

describe.each(['gzip', 'zstd'] as const)('%s', (compression) => {
  it('unpacks members one after another as one stream, however the bytes come in chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3000 }),
        async (members, chunk) => {
          const packed = Buffer.concat(members.map((member) => PACK[compression](member)));
          expect(await unpack(packed, compression, chunk)).toEqual(Buffer.concat(members));
          expect(looksLike(packed, compression)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('zlib', () => {
  it('unpacks a stream, and refuses what follows it', async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 3000 }), async (bytes, chunk) => {
        const packed = deflateSync(bytes);
        expect(looksLike(packed, 'zlib')).toBe(true);
        expect(await unpack(packed, 'zlib', chunk)).toEqual(bytes);
        await expect(unpack(Buffer.concat([packed, Buffer.from('more')]), 'zlib', chunk)).rejects.toThrow(
          'data follows the end',
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe.each(['gzip', 'zlib', 'zstd'] as const)('%s that is broken', (compression) => {
  const text = Buffer.from(Array.from({ length: 500 }, (_, line) => `line ${line * line}\n`).join(''));

  it('is refused where it ends early or holds something else, in any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 10_000 }), fc.integer({ min: 1, max: 500 }), async (at, chunk) => {
        const packed = PACK[compression](text);
        const cut = packed.subarray(0, 1 + (at % (packed.length - 1)));
        await expect(unpack(cut, compression, chunk)).rejects.toSatisfy(isCompressionError);
      }),
      { numRuns: 40 },
    );
    await expect(unpack(Buffer.from('this is no packed data at all'), compression, 7)).rejects.toSatisfy(
      isCompressionError,
    );
  });

  it('closes its source where the reader stops', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunksOf(PACK[compression](Buffer.alloc(5_000_000, 'abc')), 100);
      } finally {
        closed = true;
      }
    }
    for await (const chunk of decompress(source(), compression)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await expect.poll(() => closed).toBe(true);
  });

  it("passes the store's own error on", async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield* chunksOf(PACK[compression](text).subarray(0, 40), 10);
      throw new Error('the store is away');
    }
    const read = async (): Promise<void> => {
      for await (const chunk of decompress(source(), compression)) expect(chunk).toBeDefined();
    };
    await expect(read()).rejects.toThrow('the store is away');
  });
});

it('refuses garbage behind a zstd frame', async () => {
  const packed = Buffer.concat([zstdCompressSync(Buffer.from('sound')), Buffer.from('garbage!')]);
  await expect(unpack(packed, 'zstd', 5)).rejects.toSatisfy(isCompressionError);
});
