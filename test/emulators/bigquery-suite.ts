import { describe, expect, it } from 'vitest';

import type { FakeBigQuery } from '../infra/gcp/fake-bigquery.ts';
import { embedded } from './embedded.ts';
import { idOf } from './running.ts';
import type { JobView, Running } from './running.ts';

export const QUERY_DATASET = 'queries';

const ROWS = 2_000;
const JOB = { model: 'times-five', instanceConfig: { keyField: 'key' }, maxItemsPerBatch: 200 };
/** The same rows from a file; of a table's column the signature's `[1]` is a plain number. */
const LINES = Array.from(
  { length: ROWS },
  (_, row) => `{"key":${9_007_199_254_740_993n + BigInt(row)},"x":[${row / 8}]}`,
);

const TABLE = {
  fields: [
    { name: 'key', type: 'INTEGER' },
    { name: 'x', type: 'FLOAT' },
  ],
  rows: LINES.map((line) => ({ f: [...line.matchAll(/:\[?([\d.]+)/g)].map(([, v]) => ({ v })) })),
};

/** Tables and queries as the jobs API takes them; jobs pins, split reads, in processes of their own. BigQuery is a fake of its REST API. */
export function bigQuerySuite(of: () => Running, bigQuery: FakeBigQuery): void {
  const run = async (bigquerySource: object): Promise<JobView> => {
    const { status, body } = await of().call('POST', '', { ...JOB, inputConfig: { bigquerySource } });
    expect(status, JSON.stringify(body)).toBe(200);
    return of().ended(idOf(body as JobView));
  };

  describe('a job over BigQuery', () => {
    it.each([
      { name: 'a table', at: 'warehouse.sales.orders', source: { inputUri: 'bq://warehouse.sales.orders' } },
      { name: 'a query', at: undefined, source: { query: 'SELECT key, x FROM `warehouse.sales.orders`' } },
    ])('$name gives the bytes of the same rows from a file', async ({ at, source }) => {
      // The result's table is named for the job, whose name nobody knows yet.
      if (at === undefined) bigQuery.result = TABLE;
      else bigQuery.tables.set(at, TABLE);
      const job = await run(source);
      expect(job.completionStats, job.error?.message).toMatchObject({ successfulCount: ROWS, failedCount: 0 });
      const { results } = await embedded('times-five/rows.jsonl', `${LINES.join('\n')}\n`, {
        instanceConfig: JOB.instanceConfig,
      });
      expect(await of().results(job)).toBe(results);
    });

    it('is refused where the table is not there, by its name', async () => {
      const inputConfig = { bigquerySource: { inputUri: 'bq://warehouse.sales.nothing' } };
      expect(await of().call('POST', '', { ...JOB, inputConfig })).toMatchObject({
        status: 404,
        body: { error: { status: 'NOT_FOUND', message: expect.stringContaining('sales.nothing') as string } },
      });
    });
  });
}
