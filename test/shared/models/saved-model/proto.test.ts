import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../../../shared/errors.ts';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import type { SavedModel } from '../../../../shared/models/saved-model/graph-def.ts';
import { decodeSavedModel } from '../../../../shared/models/saved-model/proto.ts';
import { memoryFiles } from '../model-files.ts';
import { encodeProto, savedModelPb, shapeProto, varint } from './saved-model-maker.ts';

function decode(pb: Uint8Array): Promise<SavedModel> {
  return decodeSavedModel(memoryFiles({ 'saved_model.pb': pb }));
}

const node = { name: 'x', op: 'Placeholder', attr: [{ key: 'dtype', value: { type: DT.FLOAT } }] };

describe('decodeSavedModel', () => {
  it('gives nodes, functions, signatures, assets and every kind of attribute', async () => {
    const { metaGraph } = await decode(
      await savedModelPb({
        graphDef: {
          node: [
            {
              name: 'n',
              op: 'Op',
              input: ['x:0', '^c'],
              attr: [
                { key: 's', value: { s: Buffer.from('text') } },
                { key: 'i', value: { i: '-9007199254740993' } },
                { key: 'zero', value: { i: 0 } },
                { key: 'f', value: { f: 0.5 } },
                { key: 'b', value: { b: true } },
                { key: 'shape', value: { shape: shapeProto([-1, 3]) } },
                { key: 'unknown', value: { shape: { unknownRank: true } } },
                { key: 'func', value: { func: { name: 'body' } } },
                { key: 'list', value: { list: { i: [1, 2], type: [DT.STRING] } } },
                { key: 'nothing', value: {} },
              ],
            },
          ],
          library: {
            function: [
              {
                signature: {
                  name: 'body',
                  inputArg: [{ name: 'a', type: DT.FLOAT }],
                  outputArg: [{ name: 'b', typeAttr: 'T' }],
                },
                nodeDef: [node],
                ret: [{ key: 'b', value: 'x:output:0' }],
              },
            ],
          },
        },
        signatureDef: [
          {
            key: 'serving_default',
            value: {
              inputs: [{ key: 'in', value: { name: 'x:0', dtype: DT.FLOAT, tensorShape: shapeProto([-1]) } }],
              methodName: 'm',
            },
          },
        ],
        assetFileDef: [{ tensorInfo: { name: 'a:0' }, filename: 'vocabulary.txt' }],
      }),
    );
    const [made] = metaGraph.graph.nodes;
    expect(made?.inputs).toEqual(['x:0', '^c']);
    const attr = (name: string): unknown => made?.attrs.get(name);
    expect(attr('s')).toMatchObject({ kind: 's', value: Uint8Array.from(Buffer.from('text')) });
    expect(attr('i')).toEqual({ kind: 'i', value: -9007199254740993n });
    expect(attr('zero')).toEqual({ kind: 'i', value: 0n });
    expect(attr('f')).toEqual({ kind: 'f', value: 0.5 });
    expect(attr('b')).toEqual({ kind: 'b', value: true });
    expect(attr('shape')).toEqual({ kind: 'shape', value: [-1, 3] });
    expect(attr('unknown')).toEqual({ kind: 'shape', value: null });
    expect(attr('func')).toMatchObject({ kind: 'func', value: { name: 'body' } });
    expect(attr('list')).toMatchObject({ kind: 'list', value: { i: [1n, 2n], type: [DT.STRING], s: [] } });
    expect(attr('nothing')).toEqual({ kind: 'none' });
    const [body] = metaGraph.graph.functions;
    expect(body).toMatchObject({
      name: 'body',
      inputs: [{ name: 'a', type: DT.FLOAT }],
      outputs: [{ name: 'b', typeAttr: 'T' }],
    });
    expect(body?.ret.get('b')).toBe('x:output:0');
    const signature = metaGraph.signatures.get('serving_default');
    expect(signature?.inputs.get('in')).toEqual({ name: 'x:0', dtype: DT.FLOAT, shape: [-1], sparse: undefined });
    expect(metaGraph.assets).toEqual([{ tensorName: 'a:0', filename: 'vocabulary.txt' }]);
  });

  it('reads the assets that TF1 wrote into a collection', async () => {
    const asset = await encodeProto('AssetFileDef', { tensorInfo: { name: 'a:0' }, filename: 'v.txt' });
    const collection = { key: 'saved_model_assets', value: { anyList: { value: [{ typeUrl: 't', value: asset }] } } };
    const { metaGraph } = await decode(await savedModelPb({ graphDef: {}, collectionDef: [collection] }));
    expect(metaGraph.assets).toEqual([{ tensorName: 'a:0', filename: 'v.txt' }]);
  });

  it('takes names of prototypes for names', async () => {
    const { metaGraph } = await decode(
      await savedModelPb({
        graphDef: { node: [{ ...node, attr: [{ key: '__proto__', value: { b: true } }] }] },
        signatureDef: [
          { key: '__proto__', value: { methodName: 'm' } },
          { key: 'constructor', value: { methodName: 'c' } },
        ],
      }),
    );
    expect([...metaGraph.signatures.keys()]).toEqual(['__proto__', 'constructor']);
    expect(metaGraph.graph.nodes[0]?.attrs.get('__proto__')).toEqual({ kind: 'b', value: true });
    expect(({} as Record<string, unknown>)['methodName']).toBeUndefined();
  });

  it('chooses the meta graph that serves, and lists the tags where none does', async () => {
    const graphs = (tags: readonly string[][]): Promise<Uint8Array> =>
      encodeProto('SavedModel', { metaGraphs: tags.map((of) => ({ metaInfoDef: { tags: of } })) });
    const chosen = await decode(await graphs([['train'], ['serve', 'tpu'], ['serve']]));
    expect(chosen.metaGraph.tags).toEqual(['serve']);
    expect((await decode(await graphs([['other']]))).metaGraph.tags).toEqual(['other']);
    await expect(decode(await graphs([['train'], ['eval', 'tpu']]))).rejects.toThrow(/train; eval,tpu.*serve/);
    await expect(decode(new Uint8Array(0))).rejects.toThrow('m@1: saved_model.pb holds no meta graph');
  });

  it('refuses every truncation and random bytes by name, or reads them as a smaller model', async () => {
    const pb = await savedModelPb({
      graphDef: { node: [node] },
      signatureDef: [{ key: 's', value: { methodName: 'm' } }],
    });
    const attempt = async (bytes: Uint8Array): Promise<void> => {
      const result = await decode(bytes).catch((error: unknown) => error);
      if (result instanceof Error) {
        expect(result).toBeInstanceOf(PermanentError);
        expect(result.message).toContain('m@1: saved_model.pb');
      }
    };
    for (let length = 0; length < pb.length; length++) await attempt(pb.subarray(0, length));
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), attempt), { numRuns: 200 });
  });

  it('refuses messages that nest without end', async () => {
    // AttrValue.func.attr.value.func… each level two bytes of tag and length around the one before.
    let bytes = Buffer.alloc(0);
    const wrap = (field: number): void => {
      bytes = Buffer.concat([Buffer.of((field << 3) | 2), varint(bytes.length), bytes]);
    };
    for (let level = 0; level < 200; level++) [2, 2, 10].forEach(wrap);
    [2, 5, 1, 2, 2].forEach(wrap);
    await expect(decode(bytes)).rejects.toThrow(/nest deeper than 100/);
  });

  it('refuses a small file that stands for millions of messages', async () => {
    const nodes = Buffer.alloc(2 * 8_100_000);
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = (1 << 3) | 2;
    const graph = Buffer.concat([Buffer.of((2 << 3) | 2), varint(nodes.length), nodes]);
    const pb = Buffer.concat([Buffer.of((2 << 3) | 2), varint(graph.length), graph]);
    await expect(decode(pb)).rejects.toThrow(/more than 8000000 messages/);
  });
});
