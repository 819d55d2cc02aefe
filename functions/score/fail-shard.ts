import { errorInfo } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import { formatOf } from '../../shared/formats/registry.ts';
import { errorLine, lineLabelOf, RowEncoder } from '../../shared/formats/row-encoder.ts';
import { readAll } from '../../shared/input.ts';
import type { Signature } from '../../shared/models/model.ts';
import type { ObjectStore, ScoredShard, ScoreRequest } from '../../shared/ports.ts';

/** A signature that nothing satisfies: decoding against it reads the rows' keys, and nothing else. */
const KEYS_ONLY: Signature = { name: '', inputs: [], outputs: [] };

/** The result of a shard that could not be scored: its rows with their keys, each with that error. */
export async function failShard(objects: ObjectStore, request: ScoreRequest, error: ErrorInfo): Promise<ScoredShard> {
  if (request.shard.oversize) return oversizeRow(request);
  const { shard, input, spec } = request;
  const { instanceConfig, maxRowBytes } = spec;
  const bytes = await readAll(objects.read(shard.object, shard.start, shard.end), shard.end - shard.start);
  const decoder = formatOf(input.format).decoder(bytes, {
    signature: KEYS_ONLY,
    instanceConfig,
    maxRowBytes,
    ...(input.columns && { columns: input.columns }),
    ...(input.layout && { layout: input.layout }),
  });
  const encoder = new RowEncoder({ label: lineLabelOf(instanceConfig), outputs: [] });
  for (let batch = decoder.next(shard.rows); batch !== undefined; batch = decoder.next(shard.rows)) {
    const errors = new Map(Array.from({ length: batch.rowCount }, (_, row) => [row, error]));
    encoder.encode({ ...batch, groups: [], errors }, [], errors);
  }
  const { bytes: lines, ...counts } = encoder.take();
  return { lines, ...counts };
}

/** The result of a record over the row limit, which is never fetched: its key is not known. */
export function oversizeRow({ shard, spec }: ScoreRequest): ScoredShard {
  const error = errorInfo(
    'INVALID_ARGUMENT',
    `instance: found ${shard.end - shard.start} bytes, expected at most ${spec.maxRowBytes} (maxRowBytes)`,
  );
  const lines = errorLine(lineLabelOf(spec.instanceConfig), 'null', error);
  return { lines, rows: 1, failed: 1, errors: [{ error, count: 1, firstRows: [0] }] };
}
