import { expect, it } from 'vitest';

import { compressors } from '../../../shared/formats/parquet/parquet-codecs.ts';

it.each(['LZ4', 'LZ4_RAW'] as const)(
  '%s of no bytes, which Arrow writes for a page without values, is no bytes',
  (codec) => {
    expect(compressors[codec]?.(Uint8Array.of(0), 0)).toEqual(new Uint8Array(0));
  },
);

it.each(['LZ4', 'LZ4_RAW'] as const)('%s: literals, and a match that overlaps itself', (codec) => {
  const block = Uint8Array.of(0x13, 0x61, 0x01, 0x00, 0x50, ...Buffer.from('bcdef'));
  expect(Buffer.from(compressors[codec]?.(block, 13) ?? []).toString()).toBe('aaaaaaaabcdef');
});
