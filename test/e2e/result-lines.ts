/** A number may differ by `absolute`, and by the share `relative` of the expected one. */
interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

const INTEGER_KEY = /"key": ?(-?\d+)/g;

/**
 * Result lines as values to compare. An integer key becomes text: JSON.parse would take digits from it.
 *
 * @param lines JSON, one value each.
 */
export function parseLines(lines: readonly string[]): unknown[] {
  return lines.map((line) => JSON.parse(line.replace(INTEGER_KEY, '"key":"integer $1"')) as unknown);
}

/**
 * Whether a value is the expected one: numbers to within the tolerance, the largest of a list of numbers in the same place, all else equal. An expected error
 * without a message stands for any of its status.
 */
export function isClose(found: unknown, expected: unknown, tolerance: Tolerance): boolean {
  if (typeof expected === 'number') {
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(expected);
    return typeof found === 'number' && Math.abs(found - expected) <= allowed;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(found) || found.length !== expected.length) return false;
    const areClose = expected.every((value, index) => isClose(found[index], value, tolerance));
    return areClose && indexOfLargest(found) === indexOfLargest(expected);
  }
  if (!isObject(expected)) return found === expected;
  if (!isObject(found)) return false;
  const names = Object.keys(expected);
  const isAnyMessage = 'status' in expected && !('message' in expected);
  if (!isAnyMessage && Object.keys(found).length !== names.length) return false;
  return names.every((name) => isClose(found[name], expected[name], tolerance));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of a list of numbers; -1 of any other. */
function indexOfLargest(list: readonly unknown[]): number {
  return list.every((value) => typeof value === 'number') ? list.indexOf(Math.max(...list)) : -1;
}
