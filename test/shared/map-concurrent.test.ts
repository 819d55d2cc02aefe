import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { mapConcurrent } from '../../shared/map-concurrent.ts';

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

describe('mapConcurrent', () => {
  it('gives results in order, whatever ends first, with at most so many calls under way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 8 }),
        async (items, limit) => {
          let running = 0;
          let most = 0;
          const results = await mapConcurrent(items, limit, async (item, index) => {
            most = Math.max(most, ++running);
            await turns(item);
            running--;
            return [index, item];
          });
          expect(results).toEqual(items.map((item, index) => [index, item]));
          expect(most).toBeLessThanOrEqual(limit);
          expect(most).toBe(Math.min(limit, items.length));
        },
      ),
    );
  });

  it('rejects with the first failure and starts no further call', async () => {
    const started: number[] = [];
    const mapped = mapConcurrent([0, 1, 2, 3, 4, 5], 2, async (item) => {
      started.push(item);
      await turns(2);
      if (item === 1) throw new Error('one');
    });
    await expect(mapped).rejects.toThrow('one');
    await turns(50);
    expect(started.length).toBeLessThanOrEqual(3);
  });
});
