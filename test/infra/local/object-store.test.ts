import { once } from 'node:events';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { LocalObjectStore } from '../../../infra/local/object-store.ts';
import type { ObjectStat } from '../../../shared/ports.ts';
import { collect, expectPermanent, streamOf } from '../../contract/builders.ts';
import { firstOutput, kill, startChild } from './child.ts';

describe('the object store in folders', () => {
  let root: string;
  let store: LocalObjectStore;
  const bucket = 'b';

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'fanfold-objects-'));
    store = new LocalObjectStore({ [bucket]: root, other: { root: path.join(root, 'other'), durable: false } });
  });
  afterEach(() => rm(root, { recursive: true }));

  const at = (name: string): string => path.join(root, name);
  const live = async (name: string): Promise<ObjectStat> => (await store.stat(bucket, name)) as ObjectStat;
  const names = async (prefix = ''): Promise<string[]> =>
    (await collect(store.list(bucket, prefix))).map((object) => object.name);

  it('refuses buckets it does not know, and names the others', async () => {
    await expectPermanent(store.stat('none', 'a'), 'NOT_FOUND', /no bucket none.*b, other/);
    await expectPermanent(collect(store.list('none', 'a/b')), 'NOT_FOUND');
  });

  it('says that a folder is one', async () => {
    await mkdir(at('folder'));
    await expectPermanent(store.stat(bucket, 'folder'), 'INVALID_ARGUMENT', /b\/folder: is a directory/);
    await expectPermanent(store.create(bucket, 'folder', new Uint8Array(1)), 'INVALID_ARGUMENT', /is a directory/);
    await store.delete(bucket, 'folder');
    expect(await readdir(root)).toEqual(['folder']);
  });

  it('says that a part of a name is a file', async () => {
    await writeFile(at('file'), 'x');
    await expectPermanent(store.create(bucket, 'file/a', new Uint8Array(1)), 'FAILED_PRECONDITION', /b\/file\/a/);
    await expectPermanent(store.create(bucket, 'file/a/b', new Uint8Array(1)), 'FAILED_PRECONDITION');
  });

  it('says that a name is too long for the file system', async () => {
    await expectPermanent(store.create(bucket, 'x'.repeat(300), new Uint8Array(1)), 'INVALID_ARGUMENT', /too long/);
  });

  it.skipIf(process.getuid?.() === 0)('says what it may not read', async () => {
    await writeFile(at('secret'), 'x');
    await chmod(at('secret'), 0);
    await expectPermanent(collect(store.read(await live('secret'), 0, 1)), 'PERMISSION_DENIED');
  });

  it('sees no object in what is neither file nor folder', async () => {
    const server = createServer().listen(at('socket'));
    await once(server, 'listening');
    expect(await store.stat(bucket, 'socket')).toBeUndefined();
    expect(await names()).toEqual([]);
    server.close();
  });

  it('follows links to files, and lists them; enters no linked folder', async () => {
    await mkdir(at('data'));
    await writeFile(at('data/file'), 'hello');
    await symlink(at('data/file'), at('link'));
    await symlink(root, at('data/loop'));
    await symlink('nowhere', at('dangling'));
    expect(Buffer.concat(await collect(store.read(await live('link'), 0, 5))).toString()).toBe('hello');
    expect(await store.stat(bucket, 'dangling')).toBeUndefined();
    expect(await store.stat(bucket, 'data/loop/data/file')).toMatchObject({ size: 5 });
    expect(await names()).toEqual(['data/file', 'link']);
    const { object } = await store.compose(bucket, [await live('link')], 'composed');
    await rm(at('data/file'));
    expect(Buffer.concat(await collect(store.read(object, 0, 5))).toString()).toBe('hello');
  });

  it('refuses a file that was changed in place, before or while it is read', async () => {
    await writeFile(at('input'), new Uint8Array(3 << 20));
    const object = await live('input');
    const reading = store.read(object, 0, object.size)[Symbol.asyncIterator]();
    await reading.next();
    await appendFile(at('input'), 'more');
    const rest = (async () => {
      while (!(await reading.next()).done);
    })();
    await expectPermanent(rest, 'NOT_FOUND', /b\/input changed since the job was created/);
    await expectPermanent(collect(store.read(object, 0, 10)), 'NOT_FOUND', /changed/);
  });

  it('refuses a file whose time changed and whose size did not', async () => {
    await writeFile(at('input'), 'abc');
    const object = await live('input');
    await utimes(at('input'), 1, 1);
    await expectPermanent(collect(store.read(object, 0, 3)), 'NOT_FOUND', /changed/);
  });

  it('tidies folders that a delete leaves empty, and never its root', async () => {
    await store.create(bucket, 'a/b/c/d', new Uint8Array(1));
    await store.create(bucket, 'a/e', new Uint8Array(1));
    await store.delete(bucket, 'a/b/c/d');
    expect(await readdir(at('a'))).toEqual(['e']);
    await store.delete(bucket, 'a/e');
    expect(await readdir(root)).toEqual([]);
  });

  it('creates in folders that others tidy away at the same time', async () => {
    const churn = async (name: string): Promise<void> => {
      for (let round = 0; round < 60; round++) {
        expect((await store.create('other', `x/y/${name}`, new Uint8Array(1))).created).toBe(true);
        await store.delete('other', `x/y/${name}`);
      }
    };
    await Promise.all(['1', '2', '3', '4'].map(churn));
  });

  it('composes one object by a second name, and remembers what it wrote', async () => {
    const { object } = await store.create(bucket, 'part', Buffer.from('12345'));
    await store.compose(bucket, [object], 'single');
    expect((await stat(at('single'))).ino).toBe((await stat(at('part'))).ino);
  });

  it('composes what an earlier process wrote, and across buckets', async () => {
    const first = await store.create('other', 'one', Buffer.from('12345'));
    const second = await store.create(bucket, 'two', Buffer.from('6789'));
    const later = new LocalObjectStore({ [bucket]: root, other: path.join(root, 'other') });
    const { object } = await later.compose(bucket, [first.object, second.object], 'all');
    expect(object.crc32c).toBe('4waSgw==');
    expect(await readFile(at('all'), 'utf8')).toBe('123456789');
    const mixed = await store.compose(bucket, [first.object, await live('all')], 'mixed');
    const fresh = await later.compose(bucket, [first.object, await live('all')], 'fresh');
    expect(mixed.object.crc32c).toBe(fresh.object.crc32c);
    await later.compose(bucket, [first.object], 'single');
    expect(await readFile(at('single'), 'utf8')).toBe('12345');
  });

  describe('leftovers of a killed process', () => {
    const WRITE = `
      import { LocalObjectStore } from './object-store.ts';
      const store = new LocalObjectStore({ b: process.argv.at(-1) });
      async function* endless() {
        yield new Uint8Array(1000);
        console.log('writing');
        await new Promise((wake) => setTimeout(wake, 60_000));
      }
      await store.create('b', 'deep/er/object', endless());
    `;

    it('are never seen, do not stand in the way, and are swept', async () => {
      const writer = startChild(WRITE, root);
      await firstOutput(writer);
      expect(await readdir(at('deep/er'))).toEqual([expect.stringMatching(/^\.fanfold-tmp-/)]);
      expect(await store.sweepTemporary(bucket), 'the writer is alive').toBe(0);
      await kill(writer);
      expect(await names()).toEqual([]);
      expect(await store.stat(bucket, 'deep/er/object')).toBeUndefined();
      expect((await store.create(bucket, 'deep/er/object', new Uint8Array(1))).created).toBe(true);
      expect(await store.sweepTemporary(bucket, 'elsewhere/')).toBe(0);
      expect(await store.sweepTemporary(bucket, 'deep/er/')).toBe(1);
      expect(await readdir(at('deep/er'))).toEqual(['object']);
    });

    it('of this very process id are told from its own files by their age', async () => {
      await writeFile(at(`.fanfold-tmp-${process.pid}-old`), 'x');
      await utimes(at(`.fanfold-tmp-${process.pid}-old`), 1, 1);
      await writeFile(at(`.fanfold-tmp-${process.pid}-new`), 'x');
      expect(await store.sweepTemporary(bucket)).toBe(1);
      expect(await readdir(root)).toEqual([`.fanfold-tmp-${process.pid}-new`]);
    });
  });

  it('without hard links, does not take the empty file of a killed writer for the object', async () => {
    const link = (): Promise<void> => Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' }));
    const linkless = new LocalObjectStore({ [bucket]: root }, { link });
    let started = false;
    async function* content(): AsyncGenerator<Uint8Array> {
      await writeFile(at('a'), ''); // another claims the name meanwhile, and is killed
      started = true;
      yield* streamOf(new Uint8Array(1));
    }
    await expect(linkless.create(bucket, 'a', content())).rejects.toThrow(/b\/a is empty: its writer was killed/);
    expect(started).toBe(true);
    expect(await readdir(root)).toEqual(['a']);
  });
});
