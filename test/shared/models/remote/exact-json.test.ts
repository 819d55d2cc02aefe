import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseExactJson } from '../../../../shared/models/remote/exact-json.ts';

describe('JSON of model servers', () => {
  it.each([
    { text: '9007199254740993', value: 9007199254740993n },
    { text: '[-9223372036854775808,18446744073709551615]', value: [-(2n ** 63n), 2n ** 64n - 1n] },
    {
      text: '{"a":NaN,"b":-Infinity,"c":[Infinity,-Inf,Inf]}',
      value: { a: 'NaN', b: '-Infinity', c: ['Infinity', '-Infinity', 'Infinity'] },
    },
    { text: '["NaN","a, NaN","\\"NaN","\\\\",NaN]', value: ['NaN', 'a, NaN', '"NaN', '\\', 'NaN'] },
    {
      text: '[1.2345678901234567,1e300,9007199254740993.5,12345678901234567e2]',
      value: [1.2345678901234567, 1e300, 9007199254740994, Number('12345678901234567e2')],
    },
    { text: '[NaN,9007199254740993,"9007199254740993"]', value: ['NaN', 9007199254740993n, '9007199254740993'] },
    { text: '1234567890123456789012', value: Number('1234567890123456789012') },
  ])('$text', ({ text, value }) => {
    expect(parseExactJson(text)).toEqual(value);
  });

  it.each(['', '[1,', '{"a":NaN', '[NaN x]', 'NaNNaN', '[Infinit]', '"\\'])('refuses %j', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });

  it('reads what JSON.stringify writes as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const plain = JSON.parse(text, (_key, item: unknown) =>
          typeof item === 'number' && !Number.isSafeInteger(item) && /^-?\d{16,20}$/.test(String(item))
            ? BigInt(String(item))
            : item,
        ) as unknown;
        expect(parseExactJson(text)).toEqual(plain);
      }),
    );
  });
});
