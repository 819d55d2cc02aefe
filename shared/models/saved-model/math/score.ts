import { bools, floats, graphError, ints, numberOf, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';

/** What is counted and chosen by score. */

/** Whether each row's target is among its k best; ties count for it. Inputs: predictions [rows, classes], targets [rows], k. */
const inTopK: Op = ([predictions, targets, kInput]) => {
  const [values, classes] = [numbersOf(predictions, 'predictions'), predictions?.shape[1] ?? 0];
  const k = numberOf(kInput, 'k');
  const found = Uint8Array.from(numbersOf(targets, 'targets'), (target: number, row: number) => {
    const own = values.subarray(row * classes, (row + 1) * classes);
    const score = target >= 0 && target < classes ? (own[target] ?? NaN) : NaN;
    if (!Number.isFinite(score) || own.some((value) => !Number.isFinite(value))) return 0;
    let better = 0;
    for (const value of own) better += Number(value > score);
    return Number(better < k);
  });
  return [bools(targets?.shape ?? [], found)];
};

/** Inputs: values, [from, to], the number of bins of equal width; what is outside counts in the first and the last. */
const histogram: Op = ([values, range, bins]) => {
  const [from = 0, to = 0] = numbersOf(range, 'value_range');
  const count = numberOf(bins, 'nbins');
  if (!(from < to))
    throw graphError(`value_range should satisfy value_range[0] < value_range[1], but got '[${from}, ${to}]'`);
  if (!(count > 0 && count <= 2 ** 24)) throw graphError(`nbins should be a positive number, but got '${count}'`);
  const out = new Int32Array(count);
  const width = (to - from) / count;
  for (const value of numbersOf(values, 'values')) {
    const bin = Math.min(Math.max(Math.floor((value - from) / width), 0), count - 1);
    out[bin] = (out[bin] ?? 0) + 1;
  }
  return [ints([count], out)];
};

/**
 * The best class of each moment, without blanks and repetitions. Inputs: logits [moments, batch, classes], lengths [batch].
 * Outputs: a sparse tensor of classes [batch, longest], and the negative sum of the best logits [batch, 1].
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/ctc_decoder_ops.cc
 */
const ctcGreedy: Op = ([logits, lengths], attrs) => {
  const values = numbersOf(logits, 'inputs');
  const [moments = 0, batch = 0, classes = 0] = logits?.shape ?? [];
  const ends = numbersOf(lengths, 'sequence_length');
  const index = attrs.int('blank_index', -1);
  const blank = index < 0 ? index + classes : index;
  const merges = attrs.bool('merge_repeated', false);
  const scores = new Float32Array(batch);
  const rows = Array.from({ length: batch }, (_, row) => {
    const end = ends[row] ?? 0;
    if (end > moments) throw graphError(`sequence_length(${row}) <= ${moments}`);
    const decoded: number[] = [];
    let before = -1;
    for (let moment = 0; moment < end; moment++) {
      const own = values.subarray((moment * batch + row) * classes, (moment * batch + row + 1) * classes);
      let best = 0;
      for (let c = 1; c < classes; c++) if ((own[c] ?? 0) > (own[best] ?? 0)) best = c;
      scores[row] = (scores[row] ?? 0) - (own[best] ?? 0);
      if (best !== blank && !(merges && best === before)) decoded.push(best);
      before = best;
    }
    return decoded;
  });
  const all = rows.flat();
  const places = rows.flatMap((decoded, row) => decoded.flatMap((_, place) => [row, place]));
  const longest = rows.reduce((most, decoded) => Math.max(most, decoded.length), 0);
  const vector = (data: number[], shape: number[]): OpTensor => ints(shape, Int32Array.from(data));
  return [
    vector(places, [all.length, 2]),
    vector(all, [all.length]),
    vector([batch, longest], [2]),
    floats([batch, 1], scores),
  ];
};

export const scoreOps: Ops = { InTopKV2: inTopK, HistogramFixedWidth: histogram, CTCGreedyDecoder: ctcGreedy };
