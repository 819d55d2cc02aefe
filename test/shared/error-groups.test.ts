import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FIRST_ROWS, MAX_ERROR_GROUPS } from '../../shared/config.ts';
import { ErrorGroups } from '../../shared/error-groups.ts';
import { errorInfo } from '../../shared/errors.ts';
import type { ErrorGroup } from '../../shared/shard.ts';

const wrong = (what: number | string): ReturnType<typeof errorInfo> => errorInfo('INVALID_ARGUMENT', `wrong ${what}`);

/** The groups of rows whose error is the number that stands there; a negative number is a row without one. */
function groupsOf(rows: readonly number[]): readonly ErrorGroup[] {
  const groups = new ErrorGroups();
  rows.forEach((error, row) => {
    if (error >= 0) groups.add(wrong(error), row);
  });
  return groups.list();
}

describe('error groups', () => {
  it('gather rows by their error, in the order of its first row', () => {
    expect(groupsOf([-1, 7, 3, 7])).toEqual([
      { error: wrong(7), count: 2, firstRows: [1, 3] },
      { error: wrong(3), count: 1, firstRows: [2] },
    ]);
  });

  it('tell the same message of another status apart', () => {
    const groups = new ErrorGroups();
    groups.add(errorInfo('INTERNAL', 'x'), 0);
    groups.add(errorInfo('UNAVAILABLE', 'x'), 1);
    expect(groups.list()).toHaveLength(2);
  });

  it('name the first ten rows and count all', () => {
    const [group] = groupsOf(Array.from({ length: 50 }, () => 1));
    expect(group).toMatchObject({ count: 50, firstRows: Array.from({ length: FIRST_ROWS }, (_, row) => row) });
  });

  it('keep a hundred distinct errors and count the others together', () => {
    const groups = groupsOf(Array.from({ length: 3 * MAX_ERROR_GROUPS }, (_, row) => row));
    expect(groups).toHaveLength(MAX_ERROR_GROUPS + 1);
    expect(groups.at(-1)).toMatchObject({
      error: { status: 'UNKNOWN', message: 'other errors: more distinct ones than a summary keeps' },
      count: 2 * MAX_ERROR_GROUPS,
      firstRows: Array.from({ length: FIRST_ROWS }, (_, row) => MAX_ERROR_GROUPS + row),
    });
  });

  it('merged in any nesting of consecutive units, are those of all rows at once', () => {
    const rows = fc.array(fc.integer({ min: -1, max: 12 }), { maxLength: 60 });
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        const merged = (
          ...units: readonly (readonly [groups: readonly ErrorGroup[], rows: number])[]
        ): readonly ErrorGroup[] => {
          const groups = new ErrorGroups();
          let offset = 0;
          for (const [unit, size] of units) {
            groups.merge(unit, offset);
            offset += size;
          }
          return groups.list();
        };
        const whole = groupsOf([...a, ...b, ...c]);
        const [first, second, third] = [groupsOf(a), groupsOf(b), groupsOf(c)];
        expect(merged([first, a.length], [second, b.length], [third, c.length])).toEqual(whole);
        const left = merged([first, a.length], [second, b.length]);
        expect(merged([left, a.length + b.length], [third, c.length])).toEqual(whole);
        const right = merged([second, b.length], [third, c.length]);
        expect(merged([first, a.length], [right, b.length + c.length])).toEqual(whole);
      }),
    );
  });

  it('merged beyond the cap, still count every row', () => {
    const many = groupsOf(Array.from({ length: 150 }, (_, row) => row));
    const others = groupsOf(Array.from({ length: 150 }, (_, row) => 1000 + row));
    const groups = new ErrorGroups();
    groups.merge(many, 0);
    groups.merge(others, 150);
    expect(groups.list()).toHaveLength(MAX_ERROR_GROUPS + 1);
    expect(groups.list().reduce((sum, { count }) => sum + count, 0)).toBe(300);
  });
});
