import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startStorageEmulator } from '../../../../infra/emulators/storage/storage-emulator.ts';
import { BUCKET, clientOf, noise } from './client.ts';

const CHUNK = 256 * 1024;

function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'storage-emulator-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function open(folder: string, port = 0) {
  const emulator = await startStorageEmulator({ folder, port, buckets: [BUCKET] });
  onTestFinished(() => emulator.close());
  return { emulator, bucket: clientOf(emulator.url).bucket(BUCKET) };
}

const contents = (folder: string) => readdirSync(join(folder, 'content'));

describe('a folder', () => {
  it('gives a restarted emulator everything back: bytes, metadata, versions, settings', async () => {
    const folder = scratchFolder();
    const first = await open(folder);
    const bytes = noise(1_000_000);
    await first.bucket.setMetadata({ versioning: { enabled: true } });
    await first.bucket.file('a/ü').save(bytes, { resumable: false, metadata: { metadata: { k: 'v' } } });
    await first.bucket.file('twice').save('one', { resumable: false });
    await first.bucket.file('twice').save('two', { resumable: false });
    await first.bucket.file('gone').save('x', { resumable: false });
    await first.bucket.file('gone').delete();
    await first.bucket.combine(['twice', 'a/ü'], 'joined');
    const before = await first.bucket.getFiles({ versions: true });
    await first.emulator.close();

    const second = await open(folder, first.emulator.port);
    const after = await second.bucket.getFiles({ versions: true });
    expect(after[0].map(({ metadata }) => metadata)).toEqual(before[0].map(({ metadata }) => metadata));
    expect((await second.bucket.file('a/ü').download())[0].equals(bytes)).toBe(true);
    expect((await second.bucket.getMetadata())[0]).toMatchObject({
      versioning: { enabled: true },
      metageneration: '2',
    });
    await second.bucket.file('new').save('x', { resumable: false });
    const last = BigInt(String((await second.bucket.file('new').getMetadata())[0].generation));
    expect(before[0].every(({ metadata }) => BigInt(String(metadata.generation)) < last)).toBe(true);
  });

  it('lets an upload session go on after a restart', async () => {
    const folder = scratchFolder();
    const first = await open(folder);
    const bytes = noise(2 * CHUNK + 5);
    const [uri] = await first.bucket.file('big').createResumableUpload();
    const put = async (url: string, range: string, body: Buffer = Buffer.alloc(0)) =>
      fetch(url, { method: 'PUT', body: new Uint8Array(body), headers: { 'content-range': `bytes ${range}` } });
    await put(uri, `0-${CHUNK - 1}/*`, bytes.subarray(0, CHUNK));
    await first.emulator.close();
    const second = await open(folder);
    const again = uri.replace(first.emulator.url, second.emulator.url);
    const status = await put(again, '*/*');
    expect([status.status, status.headers.get('range')]).toEqual([308, `bytes=0-${CHUNK - 1}`]);
    expect((await put(again, `${CHUNK}-${2 * CHUNK + 4}/${2 * CHUNK + 5}`, bytes.subarray(CHUNK))).status).toBe(200);
    expect((await second.bucket.file('big').download())[0].equals(bytes)).toBe(true);
    await second.emulator.close();
    const third = await open(folder);
    expect((await put(uri.replace(first.emulator.url, third.emulator.url), '*/*')).status).toBe(200);
  });

  it('holds no bytes of what was overwritten, deleted, refused or cut off', async () => {
    const folder = scratchFolder();
    const { bucket, emulator } = await open(folder);
    await bucket.file('a').save('one', { resumable: false });
    await bucket.file('a').save('two', { resumable: false });
    expect(contents(folder)).toHaveLength(1);
    await bucket
      .file('a')
      .save('three', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } })
      .catch(() => undefined);
    emulator.faults.add({ operation: 'objects.insert', action: { kind: 'drop-request', afterBytes: 5000 } });
    await bucket
      .file('b')
      .save(noise(100_000), { resumable: false })
      .catch(() => undefined);
    await bucket.file('a').delete();
    await expect.poll(() => contents(folder)).toEqual([]);
    await bucket.delete();
    expect(readdirSync(join(folder, 'objects'))).toEqual([]);
  });

  it('is cleaned of what a crash left half-done', async () => {
    const folder = scratchFolder();
    const first = await open(folder);
    await first.bucket.file('a').save('one', { resumable: false });
    await first.emulator.close();
    const objects = join(folder, 'objects', BUCKET);
    writeFileSync(join(folder, 'content', 'orphan'), 'x');
    writeFileSync(join(objects, '.unfinished-x'), '{"half');
    const { bucket } = await open(folder);
    expect((await bucket.file('a').download())[0].toString()).toBe('one');
    expect(contents(folder)).toHaveLength(1);
    expect(readdirSync(objects)).toHaveLength(1);
  });
});
