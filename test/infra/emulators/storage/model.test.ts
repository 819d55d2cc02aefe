import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startStorageEmulator } from '../../../../infra/emulators/storage/storage-emulator.ts';
import { BUCKET } from './client.ts';

/** What a bucket without versions is, as simply as it can be said. */
type Model = Map<string, { content: string; generation: string; metageneration: number }>;

interface Resource {
  readonly name: string;
  readonly generation: string;
  readonly metageneration: string;
}

const NAMES = ['a', 'b', 'dir/a', 'dir/ü'];

/** Whether a write demands no object, the one that is there, one that is not, or nothing. */
const demand = fc.constantFrom('none', 'absent', 'current', 'stale');
const name = fc.constantFrom(...NAMES);

const operation = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), name, content: fc.string({ maxLength: 5 }), demand }),
  fc.record({ kind: fc.constant('delete' as const), name, demand }),
  fc.record({ kind: fc.constant('patch' as const), name, demand }),
  fc.record({ kind: fc.constant('read' as const), name }),
  fc.record({ kind: fc.constant('copy' as const), name, to: name, demand }),
  fc.record({
    kind: fc.constant('compose' as const),
    sources: fc.array(name, { minLength: 1, maxLength: 3 }),
    to: name,
    demand,
  }),
  fc.record({ kind: fc.constant('list' as const), prefix: fc.constantFrom('', 'dir/', 'b') }),
  fc.record({ kind: fc.constant('restart' as const) }),
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const STALE = '12345';

function query(model: Model, target: string, wanted: string): string {
  const current = model.get(target)?.generation ?? '0';
  const values: Readonly<Record<string, string>> = { absent: '0', current, stale: STALE };
  const value = values[wanted];
  return value === undefined ? '' : `ifGenerationMatch=${value}`;
}

const holds = (model: Model, target: string, wanted: string) =>
  wanted === 'none' || wanted === 'current' || (wanted === 'absent' && !model.has(target));

/** Does the operation on the emulator and on the model, and compares what they answer. */
async function step(url: string, model: Model, act: Exclude<Operation, { kind: 'restart' }>): Promise<void> {
  const objects = `${url}/storage/v1/b/${BUCKET}/o`;
  const at = (object: string) => `${objects}/${encodeURIComponent(object)}`;
  const expectWrite = async (reply: Response, target: string, content: string, status: number) => {
    expect(reply.status).toBe(status);
    const resource = (await reply.json()) as Resource;
    if (status === 200) model.set(target, { content, generation: resource.generation, metageneration: 1 });
  };
  switch (act.kind) {
    case 'write': {
      const target = `${url}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${encodeURIComponent(act.name)}`;
      const reply = await fetch(`${target}&${query(model, act.name, act.demand)}`, {
        method: 'POST',
        body: act.content,
      });
      await expectWrite(reply, act.name, act.content, holds(model, act.name, act.demand) ? 200 : 412);
      return;
    }
    case 'delete': {
      const reply = await fetch(`${at(act.name)}?${query(model, act.name, act.demand)}`, { method: 'DELETE' });
      const expected = !model.has(act.name) ? 404 : holds(model, act.name, act.demand) ? 204 : 412;
      expect(reply.status).toBe(expected);
      if (expected === 204) model.delete(act.name);
      return;
    }
    case 'patch': {
      const known = model.get(act.name);
      const body = JSON.stringify({ metadata: { k: 'v' } });
      const reply = await fetch(`${at(act.name)}?${query(model, act.name, act.demand)}`, { method: 'PATCH', body });
      const expected = known === undefined ? 404 : holds(model, act.name, act.demand) ? 200 : 412;
      expect(reply.status).toBe(expected);
      if (known === undefined || expected !== 200) return;
      known.metageneration++;
      const { generation, metageneration } = (await reply.json()) as Resource;
      expect([generation, metageneration]).toEqual([known.generation, String(known.metageneration)]);
      return;
    }
    case 'read': {
      const known = model.get(act.name);
      const reply = await fetch(`${at(act.name)}?alt=media`);
      expect(reply.status).toBe(known === undefined ? 404 : 200);
      if (known !== undefined) expect(await reply.text()).toBe(known.content);
      return;
    }
    case 'copy': {
      const known = model.get(act.name);
      const to = `${at(act.name)}/copyTo/b/${BUCKET}/o/${encodeURIComponent(act.to)}`;
      const reply = await fetch(`${to}?${query(model, act.to, act.demand)}`, { method: 'POST' });
      const expected = known === undefined ? 404 : holds(model, act.to, act.demand) ? 200 : 412;
      await expectWrite(reply, act.to, known?.content ?? '', expected);
      return;
    }
    case 'compose': {
      const body = JSON.stringify({ sourceObjects: act.sources.map((source) => ({ name: source })) });
      const reply = await fetch(`${at(act.to)}/compose?${query(model, act.to, act.demand)}`, { method: 'POST', body });
      const missing = act.sources.some((source) => !model.has(source));
      const expected = !holds(model, act.to, act.demand) ? 412 : missing ? 404 : 200;
      await expectWrite(
        reply,
        act.to,
        act.sources.map((source) => model.get(source)?.content ?? '').join(''),
        expected,
      );
      return;
    }
    case 'list': {
      const reply = await fetch(`${objects}?prefix=${encodeURIComponent(act.prefix)}`);
      const { items = [] } = (await reply.json()) as { items?: Resource[] };
      const found = items.map((item) => [item.name, item.generation, item.metageneration]);
      const known = [...model].filter(([each]) => each.startsWith(act.prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
      expect(found).toEqual(
        known.map(([each, { generation, metageneration }]) => [each, generation, String(metageneration)]),
      );
      return;
    }
    default:
      act satisfies never;
  }
}

describe('any sequence of operations', () => {
  it.each(['memory', 'folder'])(
    'in %s gives what a map would',
    async (where) => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
          const folder = where === 'folder' ? mkdtempSync(join(tmpdir(), 'storage-model-')) : undefined;
          const open = () => startStorageEmulator({ buckets: [BUCKET], ...(folder === undefined ? {} : { folder }) });
          let emulator = await open();
          const model: Model = new Map();
          try {
            for (const act of operations) {
              if (act.kind !== 'restart') await step(emulator.url, model, act);
              else if (folder !== undefined) {
                await emulator.close();
                emulator = await open();
              }
            }
            for (const each of NAMES) await step(emulator.url, model, { kind: 'read', name: each });
          } finally {
            await emulator.close();
            if (folder !== undefined) rmSync(folder, { recursive: true });
          }
        }),
        { numRuns: 30 },
      );
    },
    60_000,
  );
});
