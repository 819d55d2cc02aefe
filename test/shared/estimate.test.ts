import fc from 'fast-check';
import { expect, test } from 'vitest';

import { estimate } from '../../shared/estimate.ts';

const billion = { rows: 1e9, rowBytes: 1000, outputBytes: 100, rowsPerSecond: 20_000 };

test('a billion rows of a kilobyte are cut as the defaults say', () => {
  const { splits, shards, messages } = estimate(billion);
  expect(splits).toBe(Math.ceil(1e12 / (64 * 2 ** 20)));
  expect(shards).toBe(Math.ceil(1e9 / Math.floor((4 * 2 ** 20) / 1000)));
  expect(messages).toBe(shards + 2 * splits + 1);
});

test('more instances help until a quota binds', () => {
  const few = estimate(billion, { instances: 10, vcpus: 2, gib: 4 });
  const many = estimate(billion, { instances: 10_000, vcpus: 2, gib: 4 });
  expect(few.binds).toBe('instances of score');
  expect(many.binds).toBe('Firestore writes (500/50/5)');
  expect(many.seconds).toBeLessThan(few.seconds);
  expect(many.dollars).toBeCloseTo(few.dollars);
});

test('results over 900 KiB cost an object each', () => {
  const small = estimate({ ...billion, outputBytes: 100 });
  const large = estimate({ ...billion, outputBytes: 1000 });
  expect(large.storageClassA - small.storageClassA).toBe(large.shards);
});

test('a compressed file is one split, staged, and read by one function alone', () => {
  const plain = estimate(billion);
  const packed = estimate({ ...billion, splits: 1, staged: true, sequenceBytes: 1e12 });
  expect(packed.messages).toBe(packed.shards + 3);
  expect(packed.storageClassA - packed.splits).toBeGreaterThan(packed.shards);
  expect(packed.binds).toBe('reading in sequence');
  expect(packed.seconds).toBeGreaterThan(plain.seconds);
});

test('each line of a file list is an object to look at and to read', () => {
  const list = { ...billion, rows: 1e6, rowBytes: 60 };
  expect(estimate({ ...list, objectsPerRow: 1 }).storageClassB - estimate(list).storageClassB).toBe(2e6);
});

test('a larger job never takes less time or money', () => {
  const size = fc.record({
    rows: fc.integer({ min: 1, max: 1e10 }),
    rowBytes: fc.integer({ min: 1, max: 1e6 }),
    outputBytes: fc.integer({ min: 1, max: 1e5 }),
    rowsPerSecond: fc.integer({ min: 1, max: 1e6 }),
  });
  fc.assert(
    fc.property(size, (small) => {
      const large = { ...small, rows: 2 * small.rows };
      expect(estimate(large).seconds).toBeGreaterThanOrEqual(estimate(small).seconds);
      expect(estimate(large).dollars).toBeGreaterThan(estimate(small).dollars);
      expect(Object.values(estimate(small).secondsBy).every((seconds) => seconds >= 0)).toBe(true);
    }),
  );
});
