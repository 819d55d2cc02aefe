import { cloudEvent, http } from '@google-cloud/functions-framework';
import type { HttpFunction } from '@google-cloud/functions-framework';

// The composition root: the one place of functions/ that knows what it runs on.
/* eslint-disable import-x/no-restricted-paths */
import { traceOf, withTrace } from '../infra/gcp/logger.ts';
import { cloudPipeline } from '../infra/gcp/pipeline.ts';
/* eslint-enable import-x/no-restricted-paths */
import { readConfig } from './config.ts';
import { createHandlers } from './handlers.ts';
import type { HttpHandler } from './handlers.ts';
import { sendAnswer } from './http/exchange.ts';
import { Lifecycle, takeOverSigterm } from './http/lifecycle.ts';
import { keepApiBodies } from './http/raw-body.ts';

const pipeline = cloudPipeline(() => readConfig(process.env));
const lifecycle = new Lifecycle({ logger: () => pipeline.ports().logger, exit: (code) => process.exit(code) });
const handlers = createHandlers(pipeline, lifecycle);

takeOverSigterm(lifecycle);
keepApiBodies();

/** What a handler logs belongs to the request's trace. */
function serve(handler: HttpHandler): HttpFunction {
  return async (request, response) => {
    const answer = await withTrace(traceOf(request.headers), () => handler(request));
    sendAnswer(response, answer);
  };
}

// In the order of the flow. Pushes are taken as HTTP: as CloudEvents they would lose the subscription and the delivery attempt.
cloudEvent('upload', (event: unknown) => handlers.upload(event));
http('split', serve(handlers.split));
http('score', serve(handlers.score));
http('finalize', serve(handlers.finalize));
http('dead-letter', serve(handlers.deadLetter));
http('sweep', serve(handlers.sweep));
http('jobs', serve(handlers.jobs));
http('predict', serve(handlers.predict));

// Models to warm up with load while the instance starts, not when somebody asks whether it is ready.
if (process.env['FUNCTION_TARGET'] === 'predict')
  void handlers.predict({ method: 'GET', path: '/ready', headers: {}, query: {}, body: undefined });
