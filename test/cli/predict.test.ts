import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { describe, expect, it, onTestFinished } from 'vitest';

import { FANFOLD, newWorkspace, run } from './workspace.ts';
import type { Ran, Workspace } from './workspace.ts';

/** The command with something on its stdin. */
function piped(workspace: Workspace, input: string, ...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [FANFOLD, ...args], { cwd: workspace.folder }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

describe('fanfold predict, with the model itself', () => {
  it('prints a prediction a line, whatever version the name means', async () => {
    const workspace = newWorkspace();
    workspace.write('models/five/3/model.onnx', new Uint8Array());
    workspace.write('models/five/config.json', '{"defaultVersion": "2", "labels": {"old": "1"}}');
    workspace.write('i.jsonl', '1\n{"x": 2.5}\n\n  3  \n');
    for (const model of ['five', 'five@1', 'five@old'])
      expect(
        await workspace.fanfold('predict', '--model', model, '--models', 'models', '--json-instances', 'i.jsonl'),
      ).toEqual({ code: 0, stdout: '5\n12.5\n15\n', stderr: '' });
  });

  it('keeps a line for an instance that fails, tells why on stderr, and exits with 3', async () => {
    const workspace = newWorkspace();
    const { code, stdout, stderr } = await piped(
      workspace,
      '1\n"two"\n{"x": 3}',
      ...['predict', '--model', 'models/five', '--json-instances', '-'],
    );
    expect(code).toBe(3);
    const [first, failed, last] = stdout.split('\n');
    expect([first, last]).toEqual(['5', '15']);
    expect(JSON.parse(failed ?? '')).toMatchObject({ error: { code: 3, status: 'INVALID_ARGUMENT' } });
    expect(stderr).toMatch(/^fanfold: row 1: .*found "two".*\nfanfold: 1 of 3 instances failed\n$/);
  });

  it('exits with 1 where all failed, or nothing could be asked', async () => {
    const workspace = newWorkspace();
    workspace.write('bad.jsonl', '"a"\n{\n');
    workspace.write('good.jsonl', '1\n');
    workspace.write('empty.jsonl', '\n \n');
    const predict = (...args: string[]): Promise<Ran> => workspace.fanfold('predict', '--models', 'models', ...args);
    expect((await predict('--model', 'five', '--json-instances', 'bad.jsonl')).code).toBe(1);
    for (const [args, message] of [
      [['--model', 'nobody', '--json-instances', 'good.jsonl'], /no model nobody/],
      [['--model', 'five', '--json-instances', 'none.jsonl'], /instances none\.jsonl: .*no such file/i],
      [['--model', 'five', '--json-instances', 'empty.jsonl'], /empty\.jsonl holds no instance/],
      [
        ['--model', 'five', '--json-instances', 'good.jsonl', '--signature', 'no'],
        /no signature "no"; it has serving_default/,
      ],
    ] as const) {
      const { code, stdout, stderr } = await predict(...args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(message);
    }
  });

  it('prints one document where it is asked to, of more instances than are scored at once', async () => {
    const workspace = newWorkspace();
    const rows = 3_000;
    workspace.write('many.jsonl', Array.from({ length: rows }, (_, row) => `${row}\n`).join(''));
    const { code, stdout } = await workspace.fanfold(
      ...['predict', '--model', 'models/five', '--json-instances', 'many.jsonl', '--format', 'json'],
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ predictions: Array.from({ length: rows }, (_, row) => 5 * row) });
  });

  it('ends quietly where nobody reads any more', async () => {
    const workspace = newWorkspace();
    workspace.write('many.jsonl', '1\n'.repeat(200_000));
    const command =
      '"$0" "$1" predict --model models/five --json-instances many.jsonl | head -n 1; exit "${PIPESTATUS[0]}"';
    const ran = await run('bash', ['-c', command, process.execPath, FANFOLD], workspace.folder);
    expect(ran).toEqual({ code: 0, stdout: '5\n', stderr: '' });
  });

  it('is told what it is used with', async () => {
    const workspace = newWorkspace();
    workspace.write('a.jsonl', '1\n');
    for (const [args, message] of [
      [['--model', 'models/five'], /--json-instances or --text-instances: give one of them/],
      [['--json-instances', 'a.jsonl'], /required option '--model/],
      [['--model', 'm', '--json-instances', 'a.jsonl', '--text-instances', 'a.jsonl'], /cannot be used with/],
      [['--model', 'm', '--json-instances', 'a.jsonl', '--endpoint', 'nowhere'], /expected a URL/],
      [['--model', 'models/five', '--json-instances', 'a.jsonl', '--google-identity'], /is for --endpoint/],
      [
        ['--model', 'm', '--json-instances', 'a.jsonl', '--endpoint', 'http://example.com', '--google-identity'],
        /unencrypted: use https/,
      ],
    ] as const) {
      const { code, stderr } = await workspace.fanfold('predict', ...args);
      expect(code, stderr).toBe(2);
      expect(stderr).toMatch(message);
    }
    const { stdout } = await workspace.fanfold('predict', '--help');
    expect(stdout).toContain('--endpoint http://127.0.0.1:8501');
    expect(stdout).toContain('3 some failed');
  });
});

type Listener = (body: string, request: IncomingMessage, response: ServerResponse) => void;

async function listen(listener: Listener): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      listener(body, request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('fanfold predict, by a server that says nothing of which instance it refuses', () => {
  it('finds it, and keeps the others’ predictions and their digits', async () => {
    const workspace = newWorkspace();
    const asked: string[] = [];
    let busy = true;
    const endpoint = await listen((body, request, response) => {
      asked.push(request.url ?? '');
      const { instances } = JSON.parse(body) as { instances: unknown[] };
      if (busy) response.writeHead(503).end();
      else if (instances.includes('bad')) response.writeHead(400).end('{"error": "cannot parse an instance"}');
      else response.end(`{ "predictions": [${instances.map(() => '9007199254740993').join(', \n')}\n]\n}`);
      busy = false;
    });
    const { code, stdout, stderr } = await piped(
      workspace,
      '1\n2\n"bad"\n3\n4\n',
      ...['predict', '--model', 'm@canary', '--json-instances', '-', '--endpoint', `${endpoint}/`],
    );
    expect(code, stderr).toBe(3);
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines.filter((line) => line === '9007199254740993')).toHaveLength(4);
    expect(lines[2]).toContain('cannot parse an instance');
    expect(new Set(asked)).toEqual(new Set(['/v1/models/m/labels/canary:predict']));
  });

  it('gives up on what is not an instance’s fault', async () => {
    const workspace = newWorkspace();
    let asked = 0;
    const endpoint = await listen((_body, _request, response) => {
      asked++;
      response.writeHead(400).end('{"error": "no signature x"}');
    });
    const input = '1\n'.repeat(100);
    const refused = await piped(
      workspace,
      input,
      'predict',
      '--model',
      'm',
      '--json-instances',
      '-',
      '--endpoint',
      endpoint,
    );
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: 'fanfold: no signature x\n' });
    expect(asked).toBe(3);
    const gone = await listen((_body, _request, response) => response.writeHead(404).end('{"error": "no model m"}'));
    expect(
      await piped(workspace, '1\n', 'predict', '--model', 'm', '--json-instances', '-', '--endpoint', gone),
    ).toMatchObject({ code: 1, stderr: 'fanfold: no model m\n' });
  });
});
