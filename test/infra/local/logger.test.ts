import { describe, expect, it } from 'vitest';

import { StderrLogger } from '../../../infra/local/logger.ts';
import type { LoggerOptions } from '../../../infra/local/logger.ts';
import { ManualClock } from '../../../infra/memory/clock.ts';

function lines(options: Pick<LoggerOptions, 'format' | 'minimum'>, write: (logger: StderrLogger) => void): string[] {
  const written: string[] = [];
  write(new StderrLogger({ ...options, clock: new ManualClock(), write: (line) => written.push(line) }));
  return written;
}

describe('the logger', () => {
  it('writes JSON lines whose severity, time and message no field can replace', () => {
    const [line] = lines({ format: 'json' }, (logger) => {
      logger.log('WARNING', 'two\nlines', { job: 'j', severity: 'mine', error: new Error('broke'), size: 2n ** 60n });
    });
    expect(line).not.toContain('\n');
    expect(JSON.parse(line ?? '')).toEqual({
      job: 'j',
      severity: 'WARNING',
      time: '2026-01-01T00:00:00.000Z',
      message: 'two\nlines',
      error: { name: 'Error', message: 'broke', stack: expect.stringContaining('broke') as string },
      size: '1152921504606846976',
    });
  });

  it('writes one line for people', () => {
    const written = lines({ format: 'text' }, (logger) => {
      logger.log('INFO', 'job created', { job: 'j-1', inputs: ['a b'], none: undefined });
      logger.log('ERROR', 'job\nfailed', { error: new Error('no such file'), rows: 3 });
    });
    expect(written).toEqual([
      '00:00:00 job created job=j-1 inputs=["a b"]',
      '00:00:00 ERROR job failed error="no such file" rows=3',
    ]);
  });

  it('leaves out what is below its minimum', () => {
    const all = (logger: StderrLogger): void => {
      for (const severity of ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const) logger.log(severity, severity);
    };
    expect(lines({ format: 'text' }, all)).toHaveLength(3);
    expect(lines({ format: 'text', minimum: 'ERROR' }, all)).toEqual(['00:00:00 ERROR ERROR']);
    expect(lines({ format: 'json', minimum: 'DEBUG' }, all)).toHaveLength(4);
  });

  it('does not throw for a cycle', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const format of ['json', 'text'] as const) {
      expect(lines({ format }, (logger) => { logger.log('ERROR', 'odd', { cycle }); })).toHaveLength(1); // prettier-ignore
    }
  });
});
