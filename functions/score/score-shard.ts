import { BATCH } from '../../shared/config.ts';
import { PermanentError } from '../../shared/errors.ts';
import { readObjectFor } from '../../shared/formats/file-list-objects.ts';
import { formatOf } from '../../shared/formats/registry.ts';
import { lineLabelOf, RowEncoder } from '../../shared/formats/row-encoder.ts';
import { readAll } from '../../shared/input.ts';
import type { JobPlan } from '../../shared/job.ts';
import type { Model, Signature } from '../../shared/models/model.ts';
import { signatureOf } from '../../shared/models/signature-of.ts';
import { shardId } from '../../shared/names.ts';
import type { ModelDescription, ObjectStore, ScoredShard, ScoreRequest } from '../../shared/ports.ts';
import { elementCount } from '../../shared/tensor.ts';
import type { DType, TensorSpec } from '../../shared/tensor.ts';
import { checkKeys } from './check-keys.ts';
import { oversizeRow } from './fail-shard.ts';
import { InferenceMeter } from './inference-meter.ts';
import type { ModelCache } from './model-cache.ts';
import { predictBatch } from './predict.ts';

export interface ShardPorts {
  readonly objects: ObjectStore;
  readonly models: Pick<ModelCache, 'with'>;
}

/**
 * Scores one shard: its bytes become columnar batches, the batches predictions, the predictions lines in the order of the rows. A row that does
 * not decode, or that the model refuses, becomes an error line.
 * @throws PermanentError where the model or the input is gone, changed or broken.
 */
export function scoreShard(ports: ShardPorts, request: ScoreRequest): Promise<ScoredShard> {
  if (request.shard.oversize) return Promise.resolve(oversizeRow(request));
  return ports.models.with(request.model, async (model, takeLoad) => {
    const signature = signatureOf(
      model,
      request.spec.signatureName,
      `model ${request.model.model}@${request.model.version}`,
    );
    const meter = new InferenceMeter();
    const { object, start, end } = request.shard;
    const bytes = request.content ?? (await readAll(ports.objects.read(object, start, end), end - start));
    const load = takeLoad?.();
    if (load !== undefined) meter.loaded(load);
    return scoreBytes(ports.objects, { model, signature, request, bytes, meter });
  });
}

/** Loads the model and tells what it is. */
export function inspectModel(models: Pick<ModelCache, 'with'>, pinned: JobPlan['model']): Promise<ModelDescription> {
  return models.with(pinned, ({ runtime, byteSize, signatures, refused }) =>
    Promise.resolve({ runtime, byteSize, signatures, ...(refused && { refused }) }),
  );
}

interface Scoring {
  readonly model: Model;
  readonly signature: Signature;
  readonly request: ScoreRequest;
  readonly bytes: Uint8Array;
  readonly meter: InferenceMeter;
}

async function scoreBytes(objects: ObjectStore, scoring: Scoring): Promise<ScoredShard> {
  const { model, signature, request, bytes, meter } = scoring;
  const { shard, input, spec } = request;
  const format = formatOf(input.format);
  const decoder = format.decoder(bytes, {
    signature,
    instanceConfig: spec.instanceConfig,
    maxRowBytes: spec.maxRowBytes,
    ...(input.columns && { columns: input.columns }),
    ...(input.layout && { layout: input.layout }),
  });
  const label = request.bare === true ? 'row' : lineLabelOf(spec.instanceConfig);
  const encoder = new RowEncoder({ label, outputs: signature.outputs });
  const batchRows = Math.min(spec.batchSize ?? automaticBatchRows(signature), format.maxBatchRows ?? Infinity);
  // URIs are relative to the list that the user wrote, of which the shard may be a staged copy.
  const { bucket, name } = { ...shard.object, ...input };
  const read = format.fetch && readObjectFor(objects, { bucket, name }, spec.maxRowBytes);
  for (let decoded = decoder.next(batchRows); decoded !== undefined; decoded = decoder.next(batchRows)) {
    const batch = read === undefined ? decoded : ((await format.fetch?.(decoded, read)) ?? decoded);
    const predicted = await predictBatch(model, signature, batch.groups, meter);
    const { scored, errors } = checkKeys(batch, predicted.scored, spec.instanceConfig, signature);
    encoder.encode(batch, scored, errors.size === 0 ? predicted.errors : new Map([...predicted.errors, ...errors]));
  }
  const { bytes: lines, ...counts } = encoder.take();
  if (counts.rows !== shard.rows) {
    throw new PermanentError(
      'DATA_LOSS',
      `shard ${shardId(shard.split, shard.shard)} holds ${counts.rows} rows; it was cut with ${shard.rows}`,
    );
  }
  const { runtime } = model;
  return { lines, ...counts, runtime, metrics: meter.metrics(), outputs: signature.outputs };
}

/** Bytes of one element; a string's is a guess. */
const ELEMENT_BYTES: Readonly<Record<DType, number>> = {
  float16: 2,
  float32: 4,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
  string: 64,
};

/** As many rows as make good use of a call to the model and of memory: at least 256 where they fit. */
export function automaticBatchRows(signature: Signature): number {
  const rowBytes = [...signature.inputs, ...signature.outputs].reduce((sum, spec) => sum + bytesPerRow(spec), 0);
  const rows = Math.floor(BATCH.targetBytes / Math.max(1, rowBytes));
  const wanted = Math.min(BATCH.maxRows, Math.max(BATCH.minRows, rows));
  return Math.max(1, Math.min(wanted, Math.floor(BATCH.maxBytes / Math.max(1, rowBytes))));
}

/** Dimensions of any size count as one. */
function bytesPerRow({ dtype, shape }: TensorSpec): number {
  return ELEMENT_BYTES[dtype] * elementCount((shape ?? []).slice(1).map((size) => size ?? 1));
}
