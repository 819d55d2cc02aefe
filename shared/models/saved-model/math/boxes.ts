import { floats, graphError, ints, numberOf, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';

/**
 * Non-maximum suppression.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/image/non_max_suppression_op.cc
 */

interface Limits {
  readonly count: number;
  readonly overlap: number;
  readonly least: number;
  /** Above 0, boxes that overlap lose score instead of their place. */
  readonly sigma: number;
}

interface Chosen {
  readonly box: number;
  readonly score: number;
}

interface Candidate {
  box: number;
  score: number;
  /** How many of the chosen it has been compared with. */
  seen: number;
}

/** The boxes that stay, the best first; of equal scores the first box. @param overlapOf of two boxes. */
function suppress(
  scores: ArrayLike<number>,
  overlapOf: (a: number, b: number) => number,
  { count, overlap, least, sigma }: Limits,
): Chosen[] {
  const better = (a: Candidate, b: Candidate): boolean => a.score > b.score || (a.score === b.score && a.box < b.box);
  // The best is the last, where it is taken away.
  const waiting = Array.from(scores, (score, box): Candidate => ({ box, score, seen: 0 }))
    .filter(({ score }) => score > least)
    .sort((a, b) => (better(a, b) ? 1 : -1));
  const chosen: Chosen[] = [];
  const scale = sigma > 0 ? -0.5 / sigma : 0;
  for (let next = waiting.pop(); next !== undefined && chosen.length < count; next = waiting.pop()) {
    const before = next.score;
    let dropped = false;
    for (let j = chosen.length - 1; j >= next.seen && !dropped; j--) {
      const shared = overlapOf(next.box, (chosen[j] as Chosen).box);
      if (sigma > 0) next.score = Math.fround(next.score * Math.exp(scale * shared * shared));
      else dropped = shared > overlap;
      if (next.score <= least) break;
    }
    next.seen = chosen.length;
    if (dropped) continue;
    if (next.score === before) chosen.push({ box: next.box, score: next.score });
    else if (next.score > least) insert(waiting, next, better);
  }
  return chosen;
}

function insert(waiting: Candidate[], candidate: Candidate, better: (a: Candidate, b: Candidate) => boolean): void {
  let [low, high] = [0, waiting.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (better(candidate, waiting[middle] as Candidate)) low = middle + 1;
    else high = middle;
  }
  waiting.splice(low, 0, candidate);
}

/** Intersection over union of boxes [y1, x1, y2, x2] in any order of corners. */
function overlapIn(boxes: ArrayLike<number>, place: (box: number) => number): (a: number, b: number) => number {
  const side = (box: number, axis: number): [number, number] => {
    const [one, other] = [boxes[place(box) + axis] ?? 0, boxes[place(box) + axis + 2] ?? 0];
    return one < other ? [one, other] : [other, one];
  };
  return (a, b) => {
    const [[ay1, ay2], [ax1, ax2], [by1, by2], [bx1, bx2]] = [side(a, 0), side(a, 1), side(b, 0), side(b, 1)];
    const [areaA, areaB] = [(ay2 - ay1) * (ax2 - ax1), (by2 - by1) * (bx2 - bx1)];
    if (areaA <= 0 || areaB <= 0) return 0;
    const shared =
      Math.max(Math.min(ay2, by2) - Math.max(ay1, by1), 0) * Math.max(Math.min(ax2, bx2) - Math.max(ax1, bx1), 0);
    return shared / (areaA + areaB - shared);
  };
}

/** Inputs: boxes, scores, how many at most, the overlap, the least score, and (V5) sigma. */
function single(inputs: readonly OpTensor[]): { chosen: Chosen[]; count: number } {
  const [boxes, scores, size, ...limits] = inputs;
  const count = numberOf(size, 'max_output_size');
  if (count < 0) throw graphError(`max_output_size must be non-negative, got ${count}`);
  const [overlap = 0.5, least = -Infinity, sigma = 0] = limits.map((limit) => numberOf(limit, 'a threshold'));
  const overlapOf = overlapIn(numbersOf(boxes, 'boxes'), (box) => 4 * box);
  return { chosen: suppress(numbersOf(scores, 'scores'), overlapOf, { count, overlap, least, sigma }), count };
}

const select: Op = (inputs) => {
  const { chosen } = single(inputs);
  return [
    ints(
      [chosen.length],
      Int32Array.from(chosen, ({ box }) => box),
    ),
  ];
};

/** Filled up with zeros to the size that was asked for, where the graph wants it. */
const padded =
  (withScores: boolean): Op =>
  (inputs, attrs) => {
    const { chosen, count } = single(inputs);
    const size = attrs.bool('pad_to_max_output_size', false) ? count : chosen.length;
    const indices = ints(
      [size],
      Int32Array.from({ length: size }, (_, i) => chosen[i]?.box ?? 0),
    );
    const scores = floats(
      [size],
      Float32Array.from({ length: size }, (_, i) => chosen[i]?.score ?? 0),
    );
    const valid = ints([], Int32Array.of(chosen.length));
    return withScores ? [indices, scores, valid] : [indices, valid];
  };

/** Inputs: a matrix of overlaps instead of boxes, then as the others. */
const byOverlaps: Op = ([overlaps, scores, size, threshold, least]) => {
  const table = numbersOf(overlaps, 'overlaps');
  const width = overlaps?.shape[1] ?? 0;
  const limits = {
    count: numberOf(size, 'max_output_size'),
    overlap: numberOf(threshold, 'overlap_threshold'),
    least: numberOf(least, 'score_threshold'),
    sigma: 0,
  };
  const chosen = suppress(numbersOf(scores, 'scores'), (a, b) => table[a * width + b] ?? 0, limits);
  return [
    ints(
      [chosen.length],
      Int32Array.from(chosen, ({ box }) => box),
    ),
  ];
};

/** Class by class, then the best of all. Inputs: boxes [batch, boxes, 1 or classes, 4], scores [batch, boxes, classes]. */
const combined: Op = ([boxes, scores, perClassInput, totalInput, overlapInput, leastInput], attrs) => {
  const [corners, points] = [numbersOf(boxes, 'boxes'), numbersOf(scores, 'scores')];
  const [batch = 0, count = 0, classes = 0] = scores?.shape ?? [];
  const owners = boxes?.shape[2] ?? 1;
  if (owners !== 1 && owners !== classes) {
    throw graphError(`third dimension of boxes must be either 1 or equal to the third dimension of scores`);
  }
  const perClass = Math.min(numberOf(perClassInput, 'max_output_size_per_class'), count);
  const total = numberOf(totalInput, 'max_total_size');
  const size = attrs.bool('pad_per_class', false)
    ? Math.min(total, numberOf(perClassInput, 'max_output_size_per_class') * classes)
    : total;
  const clip = attrs.bool('clip_boxes', true) ? (x: number): number => Math.min(Math.max(x, 0), 1) : (x: number) => x;
  const limits = {
    count: perClass,
    overlap: numberOf(overlapInput, 'iou_threshold'),
    least: numberOf(leastInput, 'score_threshold'),
    sigma: 0,
  };
  const out = {
    boxes: new Float32Array(batch * size * 4),
    scores: new Float32Array(batch * size),
    classes: new Float32Array(batch * size),
    valid: new Int32Array(batch),
  };
  for (let n = 0; n < batch; n++) {
    const found = Array.from({ length: classes }, (_, c) => {
      const place = (box: number): number => ((n * count + box) * owners + (owners === 1 ? 0 : c)) * 4;
      const own = Float32Array.from({ length: count }, (_, box) => points[(n * count + box) * classes + c] ?? 0);
      return suppress(own, overlapIn(corners, place), limits).map(({ box, score }) => ({ at: place(box), score, c }));
    }).flat();
    const best = found.sort((a, b) => b.score - a.score).slice(0, size);
    out.valid[n] = best.length;
    best.forEach(({ at, score, c }, i) => {
      out.boxes.set(Array.from(corners.subarray(at, at + 4), clip), (n * size + i) * 4);
      out.scores[n * size + i] = score;
      out.classes[n * size + i] = c;
    });
  }
  return [
    floats([batch, size, 4], out.boxes),
    floats([batch, size], out.scores),
    floats([batch, size], out.classes),
    ints([batch], out.valid),
  ];
};

export const boxOps: Ops = {
  NonMaxSuppressionV2: select,
  NonMaxSuppressionV3: select,
  NonMaxSuppressionV4: padded(false),
  NonMaxSuppressionV5: padded(true),
  NonMaxSuppressionWithOverlaps: byOverlaps,
  CombinedNonMaxSuppression: combined,
};
