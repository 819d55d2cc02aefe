import type { BigQuery, Job, Table } from '@google-cloud/bigquery';

import { PermanentError } from '../../shared/errors.ts';
import { ByteWriter } from '../../shared/formats/byte-writer.ts';
import type { ByteStream, ObjectRef, PinnedTable, TableQuery, TableSource } from '../../shared/ports.ts';
import { writeBigQueryRow } from './bigquery-json.ts';
import type { BigQueryField, BigQueryRow } from './bigquery-json.ts';
import { isTransient, translated } from './storage-errors.ts';

/** The bucket that a table is in, as inputs have one; its name is `project.dataset.table`. */
const BUCKET = 'bigquery';
/** Rows of one answer; BigQuery cuts answers at 10 MB. */
const PAGE_ROWS = 10_000;
const POLL_MS = 1_000;
/** A query that runs longer is asked for again by who retries, and found. */
const MAX_WAIT_MS = 8 * 60 * 1000;

interface TableMetadata {
  readonly numRows?: string;
  readonly numBytes?: string;
  readonly lastModifiedTime?: string;
  readonly type?: string;
  readonly streamingBuffer?: object;
  readonly schema?: { readonly fields?: readonly BigQueryField[] };
}

export interface BigQueryTablesOptions {
  readonly projectId: string;
  /**
   * A dataset of that project that takes the results of queries, and lets them expire. Unset: BigQuery's anonymous one, which nobody but the account that
   * ran the query may read: https://cloud.google.com/bigquery/docs/cached-results#how_cached_results_are_stored
   */
  readonly queryDataset?: string;
  /** `http://HOST:PORT` of an emulator, which is asked without credentials. */
  readonly endpoint?: string;
}

/**
 * Tables of BigQuery, read by tabledata.list: https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list. The client is loaded when the first
 * table is asked for.
 */
export class BigQueryTables implements TableSource {
  readonly #options: BigQueryTablesOptions;
  #client: Promise<BigQuery> | undefined;

  constructor(options: BigQueryTablesOptions) {
    this.#options = options;
  }

  async pin(source: TableQuery, key: string): Promise<PinnedTable> {
    const {
      project = await this.#project(),
      dataset,
      table,
    } = source.kind === 'table' ? source : await this.#query(source.query, `fanfold_${key}`);
    const name = `${project}.${dataset}.${table}`;
    const metadata = await this.#metadata(name);
    const { type = 'TABLE', numRows = '0', numBytes = '0', streamingBuffer } = metadata;
    const remedy = `give bigquerySource.query: SELECT * FROM \`${name}\``;
    if (numRows === '0' && type !== 'TABLE')
      throw new PermanentError('INVALID_ARGUMENT', `bq://${name} is a ${type}, whose rows cannot be listed: ${remedy}`);
    if (streamingBuffer !== undefined)
      throw new PermanentError('FAILED_PRECONDITION', `bq://${name} has rows in its streaming buffer: ${remedy}`);
    return { bucket: BUCKET, name, generation: generationOf(metadata), rows: Number(numRows), bytes: Number(numBytes) };
  }

