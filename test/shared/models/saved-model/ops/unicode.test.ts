import { describe } from 'vitest';
import { itComputes } from './op-table.ts';
import { float, int, s, text } from './op-maker.ts';

describe('text', () => {
  itComputes([
    {
      name: 'UnicodeDecode of broken bytes',
      op: 'UnicodeDecode',
      inputs: [
        text([
          Uint8Array.of(111, 107, 255, 254),
          Uint8Array.of(195, 169, 230, 151),
          Uint8Array.of(237, 160, 128, 120),
          '',
          '😀',
        ]),
      ],
      attrs: { input_encoding: s('UTF-8') },
      expected: [
        int([0, 4, 6, 10, 10, 11]),
        int([111, 107, 65533, 65533, 233, 65533, 65533, 65533, 65533, 120, 128512]),
      ],
    },
    {
      name: 'UnicodeDecode leaves them out',
      op: 'UnicodeDecode',
      inputs: [
        text([
          Uint8Array.of(111, 107, 255, 254),
          Uint8Array.of(195, 169, 230, 151),
          Uint8Array.of(237, 160, 128, 120),
          '',
          '😀',
        ]),
      ],
      attrs: { input_encoding: s('UTF-8'), errors: s('ignore') },
      expected: [int([0, 2, 3, 4, 4, 5]), int([111, 107, 233, 120, 128512])],
    },
    {
      name: 'UnicodeDecodeWithOffsets',
      op: 'UnicodeDecodeWithOffsets',
      inputs: [
        text([
          Uint8Array.of(111, 107, 255, 254),
          Uint8Array.of(195, 169, 230, 151),
          Uint8Array.of(237, 160, 128, 120),
          '',
          '😀',
        ]),
      ],
      attrs: { input_encoding: s('UTF-8') },
      expected: [
        int([0, 4, 6, 10, 10, 11]),
        int([111, 107, 65533, 65533, 233, 65533, 65533, 65533, 65533, 120, 128512]),
        int([0, 1, 2, 3, 0, 2, 0, 1, 2, 3, 0]),
      ],
    },
    {
      name: 'UnicodeTranscode with a replacement',
      op: 'UnicodeTranscode',
      inputs: [
        text([
          Uint8Array.of(111, 107, 255, 254),
          Uint8Array.of(195, 169, 230, 151),
          Uint8Array.of(237, 160, 128, 120),
          '',
          '😀',
        ]),
      ],
      attrs: { input_encoding: s('UTF-8'), output_encoding: s('UTF-8'), replacement_char: { i: 63 } },
      expected: [text(['ok??', 'é?', '???x', '', '😀'])],
    },
    {
      name: 'UnicodeTranscode of control characters',
      op: 'UnicodeTranscode',
      inputs: [text(['a\u0000\tb'])],
      attrs: {
        input_encoding: s('UTF-8'),
        output_encoding: s('UTF-8'),
        replace_control_characters: { b: true },
        replacement_char: { i: 46 },
      },
      expected: [text(['a..b'])],
    },
    {
      name: 'UnicodeTranscode to UTF-16',
      op: 'UnicodeTranscode',
      inputs: [text(['é😀'])],
      attrs: { input_encoding: s('UTF-8'), output_encoding: s('UTF-16-BE') },
      expected: [text([Uint8Array.of(0, 233, 216, 61, 222, 0)])],
    },
    {
      name: 'UnicodeTranscode from UTF-16',
      op: 'UnicodeTranscode',
      inputs: [text([Uint8Array.of(0, 233, 216, 61, 222, 0), Uint8Array.of(216, 0, 97)])],
      attrs: { input_encoding: s('UTF-16-BE'), output_encoding: s('UTF-8') },
      expected: [text(['é😀', '�'])],
    },
    {
      name: 'UnicodeEncode',
      op: 'UnicodeEncode',
      inputs: [int([233, 128512, 55296, 65]), int([0, 2, 2, 4])],
      attrs: { output_encoding: s('UTF-8') },
      expected: [text(['é😀', '', '�A'])],
    },
    {
      name: 'UnicodeEncode to UTF-32',
      op: 'UnicodeEncode',
      inputs: [int([65]), int([0, 1])],
      attrs: { output_encoding: s('UTF-32-BE') },
      expected: [text(['\u0000\u0000\u0000A'])],
    },
    {
      name: 'StringToHashBucket',
      op: 'StringToHashBucket',
      inputs: [text(['a', 'hello, world!', '', '12345678'])],
      attrs: { num_buckets: { i: 1000000 } },
      expected: [int([535868, 938725, 283899, 463287])],
    },
    {
      name: 'StringFormat',
      op: 'StringFormat',
      inputs: [int([3], []), float([0.5, 2, 10000000000, -3], [2, 2]), text(['p', 'q'])],
      attrs: { template: s('n={} m={} s={}.'), placeholder: s('{}') },
      expected: [text(['n=3 m=[[0.5 2]\n [1e+10 -3]] s=["p" "q"].'], [])],
    },
    {
      name: 'StringFormat, shortened',
      op: 'StringFormat',
      inputs: [int([0, 1, 2, 3, 4, 5, 6, 7, 8])],
      attrs: { template: s('<%s>'), placeholder: s('%s'), summarize: { i: 2 } },
      expected: [text(['<[0 1 ... 7 8]>'], [])],
    },
    {
      name: 'DecodePaddedRaw',
      op: 'DecodePaddedRaw',
      inputs: [text(['\u0001\u0000\u0002', '\u0005\u0000\u0006\u0000\u0007']), int([4], [])],
      attrs: { out_type: { type: 5 } },
      expected: [int([1, 2, 5, 6], [2, 2])],
    },
    {
      name: 'DecodePaddedRaw, big-endian',
      op: 'DecodePaddedRaw',
      inputs: [text(['\u0001\u0000\u0002']), int([4], [])],
      attrs: { out_type: { type: 5 }, little_endian: { b: false } },
      expected: [int([256, 512], [1, 2])],
    },
  ]);
});
