import { errorInfo, messageOf } from '../../errors.ts';
import type { ErrorInfo } from '../../errors.ts';
import { mapConcurrent } from '../../map-concurrent.ts';
import { batchDimension, sliceRows } from '../../tensor-rows.ts';
import type { Tensors } from '../../tensor.ts';
import type { Model, Signature } from '../model.ts';
import { RowFailures } from '../row-failures.ts';
import { concatRows } from '../concat-rows.ts';
import { parseExactJson } from './exact-json.ts';
import type { Protocol } from './protocol.ts';
import type { RemoteClient } from './remote-client.ts';
import type { RemoteConfig } from './remote-config.ts';
import { RemoteError } from './remote-error.ts';

interface Piece {
  readonly from: number;
  readonly outputs: Tensors;
}

/** What became of a batch's rows. */
interface Outcome {
  readonly pieces: Piece[];
  readonly failures: Map<number, ErrorInfo>;
}

/** A model that another server runs. A batch is sent as several requests; what a request's failure says is the error of its rows. */
export class RemoteModel implements Model {
  readonly runtime: string;
  readonly signatures: Readonly<Record<string, Signature>>;
  /** The weights are elsewhere. */
  readonly byteSize = 0;
  readonly #config: RemoteConfig;
  readonly #protocol: Protocol;
  readonly #client: RemoteClient;

  constructor(
    config: RemoteConfig,
    protocol: Protocol,
    client: RemoteClient,
    signatures: Readonly<Record<string, Signature>>,
  ) {
    this.runtime = `remote ${config.protocol} ${config.url.origin}`;
    this.signatures = signatures;
    this.#config = config;
    this.#protocol = protocol;
    this.#client = client;
  }

  /**
   * @throws RowFailures naming the rows that failed. A server that minds what was sent (400, 413, 422) is asked again with half the rows, down
   * to the bad ones; any other failure (an outage, a timeout, a refused caller) is at once that of all the request's rows: smaller requests would
   * only be more of them.
   */
  async predict(signatureName: string, inputs: Tensors): Promise<Tensors> {
    const signature = this.signatures[signatureName];
    if (signature === undefined) throw new Error(`no signature ${signatureName}`);
    const rows = Object.values(inputs)[0]?.shape[0] ?? 1;
    const fixed = batchDimension(signature) !== undefined;
    const size = fixed ? rows : this.#config.batchSize;
    const starts = Array.from({ length: Math.ceil(rows / size) }, (_, index) => index * size);
    const outcome: Outcome = { pieces: [], failures: new Map() };
    await mapConcurrent(starts, this.#config.maxConcurrency, (from) =>
      this.#score(signature, inputs, { rows, fixed }, from, Math.min(rows, from + size), outcome),
    );
    const scored = (): Tensors =>
      concatRows(outcome.pieces.sort((a, b) => a.from - b.from).map(({ outputs }) => outputs));
    if (outcome.failures.size === 0) return scored();
    throw new RowFailures(outcome.failures, outcome.pieces.length === 0 ? undefined : scored());
  }

  dispose(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  async #score(
    signature: Signature,
    inputs: Tensors,
    batch: { readonly rows: number; readonly fixed: boolean },
    from: number,
    to: number,
    outcome: Outcome,
  ): Promise<void> {
    if (from === to) return;
    const again = (start: number, end: number): Promise<void> =>
      this.#score(signature, inputs, batch, start, end, outcome);
    const fail = (error: ErrorInfo): void => {
      for (let row = from; row < to; row++) outcome.failures.set(row, error);
    };
    try {
      const outputs = await this.#request(signature, sliceRows(inputs, batch.rows, from, to), to - from);
      outcome.pieces.push({ from, outputs });
    } catch (error) {
      if (error instanceof RowFailures) {
        if (batch.fixed) {
          fail([...error.failures.values()][0] ?? errorInfo('INTERNAL', error.message));
          return;
        }
        let start = from;
        for (const [row, info] of [...error.failures].sort(([a], [b]) => a - b)) {
          outcome.failures.set(from + row, info);
          await again(start, from + row);
          start = from + row + 1;
        }
        await again(start, to);
        return;
      }
      if (!(error instanceof RemoteError)) throw error;
      if (!error.isAboutRows || batch.fixed || to - from === 1) {
        fail(errorInfo(error.status, `remote model: ${error.message}`));
        return;
      }
      const middle = from + Math.ceil((to - from) / 2);
      await again(from, middle);
      await again(middle, to);
    }
  }

  /** @throws RemoteError, RowFailures */
  async #request(signature: Signature, inputs: Tensors, rows: number): Promise<Tensors> {
    const { url, maxRequestBytes } = this.#config;
    const body = Buffer.from(this.#protocol.write(this.#config, signature, inputs, rows));
    if (body.length > maxRequestBytes) {
      const message = `found a request of ${body.length} bytes for ${rows} rows, expected at most ${maxRequestBytes} (maxRequestBytes)`;
      throw new RemoteError('INVALID_ARGUMENT', message, { isAboutRows: true });
    }
    const text = await this.#client.ask(this.#protocol.predictUrl(url), body);
    try {
      return this.#protocol.read(signature, parseExactJson(text), rows);
    } catch (error) {
      const reason = messageOf(error);
      throw new RemoteError(
        'INTERNAL',
        `${url.host} answered what is no ${this.#config.protocol} prediction: ${reason}`,
        {
          cause: error,
        },
      );
    }
  }
}
