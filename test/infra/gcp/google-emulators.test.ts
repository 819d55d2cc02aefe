import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { findEmulator, missingEmulator } from '../../../infra/emulators/google-sdk.ts';
import { startServer } from '../../../infra/emulators/server-process.ts';

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'fanfold-sdk-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

async function touch(file: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, '');
}

describe('the emulators', () => {
  it('are found in CLOUDSDK_ROOT', async () => {
    const root = await folder();
    await touch(path.join(root, 'platform/pubsub-emulator/lib/cloud-pubsub-emulator-9.9.9-all.jar'));
    await touch(path.join(root, 'java/bin/java'));
    const found = findEmulator('pubsub', {
      CLOUDSDK_ROOT: root,
      JAVA_HOME: path.join(root, 'java'),
      PATH: '',
      HOME: root,
    });
    expect(found.java).toBe(path.join(root, 'java/bin/java'));
    expect(found.args.at(-1)).toBe(path.join(root, 'platform/pubsub-emulator/lib/cloud-pubsub-emulator-9.9.9-all.jar'));
  });

  it('say what to install where Java is missing', async () => {
    const root = await folder();
    await touch(path.join(root, 'platform/cloud-firestore-emulator/cloud-firestore-emulator.jar'));
    expect(missingEmulator('firestore', { CLOUDSDK_ROOT: root, PATH: root, HOME: root })).toMatch(
      /Firestore.*needs Java/,
    );
  });

  it('say what to install where they are missing', async () => {
    const root = await folder();
    await mkdir(path.join(root, 'platform'));
    const missing = missingEmulator('firestore', { CLOUDSDK_ROOT: root, PATH: root, HOME: root }, []);
    expect(missing).toContain(`it is not in ${root}`);
    expect(missing).toMatch(/gcloud components install cloud-firestore-emulator/);
    expect(missingEmulator('pubsub', { PATH: '', HOME: root }, [])).toMatch(/there is no Google Cloud CLI/);
  });
});

describe('a server', () => {
  const server = (script: string) => ({
    title: 'the server',
    program: process.execPath,
    args: (port: number) => ['-e', script, String(port)],
  });
  const answering = `require('node:http').createServer((_, r) => r.end('Ok')).listen(process.argv[1], '127.0.0.1')`;

  it('is up when it was started, and gone when it was stopped', async () => {
    const { port, stop } = await startServer(server(answering));
    expect((await fetch(`http://127.0.0.1:${port}/`)).ok).toBe(true);
    await stop();
    await stop();
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  it('that takes no notice of SIGTERM is killed', async () => {
    const { port, stop } = await startServer(server(`process.on('SIGTERM', () => {}); ${answering}`));
    await stop();
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  }, 30_000);

  it('that ends at once tells why', async () => {
    const failing = startServer(server(`console.error('no such option'); process.exit(3)`));
    await expect(failing).rejects.toThrow(/the server ended instead of starting:\nno such option/);
  });

  it('that does not exist is an error', async () => {
    const failing = startServer({ title: 'the server', program: '/nowhere/java', args: () => [] });
    await expect(failing).rejects.toThrow(/the server ended instead of starting.*nowhere/s);
  });

  it('ends with the process that started it, even where that was killed', async () => {
    const module = new URL('../../../infra/emulators/server-process.ts', import.meta.url).href;
    const parent = `
      const { startServer } = await import(${JSON.stringify(module)});
      const { port } = await startServer({ title: 's', program: process.execPath, args: (p) => ['-e', ${JSON.stringify(answering)}, String(p)] });
      require('node:fs').writeSync(1, String(port));
      process.kill(process.pid, 'SIGKILL');`;
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      parent.replace("require('node:fs')", "(await import('node:fs'))"),
    ]);
    let port = '';
    for await (const text of child.stdout.setEncoding('utf8')) port += text as string;
    expect(port).toMatch(/^\d+$/);
    await expect
      .poll(
        () =>
          fetch(`http://127.0.0.1:${port}/`).then(
            () => 'up',
            () => 'gone',
          ),
        { timeout: 5_000 },
      )
      .toBe('gone');
  }, 30_000);
});
