import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

import type { BigQueryField, BigQueryRow } from '../../../infra/gcp/bigquery-json.ts';
import { BigQueryTables } from '../../../infra/gcp/tables.ts';

export interface FakeTable {
  readonly fields: readonly BigQueryField[];
  readonly rows: readonly BigQueryRow[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

interface Destination {
  readonly projectId: string;
  readonly datasetId: string;
  readonly tableId: string;
}

/**
 * The part of BigQuery's REST API that is used here, over HTTP, with tables in memory: https://cloud.google.com/bigquery/docs/reference/rest. Answers hold
 * fewer rows than asked for, as BigQuery's do, and queries take a while. It is no emulator: no SQL is run, every query gives the table `_anon.result`, or the one that it is told to write.
 */
export class FakeBigQuery {
  readonly requests: string[] = [];
  readonly tables = new Map<string, FakeTable>();
  /** What every query that is told where to write gives. */
  result: FakeTable | undefined;
  readonly #jobs = new Map<string, { polls: number; readonly query: string; readonly result: object }>();
  /** Answers 503 to so many requests. */
  failing = 0;

  /** Tables of it, until the test is over. */
  async start(pageRows = 7, queryDataset?: string): Promise<BigQueryTables> {
    const { endpoint, close } = await this.listen(pageRows);
    onTestFinished(close);
    return new BigQueryTables({ projectId: 'p', endpoint, ...(queryDataset !== undefined && { queryDataset }) });
  }

  async listen(pageRows = 7): Promise<{ readonly endpoint: string; readonly close: () => void }> {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const url = new URL(request.url ?? '', 'http://localhost');
        this.requests.push(`${request.method} ${url.pathname}${url.search}`);
        const { status, answer } = this.#answer(request.method ?? '', url, body, pageRows);
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = (): void => {
      server.closeAllConnections();
      server.close();
    };
    const { port } = server.address() as AddressInfo;
    return { endpoint: `http://127.0.0.1:${port}`, close };
  }

  #answer(method: string, url: URL, body: string, pageRows: number): { status: number; answer: object } {
    if (this.failing-- > 0) return error(503, 'backendError', 'try again');
    const [, , version, , project = '', what, ...path] = url.pathname.split('/');
    if (version !== 'v2') return error(404, 'notFound', `no such path ${url.pathname}`);
    if (what === 'jobs') return this.#job(method, project, path[0], body);
    const [dataset = '', , table = '', data] = path;
    const found = this.tables.get(`${project}.${dataset}.${table}`);
    if (found === undefined) return error(404, 'notFound', `Not found: Table ${project}:${dataset}.${table}`);
    return { status: 200, answer: data === 'data' ? page(found, url.searchParams, pageRows) : describe(found) };
  }

  #job(method: string, project: string, id: string | undefined, body: string): { status: number; answer: object } {
    if (method === 'POST') {
      const asked = JSON.parse(body) as {
        jobReference: { jobId: string };
        configuration: { query: { query: string; destinationTable?: Destination } };
      };
      const { jobId } = asked.jobReference;
      if (this.#jobs.has(jobId)) return error(409, 'duplicate', `Already Exists: Job ${project}:europe-west1.${jobId}`);
      const { query, destinationTable: result } = asked.configuration.query;
      if (result !== undefined && this.result !== undefined)
        this.tables.set(`${result.projectId}.${result.datasetId}.${result.tableId}`, this.result);
      this.#jobs.set(jobId, {
        polls: 0,
        query,
        result: result ?? { projectId: project, datasetId: '_anon', tableId: 'result' },
      });
      return { status: 200, answer: this.#jobAnswer(project, jobId) };
    }
    return { status: 200, answer: this.#jobAnswer(project, id ?? '') };
  }

  #jobAnswer(projectId: string, jobId: string): object {
    const job = this.#jobs.get(jobId);
    if (job === undefined) throw new Error(`no job ${jobId}`);
    const failed = job.query.includes('nonsense') && { errorResult: { message: 'Syntax error: unexpected nonsense' } };
    return {
      jobReference: { projectId, jobId, location: 'europe-west1' },
      status: { state: job.polls++ === 0 ? 'RUNNING' : 'DONE', ...failed },
      configuration: { query: { destinationTable: job.result } },
    };
  }
}

function describe({ fields, rows, metadata }: FakeTable): object {
  const counts = { numRows: String(rows.length), numBytes: String(rows.length * 100) };
  return { type: 'TABLE', ...counts, lastModifiedTime: '1', schema: { fields }, ...metadata };
}

function page({ rows }: FakeTable, query: URLSearchParams, pageRows: number): object {
  if (query.get('formatOptions.useInt64Timestamp') !== 'true') throw new Error('timestamps would be rounded');
  const start = Number(query.get('pageToken') ?? query.get('startIndex') ?? 0);
  const end = Math.min(rows.length, start + Math.min(pageRows, Number(query.get('maxResults'))));
  const next = end < rows.length ? { pageToken: String(end) } : {};
  return { totalRows: String(rows.length), rows: rows.slice(start, end), ...next };
}

function error(status: number, reason: string, message: string): { status: number; answer: object } {
  return { status, answer: { error: { code: status, message, errors: [{ reason, message }] } } };
}