  async *read({ name, generation }: ObjectRef, start: number, end: number): ByteStream {
    const metadata = await this.#metadata(name);
    if (generationOf(metadata) !== generation)
      throw new PermanentError('NOT_FOUND', `bq://${name} has changed since the job was created`);
    const fields = metadata.schema?.fields ?? [];
    const table = await this.#table(name);
    let pageToken: string | undefined;
    for (let at = start; at < end;) {
      const { rows = [], pageToken: next } = await this.#page(table, name, {
        maxResults: Math.min(PAGE_ROWS, end - at),
        'formatOptions.useInt64Timestamp': true,
        ...(pageToken === undefined ? { startIndex: at } : { pageToken }),
      });
      if (rows.length === 0)
        throw new PermanentError('DATA_LOSS', `bq://${name} ends at row ${at}; it had more when the job was created`);
      const wanted = rows.slice(0, end - at);
      const lines = new ByteWriter();
      for (const row of wanted) {
        writeBigQueryRow(lines, fields, row);
        lines.ascii('\n');
      }
      yield lines.take();
      at += wanted.length;
      pageToken = next;
    }
  }

  /** Runs the query, or finds the job that runs it. */
  async #query(query: string, jobId: string): Promise<{ project?: string; dataset: string; table: string }> {
    const client = await this.#bigQuery();
    return answered('the query', async () => {
      const { queryDataset } = this.#options;
      const result = queryDataset === undefined ? undefined : client.dataset(queryDataset).table(jobId);
      const metadata = await finished(await startQuery(client, query, jobId, result));
      const { projectId, datasetId: dataset, tableId: table } = metadata.configuration?.query?.destinationTable ?? {};
      if (dataset === undefined || table === undefined)
        throw new PermanentError('INVALID_ARGUMENT', 'the query gives no table: it must be one SELECT');
      return { ...(projectId !== undefined && { project: projectId }), dataset, table };
    });
  }

  async #metadata(name: string): Promise<TableMetadata> {
    const table = await this.#table(name);
    return answered(`bq://${name}`, async () => {
      const [metadata] = (await table.getMetadata()) as unknown as [TableMetadata];
      return metadata;
    });
  }

  #page(
    table: Table,
    name: string,
    qs: object,
  ): Promise<{ readonly rows?: readonly BigQueryRow[]; readonly pageToken?: string }> {
    return answered(`bq://${name}`, async () => {
      const [body] = (await table.request({ uri: '/data', qs })) as unknown as [
        { readonly rows?: readonly BigQueryRow[]; readonly pageToken?: string },
      ];
      return body;
    });
  }

  async #table(name: string): Promise<Table> {
    // A project may have dots before its colon: example.com:project.
    const [, projectId = '', dataset = '', table = ''] = /^(.+)[.]([^.]+)[.]([^.]+)$/.exec(name) ?? [];
    return (await this.#bigQuery()).dataset(dataset, { projectId }).table(table);
  }

  async #project(): Promise<string> {
    return (await this.#bigQuery()).getProjectId();
  }

  #bigQuery(): Promise<BigQuery> {
    this.#client ??= createClient(this.#options);
    return this.#client;
  }
}

async function createClient({ projectId, endpoint }: BigQueryTablesOptions): Promise<BigQuery> {
  const { BigQuery } = await import('@google-cloud/bigquery');
  if (endpoint === undefined) return new BigQuery({ projectId });
  const { PassThroughClient } = await import('google-auth-library');
  return new BigQuery({ projectId, apiEndpoint: endpoint, authClient: new PassThroughClient() });
}

type JobMetadata = Readonly<NonNullable<Job['metadata']>> & {
  readonly status?: { readonly state?: string; readonly errorResult?: { readonly message?: string } };
  readonly configuration?: {
    readonly query?: {
      readonly destinationTable?: {
        readonly projectId?: string;
        readonly datasetId?: string;
        readonly tableId?: string;
      };
    };
  };
};

/** A job of that id that is there already runs the same query: it was asked for before. */
async function startQuery(client: BigQuery, query: string, jobId: string, destination?: Table): Promise<Job> {
  try {
    const asked = { query, jobId, useLegacySql: false, ...(destination && { destination }) };
    const [job] = await client.createQueryJob(asked);
    return job;
  } catch (error) {
    const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string };
    if (code !== 409) throw error;
    // `Already Exists: Job project:location.id`: a job is only found where it runs.
    const location = /Job \S+:([\w-]+)\.\w+/.exec(message)?.[1];
    return client.job(jobId, location === undefined ? {} : { location });
  }
}

async function finished(job: Job): Promise<JobMetadata> {
  for (const deadline = Date.now() + MAX_WAIT_MS; ;) {
    const [metadata] = (await job.getMetadata()) as unknown as [JobMetadata];
    if (metadata.status?.errorResult !== undefined)
      throw new PermanentError('INVALID_ARGUMENT', metadata.status.errorResult.message ?? 'it failed');
    if (metadata.status?.state === 'DONE') return metadata;
    if (Date.now() > deadline) throw new Error(`query job ${job.id ?? ''} still runs`);
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}

function generationOf({ lastModifiedTime = '', numRows = '0' }: TableMetadata): string {
  return `${lastModifiedTime}.${numRows}`;
}

/** In the core's words: what another attempt cannot change is a PermanentError. */
async function answered<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof PermanentError)
      throw new PermanentError(error.status, `${what}: ${error.message}`, { cause: error });
    throw isTransient(error) ? error : translated(error, what);
  }
}
