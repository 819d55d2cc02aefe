import { PermanentError } from '../../shared/errors.ts';
import { asBuffer, LF } from '../../shared/formats/ascii.ts';
import type { JobPlan } from '../../shared/job.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import type { Scorer, ScoreRequest } from '../../shared/ports.ts';
import type { PredictLimits } from './limits.ts';
import type { Lines } from './request.ts';

/** What rows are scored with; those of the same can be scored together. */
export interface Target {
  readonly model: JobPlan['model'];
  readonly signatureName: string;
  /** Rows in one call to the model, where the model version says it. */
  readonly batchSize?: number;
}

interface Waiting extends Lines {
  readonly resolve: (lines: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/** The requests for one target. */
interface Lane {
  readonly target: Target;
  readonly waiting: Waiting[];
  rows: number;
  running: number;
  /** What waits has waited long enough. */
  due: boolean;
  timer: NodeJS.Timeout | undefined;
}

const NOWHERE = { bucket: '', name: '', generation: '' };

/**
 * Scores the rows of concurrent requests together. Where a target is idle, its request is scored at once; requests that come meanwhile wait until
 * that is done, or until there are `maxBatchRows` of them or `batchDelayMs` have passed and another batch may run beside. A row that
 * fails is its own request's alone; where a call fails altogether, its requests are scored one by one.
 */
export class Batcher {
  readonly #scorer: Pick<Scorer, 'score'>;
  readonly #limits: PredictLimits;
  readonly #concurrency: number;
  readonly #lanes = new Map<string, Lane>();
  #queued = 0;

  /** @param concurrency batches of one target that are scored at once. */
  constructor(scorer: Pick<Scorer, 'score'>, limits: PredictLimits, concurrency: number) {
    this.#scorer = scorer;
    this.#limits = limits;
    this.#concurrency = concurrency;
  }

  /** Requests that wait. */
  get queued(): number {
    return this.#queued;
  }

  /**
   * @returns the rows' output lines, `{"prediction":…}` or `{"error":…}`, in their order.
   * @throws PermanentError RESOURCE_EXHAUSTED where too many requests wait; whatever the scorer throws.
   */
  score(target: Target, lines: Lines): Promise<Buffer> {
    const { maxQueuedRequests } = this.#limits;
    if (this.#queued >= maxQueuedRequests)
      throw new PermanentError('RESOURCE_EXHAUSTED', `${this.#queued} requests wait already: try again later`);
    const lane = this.#lane(target);
    return new Promise((resolve, reject) => {
      lane.waiting.push({ ...lines, resolve, reject });
      lane.rows += lines.rows;
      this.#queued++;
      this.#advance(lane);
    });
  }

  #lane(target: Target): Lane {
    const key = keyOf(target);
    const found = this.#lanes.get(key);
    if (found !== undefined) return found;
    const lane: Lane = { target, waiting: [], rows: 0, running: 0, due: false, timer: undefined };
    this.#lanes.set(key, lane);
    return lane;
  }

  #advance(lane: Lane): void {
    while (lane.waiting.length > 0 && lane.running < this.#concurrency) {
      if (lane.running > 0 && lane.rows < this.#limits.maxBatchRows && !lane.due) {
        lane.timer ??= setTimeout(() => {
          lane.timer = undefined;
          lane.due = true;
          this.#advance(lane);
        }, this.#limits.batchDelayMs);
        return;
      }
      void this.#run(lane, this.#take(lane));
    }
    clearTimeout(lane.timer);
    lane.timer = undefined;
    lane.due = false;
    if (lane.running === 0) this.#lanes.delete(keyOf(lane.target));
  }

  /** The next requests that fit together: one at least. */
  #take(lane: Lane): readonly Waiting[] {
    const { maxBatchRows, maxBodyBytes } = this.#limits;
    let rows = 0;
    let bytes = 0;
    const end = lane.waiting.findIndex((next, place) => {
      rows += next.rows;
      bytes += next.bytes.length;
      return place > 0 && (rows > maxBatchRows || bytes > maxBodyBytes);
    });
    const batch = lane.waiting.splice(0, end < 0 ? lane.waiting.length : end);
    for (const one of batch) lane.rows -= one.rows;
    this.#queued -= batch.length;
    return batch;
  }

  async #run(lane: Lane, batch: readonly Waiting[]): Promise<void> {
    lane.running++;
    try {
      await this.#answer(lane.target, batch);
    } catch (error) {
      const together = batch.length > 1 && !(error instanceof PermanentError) && !(error instanceof ModelLostError);
      if (!together) for (const one of batch) one.reject(error);
      else for (const one of batch) await this.#answer(lane.target, [one]).catch(one.reject);
    } finally {
      lane.running--;
      this.#advance(lane);
    }
  }

  async #answer(target: Target, batch: readonly Waiting[]): Promise<void> {
    const content = batch.length === 1 && batch[0] !== undefined ? batch[0].bytes : concat(batch);
    const rows = batch.reduce((sum, one) => sum + one.rows, 0);
    const { lines } = await this.#scorer.score(requestOf(target, content, rows, this.#limits.maxBodyBytes));
    const all = asBuffer(lines);
    let start = 0;
    for (const one of batch) {
      const end = endOfLines(all, start, one.rows);
      one.resolve(all.subarray(start, end));
      start = end;
    }
  }
}

/** What a scorer is asked for rows that are in no object. */
export function requestOf(
  { model, signatureName, batchSize }: Target,
  content: Uint8Array,
  rows: number,
  maxRowBytes: number,
): ScoreRequest {
  return {
    shard: { split: 0, shard: 0, object: NOWHERE, start: 0, end: content.length, rows, oversize: false },
    input: { format: 'jsonl' },
    spec: { signatureName, instanceConfig: {}, maxRowBytes, ...(batchSize !== undefined && { batchSize }) },
    model,
    content,
    bare: true,
  };
}

function keyOf({ model, signatureName }: Target): string {
  return JSON.stringify([model.model, model.version, model.digest, signatureName]);
}

function concat(batch: readonly Waiting[]): Buffer {
  return Buffer.concat(batch.map(({ bytes }) => bytes));
}

function endOfLines(bytes: Buffer, start: number, lines: number): number {
  let end = start;
  for (let line = 0; line < lines; line++) end = bytes.indexOf(LF, end) + 1;
  return end;
}
