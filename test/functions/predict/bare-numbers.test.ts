import fc from 'fast-check';
import { expect, it } from 'vitest';

import { quoteBareNumbers } from '../../../functions/predict/bare-numbers.ts';

const quoted = (text: string): string => Buffer.from(quoteBareNumbers(Buffer.from(text))).toString();

it.each([
  { name: 'in lists', input: '[NaN,1, Infinity ,-Infinity]', expected: '["NaN",1, "Infinity" ,"-Infinity"]' },
  { name: 'as a field', input: '{"x":NaN}', expected: '{"x":"NaN"}' },
  { name: 'not in strings', input: '["NaN","a \\" NaN","\\\\",NaN]', expected: '["NaN","a \\" NaN","\\\\","NaN"]' },
  { name: 'not in field names', input: '{"NaN":Infinity}', expected: '{"NaN":"Infinity"}' },
  { name: 'not in other words', input: '[NaNs,xNaN,-NaN,Infinity1]', expected: '[NaNs,xNaN,-NaN,Infinity1]' },
  { name: 'before a string that never ends', input: '[NaN,"NaN', expected: '["NaN","NaN' },
])('bare words that are numbers get quotes: $name', ({ input, expected }) => {
  expect(quoted(input)).toBe(expected);
});

it('what is JSON stays as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('NaN', 'Infinity', '"-Infinity'), (value, word) => {
      const text = JSON.stringify([word, value]);
      expect(quoted(text)).toBe(text);
    }),
  );
});
