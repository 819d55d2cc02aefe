import { BYTES, WireReader } from '../../../formats/example/example-wire.ts';
import { decodeExample, type ExampleFeature } from '../../../formats/example/example.ts';

/** A serialized tf.SequenceExample: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/example.proto */
export interface SequenceExample {
  readonly context: ReadonlyMap<string, ExampleFeature>;
  /** By name, a feature of each step; undefined where the step has none. */
  readonly lists: ReadonlyMap<string, readonly (ExampleFeature | undefined)[]>;
}

/** Steps of all lists: each takes far more memory than wire bytes. */
const MAX_STEPS = 1 << 20;
const CONTEXT = 1;
const LISTS = 2;
const NAME = 1;
const VALUE = 2;

/** @throws RowError (broken messages), RangeError (more than 2^20 steps). */
export function decodeSequenceExample(bytes: Uint8Array): SequenceExample {
  const context: Uint8Array[] = [];
  const lists = new Map<string, (ExampleFeature | undefined)[]>();
  let steps = 0;
  eachField(bytes, (field, value) => {
    if (field === CONTEXT) context.push(value);
    if (field !== LISTS) return;
    eachField(value, (_, entry) => {
      let name = '';
      const features: (ExampleFeature | undefined)[] = [];
      eachField(entry, (part, content) => {
        if (part === NAME) name = Buffer.from(content).toString('utf8');
        if (part !== VALUE) return;
        eachField(content, (__, feature) => {
          if (++steps > MAX_STEPS) throw new RangeError(`more than ${MAX_STEPS} steps`);
          features.push(featureOf(feature));
        });
      });
      lists.set(name, features);
    });
  });
  // A context is an Example's features: both are field 1.
  return { context: decodeExample(Buffer.concat(context.map((features) => field(1, features)))), lists };
}

/** As the only feature of an Example. */
function featureOf(feature: Uint8Array): ExampleFeature | undefined {
  return decodeExample(field(1, field(1, field(2, feature)))).get('');
}

function field(number: number, content: Uint8Array): Buffer {
  const head: number[] = [(number << 3) | BYTES];
  let size = content.length;
  for (; size > 0x7f; size = Math.floor(size / 0x80)) head.push((size & 0x7f) | 0x80);
  return Buffer.concat([Uint8Array.of(...head, size), content]);
}

function eachField(bytes: Uint8Array, take: (field: number, value: Uint8Array) => void): void {
  const wire = new WireReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  while (wire.pos < bytes.length) {
    const number = wire.tag(bytes.length);
    if (wire.type !== BYTES) {
      wire.skip(bytes.length);
      continue;
    }
    const end = wire.length(bytes.length);
    take(number, bytes.subarray(wire.pos, end));
    wire.pos = end;
  }
}
