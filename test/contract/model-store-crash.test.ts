import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { LocalModelStore } from '../../infra/local/model-store.ts';
import { deleteVersion, setDefault } from '../../shared/models/registry.ts';
import type { NewModelFile } from '../../shared/ports.ts';
import { streamOf } from './builders.ts';

const FILE: NewModelFile = { name: 'model.onnx', size: 4, content: () => streamOf(Buffer.from('onnx')) };
const DAY_MS = 24 * 3600 * 1000;

describe('a folder of models, after crashes', () => {
  let root: string;
  let store: LocalModelStore;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'fanfold-models-'));
    store = new LocalModelStore(root);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('shows nothing of an import that was killed, and the first one after a day deletes it', async () => {
    const [young, old] = ['.fanfold-tmp-1-young', '.fanfold-tmp-1-old'].map((name) => path.join(root, 'm', name));
    for (const folder of [young, old]) {
      await mkdir(folder ?? '', { recursive: true });
      await writeFile(path.join(folder ?? '', 'model.onnx'), 'on');
    }
    const longAgo = new Date(Date.now() - 2 * DAY_MS);
    await utimes(old ?? '', longAgo, longAgo);
    expect(await store.list()).toEqual([]);
    await store.publish('m', '1', [FILE]);
    expect((await readdir(path.join(root, 'm'))).sort()).toEqual(['.fanfold-tmp-1-young', '1']);
    expect(await store.resolve('m')).toMatchObject({ version: '1', byteSize: 4 });
  });

  it('keeps files that nobody may write', async () => {
    await store.publish('m', '1', [FILE]);
    expect((await stat(path.join(root, 'm/1/model.onnx'))).mode & 0o222).toBe(0);
  });

  it('deletes a link to a version, and not what it leads to', async () => {
    await mkdir(path.join(root, 'm'));
    const elsewhere = await mkdtemp(path.join(tmpdir(), 'fanfold-elsewhere-'));
    await writeFile(path.join(elsewhere, 'model.onnx'), 'onnx');
    await symlink(elsewhere, path.join(root, 'm/1'));
    await deleteVersion(store, 'm', '1', { force: false });
    expect(await store.list()).toEqual([]);
    expect(await readdir(elsewhere)).toEqual(['model.onnx']);
    await rm(elsewhere, { recursive: true });
  });

  it('leaves no file of its own beside a configuration', async () => {
    await store.publish('m', '1', [FILE]);
    await setDefault(store, 'm', '1');
    expect((await readdir(path.join(root, 'm'))).sort()).toEqual(['1', 'config.json']);
  });
});
