import { needsRowNumbers } from '../../shared/fan-in.ts';
import type { Job } from '../../shared/job.ts';
import type { ByteStream, Ports } from '../../shared/ports.ts';
import { layoutOf } from '../../shared/predictions/layout.ts';
import { predictionsWriter } from '../../shared/predictions/registry.ts';
import type { Part } from '../../shared/shard.ts';
import type { TensorSpec } from '../../shared/tensor.ts';
import { Assembly } from './assembly.ts';

export type AssemblePorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'clock' | 'logger'>;

/**
 * The signature's outputs, where the job's format needs them: those of the split's first shard in which a model ran. All shards are scored by
 * one signature of one model version.
 */
export async function findOutputs(
  ports: Pick<Ports, 'ledger'>,
  job: Job,
  split: number,
): Promise<readonly TensorSpec[] | undefined> {
  if (job.spec.predictionsFormat === 'jsonl') return undefined;
  for await (const { outputs } of ports.ledger.readResults(job.id, split)) if (outputs !== undefined) return outputs;
  return undefined;
}

/**
 * Writes a complete split's part, in the job's format, under that name.
 * @throws PermanentError DATA_LOSS where the results are not those that were cut.
 */
export async function writePart(
  ports: Pick<Ports, 'objects' | 'ledger'>,
  job: Job,
  split: number,
  outputs: readonly TensorSpec[] | undefined,
  name: string,
): Promise<Part> {
  const record = await ports.ledger.getSplit(job.id, split);
  if (record === undefined) throw new Error(`no record [job=${job.id}, split=${split}]`);
  const firstRow = needsRowNumbers(job) ? await ports.ledger.rowsBefore(job.id, split) : undefined;
  const writer = await predictionsWriter(job.spec.predictionsFormat);
  const layout = layoutOf(job.spec.instanceConfig, outputs);
  const begin = (): { assembly: Assembly; content: CountedBytes } => {
    const assembly = new Assembly(ports, job, record, firstRow);
    return { assembly, content: new CountedBytes(writer.part(assembly.lines(), layout)) };
  };
  let pass = begin();
  const { created, object } = await ports.objects.create(job.plan.scratch.bucket, name, pass.content.stream());
  if (!created) {
    // Written by an attempt that ended before it could say so. Results never change, so the content is equal; its index is counted anew.
    pass = begin();
    await pass.content.drain();
  }
  return { ...pass.assembly.part(object, pass.content.size), ...(outputs && { outputs }) };
}

/** A stream, and how many bytes it gave. */
class CountedBytes {
  readonly #bytes: ByteStream;
  size = 0;

  constructor(bytes: ByteStream) {
    this.#bytes = bytes;
  }

  async *stream(): ByteStream {
    for await (const chunk of this.#bytes) {
      this.size += chunk.length;
      yield chunk;
    }
  }

  async drain(): Promise<void> {
    for await (const chunk of this.#bytes) this.size += chunk.length;
  }
}
