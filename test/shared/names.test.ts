import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  composedName,
  fittedPartName,
  fileOutput,
  folderOutput,
  frameName,
  jobIdOf,
  outputFolder,
  partName,
  resultName,
  scratchPrefix,
  shardId,
  stagedName,
} from '../../shared/names.ts';

const index = fc.integer({ min: 0, max: 99_999 });
const bytes = Buffer.from('lines');

describe('names', () => {
  it('of jobs are the same for the same parts and differ for any other', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(jobIdOf(...a) === jobIdOf(...b)).toBe(same);
      }),
    );
    expect(jobIdOf('a', 'bc')).not.toBe(jobIdOf('ab', 'c'));
    expect(jobIdOf('input', 'm/a.jsonl', '1')).toMatch(/^j[0-9a-f]{20}$/);
  });

  it('of shards are injective and sort as their coordinates do', () => {
    fc.assert(
      fc.property(index, index, index, index, (splitA, shardA, splitB, shardB) => {
        const order = Math.sign(splitA - splitB || shardA - shardB);
        const [a, b] = [shardId(splitA, shardA), shardId(splitB, shardB)];
        expect(a === b ? 0 : a < b ? -1 : 1).toBe(order);
      }),
    );
    expect(shardId(3, 17)).toBe('00003-00017');
  });

  it('of one job’s objects never meet, nor those of another job', () => {
    const coordinates = fc.record({
      kind: fc.constantFrom('staged', 'result', 'part', 'fitted', 'composed'),
      a: index,
      b: index,
    });
    const nameOf = ({ kind, a, b }: { kind: string; a: number; b: number }, prefix: string): string => {
      if (kind === 'staged') return stagedName(prefix, a, b);
      if (kind === 'result') return resultName(prefix, a, b, bytes);
      if (kind === 'fitted') return fittedPartName(prefix, a);
      return kind === 'part' ? partName(prefix, a) : composedName(prefix, a, b);
    };
    fc.assert(
      fc.property(coordinates, coordinates, (one, other) => {
        const ofSplits = one.kind === 'part' || one.kind === 'fitted';
        const same = one.kind === other.kind && one.a === other.a && (ofSplits || one.b === other.b);
        expect(nameOf(one, scratchPrefix('j1')) === nameOf(other, scratchPrefix('j1'))).toBe(same);
        expect(nameOf(one, scratchPrefix('j1'))).not.toBe(nameOf(other, scratchPrefix('j2')));
        expect(nameOf(one, scratchPrefix('j1')).startsWith(scratchPrefix('j1'))).toBe(true);
        for (const end of ['header', 'footer'] as const)
          expect(nameOf(one, scratchPrefix('j1'))).not.toBe(frameName(scratchPrefix('j1'), end));
      }),
    );
  });

  it('of large results differ where their bytes do', () => {
    expect(resultName('p/', 0, 0, Buffer.from('a'))).not.toBe(resultName('p/', 0, 0, Buffer.from('b')));
  });

  it('of an output folder are Vertex AI’s', () => {
    const folder = outputFolder('digits', '2026-01-02T03:04:05.678Z');
    expect(folder).toBe('prediction-digits-2026-01-02T03:04:05.678Z');
    expect(folderOutput('output', `${folder}/`)).toEqual({
      bucket: 'output',
      results: `${folder}/prediction.results-00000-of-00001`,
      errors: `${folder}/prediction.errors_stats-00000-of-00001`,
      manifest: `${folder}/manifest.json`,
    });
  });

  it('of the files beside a named output begin with its name', () => {
    expect(fileOutput('/out', 'a.jsonl')).toEqual({
      bucket: '/out',
      results: 'a.jsonl',
      errors: 'a.jsonl.errors_stats',
      manifest: 'a.jsonl.manifest.json',
    });
  });
});
