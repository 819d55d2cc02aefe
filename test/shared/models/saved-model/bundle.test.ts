import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../../../shared/errors.ts';
import { openBundle } from '../../../../shared/models/saved-model/bundle.ts';
import type { Bundle } from '../../../../shared/models/saved-model/bundle.ts';
import { sliceKey } from '../../../../shared/models/saved-model/bundle-key.ts';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import { FIXTURES, describeFixtures, folderFiles, memoryFiles } from '../model-files.ts';
import { bundleFiles, shapeProto } from './saved-model-maker.ts';
import type { MadeTensor } from './saved-model-maker.ts';

async function open(...args: Parameters<typeof bundleFiles>): Promise<Bundle> {
  return openBundle(memoryFiles(await bundleFiles(...args)));
}

const kernel: MadeTensor = { dtype: DT.FLOAT, shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };

describe('openBundle', () => {
  it('gives tensors of every shard and dtype', async () => {
    const bundle = await open(
      {
        kernel,
        flag: { dtype: DT.BOOL, shape: [3], data: Uint8Array.of(1, 0, 1) },
        // Not aligned: after three bytes.
        big: { dtype: DT.INT64, shape: [], data: BigInt64Array.of(-(2n ** 62n)) },
        half: { dtype: DT.HALF, shape: [2], data: Float16Array.of(0.5, -2), shard: 1 },
        brain: { dtype: DT.BFLOAT16, shape: [1], data: Uint16Array.of(0x3fc0), shard: 1 },
        words: { dtype: DT.STRING, shape: [2, 1], data: ['wort', Uint8Array.of(255, 0)], shard: 1 },
        none: { dtype: DT.FLOAT, shape: [0, 7], data: new Float32Array(0) },
      },
      { shards: 2 },
    );
    expect(bundle.keys).toEqual(['big', 'brain', 'flag', 'half', 'kernel', 'none', 'words']);
    expect(await bundle.tensor('kernel')).toEqual({
      dtype: DT.FLOAT,
      shape: [2, 2],
      data: Float32Array.of(1, 2, 3, 4),
    });
    expect((await bundle.tensor('big')).data).toEqual(BigInt64Array.of(-(2n ** 62n)));
    expect((await bundle.tensor('half')).data).toEqual(Float16Array.of(0.5, -2));
    expect((await bundle.tensor('brain')).data).toEqual(Float32Array.of(1.5));
    expect(((await bundle.tensor('words')).data as Uint8Array[]).map((bytes) => [...bytes])).toEqual([
      [...Buffer.from('wort')],
      [255, 0],
    ]);
    expect((await bundle.tensor('none')).shape).toEqual([0, 7]);
    await expect(bundle.tensor('other')).rejects.toMatchObject({
      status: 'NOT_FOUND',
      message: expect.stringContaining('"other"') as string,
    });
  });

  it('puts a partitioned variable together, however it was cut, and cuts it again', async () => {
    const grid = fc.record({
      rows: fc.integer({ min: 1, max: 6 }),
      columns: fc.integer({ min: 1, max: 5 }),
      cutRows: fc.nat(),
      cutColumns: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(
        grid,
        fc.constantFrom(DT.FLOAT, DT.STRING),
        async ({ rows, columns, cutRows, cutColumns }, dtype) => {
          const value = (row: number, column: number): number => row * columns + column;
          const ranges = (size: number, cut: number): [number, number][] =>
            cut % size === 0
              ? [[0, size]]
              : [
                  [0, cut % size],
                  [cut % size, size],
                ];
          const slices: Record<string, MadeTensor> = {};
          const extents: unknown[] = [];
          for (const [top, bottom] of ranges(rows, cutRows)) {
            for (const [left, right] of ranges(columns, cutColumns)) {
              const whole = top === 0 && bottom === rows;
              const extent = [
                whole ? { start: 0, length: -1 } : { start: top, length: bottom - top },
                { start: left, length: right - left },
              ];
              const numbers: number[] = [];
              for (let r = top; r < bottom; r++) for (let c = left; c < right; c++) numbers.push(value(r, c));
              const data = dtype === DT.STRING ? numbers.map(String) : Float32Array.from(numbers);
              slices[sliceKey('part/weights', extent)] = { dtype, shape: [bottom - top, right - left], data };
              extents.push({ extent: extent.map(({ start, length }) => (length < 0 ? {} : { start, length })) });
            }
          }
          const bundle = await open({
            'part/weights': { dtype, shape: shapeProto([rows, columns]), slices: extents },
            ...slices,
          });
          expect(bundle.keys).toEqual(['part/weights']);
          const numbersOf = (data: unknown): number[] =>
            Array.from(data as ArrayLike<unknown>, (one) =>
              Number(one instanceof Uint8Array ? Buffer.from(one).toString() : one),
            );
          const all = numbersOf((await bundle.tensor('part/weights')).data);
          expect(all).toEqual(Array.from({ length: rows * columns }, (_, i) => i));
          const last = await bundle.restore('part/weights', `${rows} ${columns} ${rows - 1},1:-`);
          expect(last.shape).toEqual([1, columns]);
          expect(numbersOf(last.data)).toEqual(all.slice(-columns));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('writes the keys of slices in order-preserving code', () => {
    const bytes = (text: string): number[] => [...Buffer.from(text, 'latin1')];
    expect(bytes(sliceKey('a\0\xff', [{ start: 0, length: -1 }]))).toEqual([
      0, 97, 0, 255, 255, 0, 0, 1, 1, 1, 0x80, 0x7f,
    ]);
    expect(bytes(sliceKey('', [{ start: 64, length: 8191 }])).slice(5)).toEqual([0xc0, 0x40, 0xdf, 0xff]);
    expect(bytes(sliceKey('', [{ start: 8192, length: 63 }])).slice(5)).toEqual([0xe0, 0x20, 0x00, 0xbf]);
  });

  const hostile: { name: string; entry: Record<string, unknown>; expected: RegExp }[] = [
    { name: 'an offset outside of its file', entry: { offset: 1000 }, expected: /go beyond data shard 0/ },
    { name: 'a negative offset', entry: { offset: -4 }, expected: /go beyond data shard 0/ },
    {
      name: 'an offset that no number holds',
      entry: { offset: '9223372036854775807' },
      expected: /go beyond data shard 0/,
    },
    { name: 'more bytes than its shape', entry: { size: 8 }, expected: /not those of the shape/ },
    { name: 'a huge shape', entry: { shape: shapeProto([2 ** 40, 2 ** 40]) }, expected: /too many elements/ },
    { name: 'a negative dimension', entry: { shape: shapeProto([-1, 2]) }, expected: /a dimension of -1/ },
    {
      name: 'a shape that no file could hold',
      entry: { shape: shapeProto([2 ** 40]), size: 2 ** 42 },
      expected: /claim|beyond/,
    },
    { name: 'no rank', entry: { shape: { unknownRank: true } }, expected: /shape is not known/ },
    { name: 'a shard that is not there', entry: { shardId: 7 }, expected: /data shard 7 of 1/ },
    { name: 'a wrong checksum', entry: { crc32c: 1 }, expected: /checksum is wrong/ },
    { name: 'a resource', entry: { dtype: DT.RESOURCE }, expected: /DT_RESOURCE cannot be read/ },
    { name: 'a quantized dtype', entry: { dtype: DT.QUINT8 }, expected: /DT_QUINT8 cannot be read/ },
    {
      name: 'slices that leave a part out',
      entry: { slices: [{ extent: [{ start: 0, length: 1 }, {}] }] },
      expected: /hold 2 elements of the 4/,
    },
    {
      name: 'slices that lie on each other',
      entry: { slices: [0, 0].map((start) => ({ extent: [{ start, length: 1 }, {}] })) },
      expected: /two of its slices/,
    },
    {
      name: 'slices beyond the shape',
      entry: { slices: [{ extent: [{ start: 1, length: 2 }, {}] }] },
      expected: /goes beyond the shape/,
    },
    { name: 'itself as its slice', entry: { slices: [{ extent: [{}, {}] }] }, expected: /holds no tensor/ },
  ];
  it.each(hostile)('refuses a tensor with $name', async ({ entry, expected }) => {
    const bundle = await open({ kernel }, { change: (_, made) => Object.assign(made, entry) });
    const error = await bundle.tensor('kernel').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PermanentError);
    expect((error as Error).message).toMatch(expected);
    expect((error as Error).message).toMatch(/m@1: variables\/variables/);
  });

  it('refuses entries that share bytes: a small file would stand for endless tensors', async () => {
    const bundle = await open(
      { a: kernel, b: kernel },
      { change: (_, made) => Object.assign(made, { offset: 0 }), shards: 1 },
    );
    await expect(bundle.tensor('a')).resolves.toBeDefined();
    const three = await open({ a: kernel, b: { dtype: DT.FLOAT, shape: shapeProto([2, 2]), size: 16, offset: 0 } });
    await expect(three.tensor('a')).rejects.toThrow(/claim 32 bytes of its 16/);
  });

  it('refuses damaged strings', async () => {
    const files = await bundleFiles({ words: { dtype: DT.STRING, shape: [2], data: ['one', 'two'] } });
    const shard = 'variables/variables.data-00000-of-00001';
    for (const at of files[shard]?.keys() ?? []) {
      const damaged = Uint8Array.from(files[shard] ?? []);
      damaged[at] = (damaged[at] ?? 0) ^ 0x41;
      const bundle = await openBundle(memoryFiles({ ...files, [shard]: damaged }));
      await expect(bundle.tensor('words')).rejects.toBeInstanceOf(PermanentError);
    }
  });

  it('refuses a big-endian bundle, a missing shard and a claim of endless shards', async () => {
    await expect(open({ kernel }, { header: { endianness: 1 } })).rejects.toMatchObject({ status: 'UNIMPLEMENTED' });
    await expect(open({ kernel }, { header: { numShards: 3 } })).rejects.toThrow(
      /needs the file variables\/variables.data-00000-of-00003/,
    );
    await expect(open({ kernel }, { header: { numShards: 2 ** 30 } })).rejects.toThrow(/claims 1073741824 data shards/);
    await expect(openBundle(memoryFiles({}))).rejects.toThrow(/needs the file variables\/variables.index/);
  });

  it.each(['2 2 0,3:-', '2 2 0,1', '3 2 -:-', '2 2 x:-', '-'])('refuses to restore %j', async (slice) => {
    const bundle = await open({ kernel });
    await expect(bundle.restore('kernel', slice)).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
  });
});

describeFixtures('bundles that TensorFlow wrote', () => {
  it('a partitioned Estimator over two shards is read whole, every checksum right', async () => {
    const bundle = await openBundle(await folderFiles(`${FIXTURES}/savedmodel/cloudml_housing_regressor`));
    const shapes = await Promise.all(bundle.keys.map(async (key) => (await bundle.tensor(key)).shape));
    expect(bundle.keys).toContain('dnn/hiddenlayer_0/kernel');
    expect(shapes).toContainEqual([12, 4]);
  });

  it('TF2 keeps its object graph among the tensors', async () => {
    const bundle = await openBundle(await folderFiles(`${FIXTURES}/seeds/digits/1`));
    const { dtype, data } = await bundle.tensor('_CHECKPOINTABLE_OBJECT_GRAPH');
    expect([dtype, data.length]).toEqual([DT.STRING, 1]);
  });
});
