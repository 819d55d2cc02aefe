import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { MAX_SPLITS } from '../../shared/config.ts';
import { PermanentError } from '../../shared/errors.ts';
import { countSplits, isIndependent, splitAt } from '../../shared/split-plan.ts';
import type { Input } from '../../shared/shard.ts';

function inputOf(change: Partial<Input> = {}): Input {
  return {
    bucket: 'input',
    name: 'a.jsonl',
    generation: '1',
    size: 1000,
    format: 'jsonl',
    compression: 'none',
    headerBytes: 0,
    ...change,
  };
}

const inputs = fc.array(
  fc
    .record({
      size: fc.integer({ min: 0, max: 5000 }),
      headerBytes: fc.integer({ min: 0, max: 60 }),
      gzip: fc.boolean(),
      csv: fc.boolean(),
    })
    .map(({ size, headerBytes, gzip, csv }) =>
      inputOf({
        size,
        headerBytes: Math.min(size, headerBytes),
        compression: gzip ? 'gzip' : 'none',
        format: csv ? 'csv' : 'jsonl',
      }),
    ),
  { maxLength: 6 },
);
const splitBytes = fc.integer({ min: 1, max: 3000 });

describe('a split plan', () => {
  it('covers every byte after each header exactly once, in order', () => {
    fc.assert(
      fc.property(inputs, splitBytes, (files, bytes) => {
        const plan = { inputs: files, splitBytes: bytes };
        const splits = Array.from({ length: countSplits(files, bytes) }, (_, index) => splitAt(plan, index));
        expect(splits.map(({ index }) => index)).toEqual([...splits.keys()]);
        let at = 0;
        for (const input of files) {
          if (input.compression === 'gzip') {
            const split = splits[at++];
            expect(split).toMatchObject({ input, whole: true, first: true, last: true, start: input.headerBytes });
            continue;
          }
          for (let covered = input.headerBytes; covered < input.size; at++) {
            const split = splits[at];
            expect(split).toMatchObject({ input, whole: false, start: covered, first: covered === input.headerBytes });
            covered = split?.end ?? Infinity;
            expect(split?.last).toBe(covered === input.size);
            expect(covered).toBeLessThanOrEqual(input.size);
            expect(covered - (split?.start ?? 0)).toBeLessThanOrEqual(bytes);
          }
        }
        expect(at).toBe(splits.length);
      }),
    );
  });

  it('has no split beyond its last', () => {
    expect(() => splitAt({ inputs: [inputOf()], splitBytes: 300 }, 4)).toThrow('split 4: the plan has 4');
  });

  it('refuses more splits than a job may have', () => {
    expect(countSplits([inputOf({ size: MAX_SPLITS })], 1)).toBe(MAX_SPLITS);
    const tooMany = (): number => countSplits([inputOf({ size: MAX_SPLITS }), inputOf({ size: 1 })], 1);
    expect(tooMany).toThrow(PermanentError);
    expect(tooMany).toThrow('100001 splits of 1 bytes; a job has at most 100000: use several jobs');
  });

  it('a split needs the one before it only where records are found from the file’s start', () => {
    const plan = { inputs: [inputOf(), inputOf({ format: 'csv' })], splitBytes: 400 };
    const splits = Array.from({ length: 6 }, (_, index) => splitAt(plan, index));
    expect(splits.map(isIndependent)).toEqual([true, true, true, true, false, false]);
  });
});
