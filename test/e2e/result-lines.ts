/**
 * Result lines as values to compare. An integer key becomes text: JSON.parse would take digits from it.
 *
 * @param lines JSON, one value each.
 */
export function parseLines(lines: readonly string[]): unknown[] {
  return lines.map((line) => JSON.parse(line.replace(INTEGER_KEY, '"key":"integer $1"')) as unknown);
}

const INTEGER_KEY = /"key": ?(-?\d+)/g;
/** What float32 may leave of a zero. */
const ABSOLUTE = 1e-7;

/**
 * Whether a value is the expected one: numbers to within the tolerance (of the expected number's size, above 1), the largest of a list in the same place, all
 * else equal. An expected error without a message stands for any of its status.
 */
export function isClose(found: unknown, expected: unknown, tolerance: number): boolean {
  if (typeof expected === 'number') return typeof found === 'number' && isNear(found, expected, tolerance);
  if (Array.isArray(expected)) {
    if (!Array.isArray(found) || found.length !== expected.length) return false;
    const pairs = expected.every((value, index) => isClose(found[index], value, tolerance));
    return pairs && indexOfLargest(found) === indexOfLargest(expected);
  }
  if (typeof expected !== 'object' || expected === null) return found === expected;
  if (typeof found !== 'object' || found === null) return false;
  const isStatus = 'status' in expected && !('message' in expected);
  const names = Object.keys(expected);
  if (!isStatus && Object.keys(found).length !== names.length) return false;
  return names.every((name) => {
    return isClose((found as Record<string, unknown>)[name], (expected as Record<string, unknown>)[name], tolerance);
  });
}

function isNear(found: number, expected: number, tolerance: number): boolean {
  return Math.abs(found - expected) <= tolerance * Math.abs(expected) + ABSOLUTE;
}

/** Of a list of numbers; -1 of any other. */
function indexOfLargest(list: readonly unknown[]): number {
  return list.every((value) => typeof value === 'number') ? list.indexOf(Math.max(...list)) : -1;
}
