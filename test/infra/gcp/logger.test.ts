import { setTimeout } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { GoogleLogger, traceOf, withTrace } from '../../../infra/gcp/logger.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

function start() {
  const lines: string[] = [];
  const logger = new GoogleLogger({ projectId: 'p', write: (line) => lines.push(line) });
  return { logger, entries: () => lines.map((line) => JSON.parse(line) as unknown), lines };
}

describe('a log line', () => {
  it('is one JSON object with severity, message, fields and the coordinates as labels', () => {
    const { logger, entries, lines } = start();
    logger.log('WARNING', 'two\nlines', { job: 'j1', shard: '00003-00017', split: 3, rows: 10, cause: undefined });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]*\n$/);
    expect(entries()).toEqual([
      {
        severity: 'WARNING',
        message: 'two\nlines',
        job: 'j1',
        shard: '00003-00017',
        split: 3,
        rows: 10,
        'logging.googleapis.com/labels': { job: 'j1', split: '3', shard: '00003-00017' },
      },
    ]);
  });

  it('keeps its severity and message whatever the fields are called', () => {
    const { logger, entries } = start();
    logger.log('ERROR', 'broke', { severity: 'DEBUG', message: 'x' });
    expect(entries()).toEqual([{ severity: 'ERROR', message: 'broke' }]);
  });

  it('tells of errors, big integers and cycles without throwing', () => {
    const { logger, entries } = start();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    logger.log('ERROR', 'a', { error: new TypeError('no', { cause: new Error('why') }), size: 2n ** 60n });
    logger.log('ERROR', 'b', { cycle });
    expect(entries()).toMatchObject([
      { error: { name: 'TypeError', message: 'no', cause: { message: 'why' } }, size: '1152921504606846976' },
      { severity: 'ERROR', message: 'b' },
    ]);
  });

  it('belongs to the trace of the request that it is written for, through awaits', async () => {
    const { logger, entries } = start();
    await Promise.all([
      withTrace({ traceId: TRACE, spanId: SPAN, sampled: true }, async () => {
        await setTimeout(5);
        logger.log('INFO', 'one');
      }),
      withTrace(undefined, async () => {
        await Promise.resolve();
        logger.log('INFO', 'other');
      }),
    ]);
    expect(entries()).toEqual([
      { severity: 'INFO', message: 'other' },
      {
        severity: 'INFO',
        message: 'one',
        'logging.googleapis.com/trace': `projects/p/traces/${TRACE}`,
        'logging.googleapis.com/spanId': SPAN,
        'logging.googleapis.com/trace_sampled': true,
      },
    ]);
  });
});

it.each([
  { headers: {}, trace: undefined },
  { headers: { traceparent: `00-${TRACE}-${SPAN}-01` }, trace: { traceId: TRACE, spanId: SPAN, sampled: true } },
  { headers: { traceparent: `00-${TRACE}-${SPAN}-00` }, trace: { traceId: TRACE, spanId: SPAN, sampled: false } },
  { headers: { traceparent: 'rubbish' }, trace: undefined },
  {
    headers: { traceparent: 'rubbish', 'x-cloud-trace-context': `${TRACE}/13235353014750950193;o=1` },
    trace: { traceId: TRACE, spanId: SPAN, sampled: true },
  },
  { headers: { 'x-cloud-trace-context': [`${TRACE}/1`] }, trace: { traceId: TRACE, spanId: '0000000000000001' } },
  { headers: { 'x-cloud-trace-context': TRACE }, trace: { traceId: TRACE } },
  { headers: { 'x-cloud-trace-context': `${TRACE}/x` }, trace: { traceId: TRACE } },
])('reads the trace of $headers', ({ headers, trace }) => {
  expect(traceOf(headers)).toEqual(trace);
});
