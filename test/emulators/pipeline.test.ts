import { afterAll, beforeAll, describe } from 'vitest';

import { START_TIMEOUT_MS, withEmulator } from '../contract-gcp/emulators.ts';
import { FakeBigQuery } from '../infra/gcp/fake-bigquery.ts';
import { attackSuite } from './attack-suite.ts';
import { bigQuerySuite, QUERY_DATASET } from './bigquery-suite.ts';
import { inputsSuite } from './inputs-suite.ts';
import { jobsSuite } from './jobs-suite.ts';
import { modelsSuite } from './models-suite.ts';
import { outputSuite } from './output-suite.ts';
import { predictSuite } from './predict-suite.ts';
import { Running } from './running.ts';

withEmulator('pubsub', () => {
  withEmulator('firestore', () => {
    // One stack for all: it takes longer to start than most of the jobs.
    describe('the deployed functions on the emulators', () => {
      let running: Running | undefined;
      const bigQuery = new FakeBigQuery();
      let closeBigQuery = (): void => undefined;
      const of = (): Running => {
        if (running === undefined) throw new Error('the stack did not start');
        return running;
      };
      beforeAll(async () => {
        const { endpoint, close } = await bigQuery.listen(500);
        closeBigQuery = close;
        const bigquery = { endpoint, queryDataset: QUERY_DATASET };
        running = await Running.start({ storage: { notifyDuplicates: 2 }, warmUp: 'mlp@1', bigquery });
      }, START_TIMEOUT_MS);
      afterAll(async () => {
        await running?.stack.close();
        closeBigQuery();
      });
      outputSuite(of);
      inputsSuite(of);
      bigQuerySuite(of, bigQuery);
      modelsSuite(of);
      jobsSuite(of);
      predictSuite(of);
      attackSuite(of);
    });
  });
});
