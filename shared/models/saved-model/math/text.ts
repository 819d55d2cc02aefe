import { sizeOf } from '../op-shape.ts';
import { graphError, numberOf, numbersOf, strings, stringsOf } from '../op-tensor.ts';
import { fromLatin1, latin1 } from '../op-text.ts';
import type { Op, Ops } from '../op.ts';

/** Inputs: strings, for each the segment that it goes to, how many segments. Output: each segment's strings, joined. */
const segmentJoin: Op = ([inputs, ids, count], attrs) => {
  const texts = stringsOf(inputs, 'inputs');
  const segments = numbersOf(ids, 'segment_ids');
  const total = numberOf(count, 'num_segments');
  const inner = (inputs?.shape ?? []).slice(ids?.shape.length ?? 1);
  const block = sizeOf(inner);
  if (total < 0 || total * block > texts.length + 2 ** 24) throw graphError(`${total} segments`);
  const parts: string[][] = Array.from({ length: total * block }, () => []);
  segments.forEach((segment: number, i: number) => {
    if (segment >= total) throw graphError(`segment_ids[${i}] = ${segment} is out of range [0, ${total})`);
    for (let b = 0; segment >= 0 && b < block; b++)
      parts[segment * block + b]?.push(latin1(texts[i * block + b] as Uint8Array));
  });
  const separator = latin1(Buffer.from(attrs.text('separator', '')));
  return [
    strings(
      [total, ...inner],
      parts.map((part) => fromLatin1(part.join(separator))),
    ),
  ];
};

export const segmentTextOps: Ops = { UnsortedSegmentJoin: segmentJoin };
