import { describe, expect, it } from 'vitest';
import { DT } from '../../../../../shared/models/saved-model/graph-def.ts';
import type { RawAttr } from '../../../../../shared/models/saved-model/op-attrs.ts';
import { bool, call, float, int, text, values } from './op-maker.ts';

/** A context feature u; lists f, of two floats a step, and w, of words. */
const LONG = Buffer.from(
  '0a0c0a0a0a017512051a030a0104123f0a210a0166121c0a0c120a0a080000803f000000400a0c120a0a0800004040000080400a1a0a017712150a050a030a01610a020a000a080a060a01620a0163',
  'hex',
);
/** Without w. */
const SHORT = Buffer.from('0a0c0a0a0a017512051a030a010912150a130a0166120e0a0c120a0a080000e04000000041', 'hex');

const none = text([], [0]);
const typed = (...type: number[]): RawAttr => ({ list: { type } });
const shape = (...sizes: number[]): RawAttr => ({ list: { shape: [{ dim: sizes.map((size) => ({ size })) }] } });
const parse = (serialized: Uint8Array[], options: { ragged?: boolean; missing?: number } = {}) => {
  const words = text(['w']);
  const { ragged = false, missing = 0 } = options;
  return call(
    'ParseSequenceExampleV2',
    [
      ...[text(serialized), none, none, text(['u']), none],
      ...[ragged ? none : words, text(['f']), ragged ? words : none, bool([missing]), int([], [0])],
    ],
    {
      Tcontext_dense: typed(DT.INT64),
      context_dense_shapes: shape(),
      feature_list_dense_types: typed(DT.FLOAT),
      feature_list_dense_shapes: shape(2),
      [ragged ? 'feature_list_ragged_value_types' : 'feature_list_sparse_types']: typed(DT.STRING),
    },
  );
};

describe('ParseSequenceExampleV2', () => {
  it('gives the context, lists as sparse tensors, and lists of equal steps filled with zeros', async () => {
    const [u, indices, words, dense, f, lengths] = await parse([LONG, SHORT]);
    expect(u).toEqual(int([4, 9]));
    expect(indices).toEqual(int([0, 0, 0, 0, 2, 0, 0, 2, 1], [3, 3]));
    expect(values(words)).toEqual(['a', 'b', 'c']);
    expect(dense).toEqual(int([2, 3, 2]));
    expect(f).toEqual(float([1, 2, 3, 4, 7, 8, 0, 0], [2, 2, 2]));
    expect(lengths).toEqual(int([2, 1]));
  });

  it('gives ragged lists with the ends of their rows and of their steps', async () => {
    const [, , , words, outer, inner] = await parse([LONG, SHORT], { ragged: true });
    expect(values(words)).toEqual(['a', 'b', 'c']);
    expect(outer).toEqual(int([0, 3, 3]));
    expect(inner).toEqual(int([0, 1, 1, 3]));
  });

  it('wants lists of equal steps, unless they may be missing', async () => {
    const empty = new Uint8Array(Buffer.from('0a0c0a0a0a017512051a030a0101', 'hex'));
    await expect(parse([empty])).rejects.toThrow("Feature list 'f' is required but could not be found");
    const [, , , , f, lengths] = await parse([empty, SHORT], { missing: 1 });
    expect(f).toEqual(float([0, 0, 7, 8], [2, 1, 2]));
    expect(lengths).toEqual(int([0, 1]));
  });

  it.each(Array.from({ length: LONG.length - 1 }, (_, i) => i + 1).filter((length) => length % 7 === 3))(
    'cut after %i bytes is refused',
    async (length) => {
      await expect(parse([LONG.subarray(0, length)])).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
    },
  );
});
