import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { makeMlp } from '../test/shared/models/onnx-maker.ts';

/** Online prediction under load: requests of one instance to `fanfold dev`, by so many clients at once, and how they were joined. */

const SECONDS = 3;
const CLIENTS = [1, 16, 128];
const BODY = Buffer.from('{"instances":[[1,2,3,4,5,6,7,8]]}');

const folder = mkdtempSync(join(tmpdir(), 'fanfold-bench-'));
mkdirSync(join(folder, 'models/mlp/1'), { recursive: true });
writeFileSync(join(folder, 'models/mlp/1/model.onnx'), makeMlp({ inputs: 8, hidden: [32], outputs: 4 }));
const cli = join(import.meta.dirname, '../cli/fanfold.js');
const dev = spawn(process.execPath, [cli, 'dev', folder, '--workers', '1', '--port', '0'], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
try {
  const url = await served();
  for (const clients of CLIENTS) await measure(url, clients);
} finally {
  dev.kill('SIGTERM');
  await once(dev, 'exit');
  rmSync(folder, { recursive: true });
}

async function served(): Promise<string> {
  for await (const line of createInterface({ input: dev.stderr })) {
    const url = /^serving (http:\/\/\S+?)\/v1\//.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('fanfold dev did not start');
}

async function measure(url: string, clients: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const took: number[] = [];
  const [calls, rows] = await counted(url);
  const end = performance.now() + 1000 * SECONDS;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const start = performance.now();
      const status = await post(`${url}/v1/models/mlp:predict`, agent);
      if (status !== 200) throw new Error(`answered ${status}`);
      took.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  const [callsAfter, rowsAfter] = await counted(url);
  took.sort((a, b) => a - b);
  const quantile = (share: number): string => (took[Math.floor(took.length * share)] ?? NaN).toFixed(1);
  const perCall = (rowsAfter - rows) / (callsAfter - calls);
  console.log(
    `${clients} clients: ${Math.round(took.length / SECONDS)} requests/s, median ${quantile(0.5)} ms, 99 % ${quantile(0.99)} ms, ${perCall.toFixed(1)} rows a call`,
  );
}

function post(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method: 'POST', headers: { 'content-length': BODY.length } }, (answer) => {
      answer.resume().on('end', () => {
        resolve(answer.statusCode ?? 0);
      });
    });
    outgoing.on('error', reject).end(BODY);
  });
}

/** Calls to the model so far, and their rows. */
async function counted(url: string): Promise<readonly [calls: number, rows: number]> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (part: string): number =>
    Number(new RegExp(`^inference_request_batch_size_${part}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return [value('count'), value('sum')];
}
