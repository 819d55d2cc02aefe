import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startDevServer } from '../../../../cli/dev-server.ts';
import type { DevServer } from '../../../../cli/dev-server.ts';
import { LocalPipeline } from '../../../../infra/local/pipeline.ts';
import { MemoryLogger } from '../../../../infra/memory/logger.ts';
import { timesOnnx, Workspace } from '../../../cli/workspace.ts';
import { float32 } from '../model-files.ts';
import { makeOnnx } from '../onnx-maker.ts';
import { load } from './server.ts';

/** Fanfold's own prediction service, asked by Fanfold's own remote models, over HTTP. */
describe('a remote model on the prediction service', () => {
  const workspace = new Workspace();
  let pipeline: LocalPipeline;
  let server: DevServer;

  beforeAll(async () => {
    workspace.write('models/triple/4/model.onnx', timesOnnx(3, ['N', 2]));
    const ids = { name: 'id', type: 'int64', shape: ['N'] } as const;
    workspace.write(
      'models/same/1/model.onnx',
      makeOnnx({
        nodes: [{ op: 'Identity', inputs: ['id'], outputs: ['same'] }],
        initializers: [],
        inputs: [ids],
        outputs: [{ ...ids, name: 'same' }],
      }),
    );
    pipeline = new LocalPipeline({
      ledger: workspace.path('ledger.db'),
      buckets: {},
      models: { kind: 'root', folder: workspace.path('models') },
      workers: 1,
      logger: new MemoryLogger(),
    });
    server = await startDevServer({ ports: pipeline.ports, workers: 1, port: 0 });
  });
  afterAll(async () => {
    await server.close();
    await pipeline.close();
    workspace.remove();
  });

  it('learns its signature there, and gets its predictions', async () => {
    const url = `${server.url}/v1/models/triple/versions/4`;
    const model = await load({ protocol: 'tf-serving', url, metadata: true, batchSize: 3 });
    expect(model.signatures['serving_default']).toMatchObject({
      inputs: [{ name: 'x', dtype: 'float32', shape: [null, 2] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [null, 2] }],
    });
    const values = [0, -1, 0.1, 2.5, 1e30, -1e-30, 7, 8];
    const { y } = await model.predict('serving_default', { x: float32([4, 2], values) });
    expect(y).toEqual(
      float32(
        [4, 2],
        values.map((value) => Math.fround(Math.fround(value) * 3)),
      ),
    );
  });

  it('keeps every digit of an int64', async () => {
    const model = await load({ protocol: 'tf-serving', url: `${server.url}/v1/models/same`, metadata: true });
    const id = {
      dtype: 'int64',
      shape: [3],
      data: BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 9007199254740993n),
    } as const;
    expect(await model.predict('serving_default', { id })).toEqual({ same: id });
  });

  it('takes the infinities that come out', async () => {
    const model = await load({ protocol: 'tf-serving', url: `${server.url}/v1/models/triple`, metadata: true });
    const x = float32([1, 2], [3e38, -3e38]);
    expect(await model.predict('serving_default', { x })).toEqual({ y: float32([1, 2], [Infinity, -Infinity]) });
  });

  it('that is not there is NOT_FOUND, in the words of the service', async () => {
    const config = { protocol: 'tf-serving', url: `${server.url}/v1/models/nobody`, metadata: true };
    await expect(load(config)).rejects.toMatchObject({
      status: 'FAILED_PRECONDITION',
      message: expect.stringContaining('answered 404') as string,
    });
  });
});
