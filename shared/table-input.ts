import { SPLIT_BYTES } from './config.ts';
import { PermanentError } from './errors.ts';
import type { ByteStream, TableQuery, TableSource } from './ports.ts';
import type { Input } from './shard.ts';

/** What a job over a table says: Vertex AI's `inputUri` (`bq://project.dataset.table`), or a query. */
export interface BigQuerySource {
  readonly inputUri?: string | undefined;
  readonly query?: string | undefined;
}

/**
 * Pins a table, or runs a query and pins its result. Its units are ranges of rows, each about as large as a split of a file.
 * @param tables undefined where the pipeline does not run on Google Cloud.
 * @param key the job's: asking again finds the same query's result.
 * @throws PermanentError
 */
export async function pinTableInput(
  tables: TableSource | undefined,
  source: BigQuerySource,
  key: string,
  splitBytes = SPLIT_BYTES,
): Promise<Input> {
  const { rows, bytes, bucket, name, generation } = await known(tables).pin(tableQuery(source), key);
  const unitRows = Math.max(1, Math.floor((splitBytes * rows) / Math.max(1, bytes)));
  const table = { format: 'bigquery', units: Math.ceil(rows / unitRows), rows, unitRows } as const;
  return { bucket, name, generation, size: bytes, format: 'jsonl', compression: 'none', headerBytes: 0, table };
}

/** The rows of one unit as JSON lines. */
export function tableInputLines(tables: TableSource | undefined, input: Input, unit: number): ByteStream {
  const { rows = 0, unitRows = 0 } = input.table ?? {};
  return known(tables).read(input, unit * unitRows, Math.min(rows, (unit + 1) * unitRows));
}

/** @throws PermanentError INVALID_ARGUMENT */
function tableQuery({ inputUri, query }: BigQuerySource): TableQuery {
  if ((inputUri === undefined) === (query === undefined))
    throw new PermanentError('INVALID_ARGUMENT', 'bigquerySource: give either inputUri or query');
  if (query !== undefined) return { kind: 'query', query };
  const match = /^bq:\/\/(?:([^.`]+)[.])?([\w-]+)[.]([^.`]+)$/.exec(inputUri ?? '');
  const [, project, dataset, table] = match ?? [];
  if (dataset === undefined || table === undefined) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `bigquerySource: found ${inputUri}, expected bq://project.dataset.table`,
    );
  }
  return { kind: 'table', ...(project !== undefined && { project }), dataset, table };
}

function known(tables: TableSource | undefined): TableSource {
  if (tables !== undefined) return tables;
  throw new PermanentError(
    'UNIMPLEMENTED',
    'bigquerySource: BigQuery is read on Google Cloud only: submit the job to a deployment, or export the table as Parquet and give that',
  );
}
