import { broadcastIndex, broadcastShape, sizeOf } from '../op-shape.ts';
import { bools, strings, stringsOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';

const add: Op = ([a, b]) => {
  const { shape, pairs } = paired(a, b);
  return [
    strings(
      shape,
      pairs.map((pair) => Buffer.concat(pair)),
    ),
  ];
};

const compare =
  (equal: boolean): Op =>
  ([a, b]) => {
    const { shape, pairs } = paired(a, b);
    return [
      bools(
        shape,
        Uint8Array.from(pairs, ([x, y]) => Number((Buffer.compare(x, y) === 0) === equal)),
      ),
    ];
  };

/** Two strings to one, or to whether they are the same; the smaller shape stretches. */
export const stringPairOps: Ops = { Add: add, AddV2: add, Equal: compare(true), NotEqual: compare(false) };

type Pair = readonly [Uint8Array, Uint8Array];

function paired(a: OpTensor | undefined, b: OpTensor | undefined): { shape: number[]; pairs: Pair[] } {
  const shape = broadcastShape(a?.shape ?? [], b?.shape ?? []);
  const [left, right] = [stringsOf(a, 'x'), stringsOf(b, 'y')];
  const [fromLeft, fromRight] = [broadcastIndex(a?.shape ?? [], shape), broadcastIndex(b?.shape ?? [], shape)];
  const pairs = Array.from({ length: sizeOf(shape) }, (_, i): Pair => [
    left[fromLeft(i)] as Uint8Array,
    right[fromRight(i)] as Uint8Array,
  ]);
  return { shape, pairs };
}
