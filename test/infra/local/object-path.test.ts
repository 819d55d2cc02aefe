import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { objectPath } from '../../../infra/local/object-path.ts';
import { compareUtf8 } from '../../../shared/compare-utf8.ts';

describe('object names', () => {
  it.each(['a', 'a/b.c', '..a/b..', 'a b/ü/😀', '-', 'x'.repeat(1024)])('may be %j', (name) => {
    expect(objectPath('/root', name)).toBe(`/root/${name}`);
  });

  it.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/./b',
    'a\0b',
    '\ud800',
    'x'.repeat(1025),
    'ü'.repeat(513),
    'a/.fanfold-tmp-1-2',
  ])('may not be %j', (name) => {
    expect(() => objectPath('/root', name)).toThrow(expect.objectContaining({ status: 'INVALID_ARGUMENT' }));
  });

  it('are ordered by their UTF-8 bytes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 6 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});
