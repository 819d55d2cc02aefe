import { createHash } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { ObjectStat, ObjectStore } from '../../shared/ports.ts';
import { collect, expectPermanent, streamOf, uniqueName } from './builders.ts';

export interface ObjectStoreSubject {
  readonly store: ObjectStore;
  /** An existing bucket; the suite writes under names of its own. */
  readonly bucket: string;
  close?(): Promise<void>;
}

const MIB = 1 << 20;

const bytes = (text: string): Buffer => Buffer.from(text);

/** Bytes that repeat nowhere nearby. */
function pattern(size: number, seed = 1): Uint8Array {
  const content = new Uint8Array(size);
  for (let at = 0, state = seed; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    content[at] = state >>> 24;
  }
  return content;
}

const digest = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

export function objectStoreContract(name: string, makeStore: () => Promise<ObjectStoreSubject>): void {
  describe(`object store: ${name}`, () => {
    let subject: ObjectStoreSubject;
    let store: ObjectStore;
    let bucket: string;
    let folder: string;

    beforeAll(async () => {
      subject = await makeStore();
      ({ store, bucket } = subject);
    });
    afterAll(async () => {
      await subject.close?.();
    });
    beforeEach(() => {
      folder = uniqueName('test');
    });

    const read = async (object: ObjectStat, start = 0, end = object.size): Promise<Buffer> =>
      Buffer.concat(await collect(store.read(object, start, end)));
    const write = async (suffix: string, content: Uint8Array): Promise<ObjectStat> =>
      (await store.create(bucket, `${folder}/${suffix}`, content)).object;
    const names = async (prefix: string): Promise<string[]> =>
      (await collect(store.list(bucket, prefix))).map((object) => object.name);

    describe('create', () => {
      it('gives the object with its size and checksum', async () => {
        const { created, object } = await store.create(bucket, `${folder}/a`, bytes('123456789'));
        expect(created).toBe(true);
        expect(object).toEqual({
          bucket,
          name: `${folder}/a`,
          generation: expect.any(String) as string,
          size: 9,
          crc32c: '4waSgw==', // 0xe3069283, the check value of CRC-32C
        });
      });

      it('is a success without effect where the object is there already', async () => {
        const first = await store.create(bucket, `${folder}/a`, bytes('one'));
        const again = await store.create(bucket, `${folder}/a`, bytes('one'));
        expect(again).toEqual({ created: false, object: first.object });
        const other = await store.create(bucket, `${folder}/a`, streamOf(bytes('another')));
        expect(other).toEqual({ created: false, object: first.object });
        expect(String(await read(first.object))).toBe('one');
      });

      it('lets exactly one of many concurrent writers create', async () => {
        const writers = Array.from({ length: 8 }, () =>
          store.create(bucket, `${folder}/deep/er/a`, streamOf(bytes('the '), bytes('same'))),
        );
        const all = await Promise.all(writers);
        expect(all.filter((one) => one.created)).toHaveLength(1);
        expect(new Set(all.map((one) => JSON.stringify(one.object))).size).toBe(1);
        expect(await names(`${folder}/`)).toEqual([`${folder}/deep/er/a`]);
      });

      it('takes an empty object', async () => {
        const { object } = await store.create(bucket, `${folder}/empty`, new Uint8Array(0));
        expect(object).toMatchObject({ size: 0, crc32c: 'AAAAAA==' });
        expect(await read(object)).toHaveLength(0);
        const streamed = await store.create(bucket, `${folder}/streamed`, streamOf());
        expect(streamed.object).toMatchObject({ size: 0, crc32c: 'AAAAAA==' });
      });

      it('streams several MiB', async () => {
        const content = pattern(5 * MIB + 321);
        const pieces = streamOf(content.subarray(0, 7), content.subarray(7, 3 * MIB), content.subarray(3 * MIB));
        const { object } = await store.create(bucket, `${folder}/large`, pieces);
        expect(object.size).toBe(content.length);
        expect(digest(await read(object))).toBe(digest(content));
      });

      it('leaves nothing where the content fails half way', async () => {
        async function* failing(): AsyncGenerator<Uint8Array> {
          yield* streamOf(pattern(MIB));
          throw new Error('the source broke');
        }
        await expect(store.create(bucket, `${folder}/broken`, failing())).rejects.toThrow('the source broke');
        expect(await store.stat(bucket, `${folder}/broken`)).toBeUndefined();
        expect(await names(folder)).toEqual([]);
        expect((await store.create(bucket, `${folder}/broken`, bytes('whole'))).created).toBe(true);
      });

      it('does not see what the caller does to its bytes afterwards', async () => {
        const content = bytes('before');
        const { object } = await store.create(bucket, `${folder}/a`, content);
        content.fill(0);
        const [chunk] = await collect(store.read(object, 0, 6));
        chunk?.fill(0);
        expect(String(await read(object))).toBe('before');
      });
    });

    describe('stat', () => {
      it('is undefined where there is no object', async () => {
        expect(await store.stat(bucket, `${folder}/none`)).toBeUndefined();
        await write('a', bytes('x'));
        expect(await store.stat(bucket, `${folder}/a/below`)).toBeUndefined();
      });

      it('tells the live generation', async () => {
        const object = await write('a', bytes('one'));
        expect(await store.stat(bucket, `${folder}/a`)).toEqual({
          bucket,
          name: object.name,
          generation: object.generation,
          size: 3,
        });
      });

      it('takes names of any script', async () => {
        const object = await write('données/数据 😀+%2F#?.jsonl', bytes('x'));
        expect(await store.stat(bucket, object.name)).toMatchObject({ name: object.name, size: 1 });
        expect(await names(`${folder}/données/数`)).toEqual([object.name]);
      });
    });

    describe('read', () => {
      const size = 2 * MIB + 17;
      const content = pattern(size);
      const ranges: readonly { start: number; end: number }[] = [
        { start: 0, end: size },
        { start: 0, end: 1 },
        { start: size - 1, end: size },
        { start: MIB - 1, end: MIB + 1 },
        { start: MIB, end: 2 * MIB },
        { start: 1, end: size - 1 },
        { start: 5, end: 5 },
        { start: 0, end: 0 },
        { start: size, end: size },
        { start: size - 3, end: size + 100 },
      ];
      let object: ObjectStat;
      beforeAll(async () => {
        object = (await store.create(bucket, `${uniqueName('ranges')}/a`, content)).object;
      });

      it.each(ranges)('gives [$start, $end)', async ({ start, end }) => {
        expect(digest(await read(object, start, end))).toBe(digest(content.subarray(start, end)));
      });

      it('may be given up in the middle', async () => {
        for await (const chunk of store.read(object, 0, size)) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
      });

      it('serves many readers at once', async () => {
        const all = await Promise.all(ranges.map(({ start, end }) => read(object, start, end)));
        expect(all.map((part) => part.length)).toEqual(ranges.map(({ start, end }) => Math.min(end, size) - start));
      });

      it('refuses a generation that was deleted', async () => {
        const gone = await write('a', bytes('one'));
        await store.delete(bucket, gone.name);
        await expectPermanent(read(gone), 'NOT_FOUND', /a\b/);
      });

      it('refuses a generation that was overwritten', async () => {
        const old = await write('a', bytes('one'));
        await store.delete(bucket, old.name);
        const fresh = await write('a', bytes('other'));
        expect(fresh.generation).not.toBe(old.generation);
        await expectPermanent(read(old), 'NOT_FOUND');
        expect(String(await read(fresh))).toBe('other');
      });
    });

    describe('compose', () => {
      it('concatenates two in the order given, with the checksum of the whole', async () => {
        const [second, first] = [await write('b', bytes('6789')), await write('c', bytes('12345'))];
        const { created, object } = await store.compose(bucket, [first, second], `${folder}/all`);
        expect(created).toBe(true);
        expect(object).toMatchObject({ bucket, name: `${folder}/all`, size: 9, crc32c: '4waSgw==' });
        expect(String(await read(object))).toBe('123456789');
      });

      it('takes one source, which may be deleted then', async () => {
        const only = await write('only', bytes('123456789'));
        const { object } = await store.compose(bucket, [only], `${folder}/new/all`);
        await store.delete(bucket, only.name);
        expect(object).toMatchObject({ size: 9, crc32c: '4waSgw==' });
        expect(String(await read(object))).toBe('123456789');
        expect(await names(folder)).toEqual([`${folder}/new/all`]);
      });

      it('takes 32 sources, empty ones among them, and one twice', async () => {
        const texts = Array.from({ length: 31 }, (_, index) => (index % 5 === 0 ? '' : `part ${index};`));
        const sources = await Promise.all(texts.map((text, index) => write(`p${index}`, bytes(text))));
        const last = sources[1] as ObjectStat;
        const { object } = await store.compose(bucket, [...sources, last], `${folder}/all`);
        expect(String(await read(object))).toBe([...texts, texts[1]].join(''));
      });

      it('refuses none, and more than 32', async () => {
        const one = await write('one', bytes('x'));
        await expectPermanent(store.compose(bucket, [], `${folder}/all`), 'INVALID_ARGUMENT');
        await expectPermanent(
          store.compose(bucket, Array<ObjectStat>(33).fill(one), `${folder}/all`),
          'INVALID_ARGUMENT',
        );
        expect(await store.stat(bucket, `${folder}/all`)).toBeUndefined();
      });

      it('is a success without effect where the object is there already', async () => {
        const sources = [await write('a', bytes('1')), await write('b', bytes('2'))];
        const first = await store.compose(bucket, sources, `${folder}/all`);
        expect(await store.compose(bucket, sources, `${folder}/all`)).toEqual({ created: false, object: first.object });
        const single = await store.compose(bucket, sources.slice(0, 1), `${folder}/all`);
        expect(single).toEqual({ created: false, object: first.object });
      });

      it('lets exactly one of many concurrent calls create', async () => {
        const sources = [await write('a', pattern(MIB)), await write('b', bytes('2'))];
        for (const count of [1, 2]) {
          const calls = Array.from({ length: 4 }, () =>
            store.compose(bucket, sources.slice(0, count), `${folder}/all${count}`),
          );
          expect((await Promise.all(calls)).filter((one) => one.created)).toHaveLength(1);
        }
      });

      it('refuses a source that is gone', async () => {
        const [gone, there] = [await write('a', bytes('1')), await write('b', bytes('2'))];
        await store.delete(bucket, gone.name);
        await expectPermanent(store.compose(bucket, [there, gone], `${folder}/all`), 'NOT_FOUND');
        await expectPermanent(store.compose(bucket, [gone], `${folder}/all`), 'NOT_FOUND');
        expect(await store.stat(bucket, `${folder}/all`)).toBeUndefined();
      });
    });

    describe('list', () => {
      it('gives names in the order of their UTF-8 bytes', async () => {
        const sorted = ['A', 'a!b', 'a-b', 'a/0', 'a/b/c', 'a/c', 'a0', 'ab', 'é', '\uffee', '😀'];
        for (const suffix of sorted.toReversed()) await write(suffix, bytes(suffix));
        const listed = await collect(store.list(bucket, `${folder}/`));
        expect(listed.map((object) => object.name)).toEqual(sorted.map((suffix) => `${folder}/${suffix}`));
        for (const object of listed) expect(await store.stat(bucket, object.name)).toEqual(object);
      });

      it('takes any prefix', async () => {
        for (const suffix of ['a/x', 'ab/x', 'ab/y/z', 'b']) await write(suffix, bytes('1'));
        const under = async (prefix: string): Promise<string[]> =>
          (await names(`${folder}${prefix}`)).map((found) => found.slice(folder.length + 1));
        expect(await under('')).toEqual(['a/x', 'ab/x', 'ab/y/z', 'b']);
        expect(await under('/a')).toEqual(['a/x', 'ab/x', 'ab/y/z']);
        expect(await under('/a/')).toEqual(['a/x']);
        expect(await under('/ab/y')).toEqual(['ab/y/z']);
        expect(await under('/b')).toEqual(['b']);
        expect(await under('/c')).toEqual([]);
        expect(await under('/c/d/')).toEqual([]);
        expect(await under('/b/d/')).toEqual([]);
      });
    });

    describe('delete', () => {
      it('frees the name, and is a success where there is nothing', async () => {
        const object = await write('a/b/c', bytes('1'));
        await store.delete(bucket, object.name);
        await store.delete(bucket, object.name);
        await store.delete(bucket, `${folder}/never/there`);
        expect(await store.stat(bucket, object.name)).toBeUndefined();
        expect(await names(folder)).toEqual([]);
        expect((await store.create(bucket, object.name, bytes('2'))).created).toBe(true);
      });

      it('leaves what is beside it', async () => {
        await write('a/b', bytes('1'));
        const object = await write('a/c', bytes('1'));
        await store.delete(bucket, object.name);
        expect(await names(folder)).toEqual([`${folder}/a/b`]);
      });
    });
  });
}
