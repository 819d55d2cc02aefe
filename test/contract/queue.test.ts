import { LocalQueue } from '../../infra/local/queue.ts';
import { MemoryQueue } from '../../infra/memory/queue.ts';
import { queueContract } from './queue.ts';

queueContract('memory', (handler) => Promise.resolve({ queue: new MemoryQueue((message) => void handler(message)) }), {
  redelivers: false,
});

queueContract(
  'local',
  (handler) => {
    const queue = new LocalQueue({
      handlers: { splits: handler, shards: handler, assembly: handler },
      deadLetter: () => Promise.resolve(),
      concurrency: { splits: 2, shards: 2, assembly: 2 },
      backoff: { minMs: 1, maxMs: 10, multiplier: 2, jitter: 0.5 },
    });
    return Promise.resolve({ queue, close: () => queue.close({ drain: false }) });
  },
  { redelivers: true },
);
