import { toErrorInfo } from '../../shared/errors.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import type { Ports } from '../../shared/ports.ts';
import type { PredictConfig } from '../config.ts';
import type { HttpAnswer, HttpRequest } from '../http/exchange.ts';
import { StoppingError } from '../http/lifecycle.ts';
import type { Lifecycle } from '../http/lifecycle.ts';
import { PredictService } from './predict-service.ts';

interface Composition {
  readonly config: () => { readonly predict: PredictConfig };
  readonly ports: () => Pick<Ports, 'models' | 'clock' | 'logger'>;
  readonly scorer: () => Promise<Ports['scorer']>;
}

/** An instance scores in one thread: the next batch is decoded while one computes. */
const CONCURRENCY = 2;

/** The deployed function: one service per instance, made at its first request. */
export function predictHandler(
  { config, ports, scorer }: Composition,
  lifecycle: Lifecycle,
): (request: HttpRequest) => Promise<HttpAnswer> {
  let service: Promise<PredictService> | undefined;
  const make = async (): Promise<PredictService> => {
    const { models, clock, logger } = ports();
    return new PredictService(
      { models, clock, logger, scorer: await scorer() },
      { ...config().predict, concurrency: CONCURRENCY },
    );
  };
  /** What could not be made is tried again by the next request. */
  const get = (): Promise<PredictService> => {
    if (service === undefined) {
      service = make();
      service.catch(() => (service = undefined));
    }
    return service;
  };
  return async (request) => {
    try {
      return await lifecycle.run(async () => (await get()).answer(request));
    } catch (error) {
      if (error instanceof StoppingError) return { status: 503, body: { error: error.message } };
      ports().logger.log('ERROR', `predict failed: ${toErrorInfo(error).message}`, { error });
      if (!(error instanceof ModelLostError)) return { status: 500, body: { error: 'internal error: see the log' } };
      // Every later call of that model would fail too. The platform starts a fresh process in this one's place.
      lifecycle.stop('the model runtime broke', 1);
      return { status: 503, body: { error: error.message } };
    }
  };
}
