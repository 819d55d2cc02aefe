import { PermanentError, toErrorInfo } from '../../shared/errors.ts';
import type { Signature } from '../../shared/models/model.ts';
import { signatureOf } from '../../shared/models/signature-of.ts';
import type { Logger, Scorer } from '../../shared/ports.ts';
import type { HttpAnswer, HttpRequest } from '../http/exchange.ts';
import { refusal } from '../jobs/answers.ts';
import { Batcher } from './batcher.ts';
import { BodyError, readBody } from './body.ts';
import type { PredictLimits } from './limits.ts';
import { metadataOf, PREDICT_METHOD, statusOf } from './metadata.ts';
import { ModelDirectory, pathOf } from './model-directory.ts';
import type { DirectoryPorts } from './model-directory.ts';
import { metricsPage } from './prometheus.ts';
import { linesOf, parseRequest } from './request.ts';
import type { Verb } from './request.ts';
import { RequestCounts } from './request-counts.ts';
import { classifyAnswer, columnAnswer, predictionsOf, regressAnswer, rowAnswer } from './results.ts';
import { findRoute } from './route.ts';
import type { ModelPath, Route } from './route.ts';
import { toScalars } from './scalar-rows.ts';

export interface PredictPorts extends DirectoryPorts {
  readonly scorer: Scorer;
  readonly logger: Pick<Logger, 'log'>;
}

export interface PredictOptions {
  readonly limits: PredictLimits;
  /** Models that are loaded before the service is ready, as `model`, `model@3` or `model@label`. */
  readonly warmUp: readonly string[];
  /** Batches of one model version and signature that are scored at once: as many as there are workers. */
  readonly concurrency: number;
}

/** Seconds after which a client that was refused for want of room may come again. */
const RETRY_AFTER = '1';

/**
 * Online prediction: TensorFlow Serving's REST API (https://www.tensorflow.org/tfx/serving/api_rest) on the engine, the decoding and the encoding of
 * jobs. Errors are `{"error": "text"}`.
 */
export class PredictService {
  readonly #ports: PredictPorts;
  readonly #options: PredictOptions;
  readonly #directory: ModelDirectory;
  readonly #batcher: Batcher;
  readonly #requests = new RequestCounts();
  #warm: 'cold' | 'warming' | 'warm' = 'cold';
  #failure: string | undefined;

  constructor(ports: PredictPorts, options: PredictOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#directory = new ModelDirectory(ports);
    this.#batcher = new Batcher(ports.scorer, options.limits, options.concurrency);
  }

  /** @throws what is the service's own fault, or the runtime's: whoever serves answers for it. */
  async answer(request: HttpRequest): Promise<HttpAnswer> {
    const route = findRoute(request.method, request.path);
    try {
      const answer = await this.#answer(route, request);
      this.#requests.add(route.kind, answer.status);
      return answer;
    } catch (error) {
      if (!(error instanceof PermanentError) && !(error instanceof BodyError)) throw error;
      const status = error instanceof BodyError ? error.status : refusal(error).status;
      this.#requests.add(route.kind, status);
      const busy = status === 429 || status === 503;
      return { status, body: { error: error.message }, ...(busy && { headers: { 'Retry-After': RETRY_AFTER } }) };
    }
  }

  async #answer(route: Route, request: HttpRequest): Promise<HttpAnswer> {
    switch (route.kind) {
      case 'status':
        return { status: 200, body: statusOf(await this.#directory.versions(route.path)) };
      case 'metadata':
        return { status: 200, body: metadataOf(await this.#directory.open(route.path)) };
      case 'predict':
      case 'classify':
      case 'regress':
        return this.#predict(route.kind, route.path, request);
      case 'live':
        return { status: 200, body: {} };
      case 'ready':
        return this.#ready();
      case 'metrics': {
        const totals = this.#ports.scorer.totals?.() ?? [];
        const { type, text } = await metricsPage(totals, this.#requests, this.#batcher.queued);
        return { status: 200, content: { type, bytes: Buffer.from(text) } };
      }
      case 'method':
        return {
          status: 405,
          headers: { Allow: route.allow },
          body: { error: `${request.method} ${request.path}: expected ${route.allow}` },
        };
      case 'none':
        return { status: 404, body: { error: `no such path: ${request.path}` } };
      default:
        return route satisfies never;
    }
  }

  async #predict(verb: Verb, path: ModelPath, request: HttpRequest): Promise<HttpAnswer> {
    const { limits } = this.#options;
    await this.#directory.find(path);
    const asked = parseRequest(await readBody(request, limits.maxBodyBytes), verb);
    const served = await this.#directory.open(path);
    const signature = signatureOf(
      served.description,
      asked.signatureName ?? served.signatureName,
      `model ${served.version.model}@${served.version.version}`,
      'INVALID_ARGUMENT', // as TensorFlow Serving: 400
    );
    checkMethod(signature, verb);
    const lines = linesOf(asked, signature, limits.maxInstances);
    const { model, version, digest } = served.version;
    const target = {
      model: { model, version, digest },
      signatureName: signature.name,
      ...(served.batchSize !== undefined && { batchSize: served.batchSize }),
    };
    const encoded = predictionsOf(await this.#batcher.score(target, lines), asked.kind);
    const predictions = lines.scalars ? encoded.map((prediction) => toScalars(prediction, signature)) : encoded;
    return json(encode(verb, asked.kind, predictions, signature));
  }

  /** Asked for the first time, the models to warm up with begin to load; ready is 200 once they are. */
  #ready(): HttpAnswer {
    if (this.#warm === 'cold') {
      this.#warm = 'warming';
      void this.#warmUp();
    }
    if (this.#warm === 'warm' || this.#options.warmUp.length === 0) return { status: 200, body: {} };
    return { status: 503, body: { error: this.#failure ?? 'models are being loaded' } };
  }

  /** A model that cannot be loaded is tried again when readiness is asked for again. */
  async #warmUp(): Promise<void> {
    const { logger } = this.#ports;
    try {
      for (const reference of this.#options.warmUp) {
        const { version, description } = await this.#directory.open(pathOf(reference));
        logger.log('INFO', 'model loaded', { ...version, runtime: description.runtime });
      }
      this.#warm = 'warm';
    } catch (error) {
      this.#failure = toErrorInfo(error).message;
      this.#warm = 'cold';
      logger.log('ERROR', `warming up failed: ${this.#failure}`, { error });
    }
  }
}

/** A signature that says what it is for is used for that; any can be asked to predict. */
function checkMethod({ name, method }: Signature, verb: Verb): void {
  if (verb === 'predict' || method === undefined || method === '' || method === PREDICT_METHOD) return;
  if (method.endsWith(`/${verb}`)) return;
  throw new PermanentError('INVALID_ARGUMENT', `signature "${name}": :${verb} cannot use a signature of ${method}`);
}

function encode(
  verb: Verb,
  kind: 'instances' | 'inputs' | 'examples',
  predictions: readonly Buffer[],
  signature: Signature,
): Buffer {
  if (verb === 'classify') return classifyAnswer(predictions, signature);
  if (verb === 'regress') return regressAnswer(predictions, signature);
  return kind === 'inputs' ? columnAnswer(predictions, signature) : rowAnswer(predictions);
}

function json(bytes: Buffer): HttpAnswer {
  return { status: 200, content: { type: 'application/json', bytes } };
}
