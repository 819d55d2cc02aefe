import fc from 'fast-check';

import { errorInfo } from '../../../shared/errors.ts';
import { RowEncoder } from '../../../shared/formats/row-encoder.ts';
import type { StoredObject } from '../../../shared/object.ts';
import type { ByteStream } from '../../../shared/ports.ts';
import type { Layout } from '../../../shared/predictions/layout.ts';
import type { PredictionsWriter } from '../../../shared/predictions/predictions-writer.ts';
import { DTYPES, newData } from '../../../shared/tensor.ts';
import type { DType, Tensor, TensorSpec } from '../../../shared/tensor.ts';
import { collect } from '../../contract/builders.ts';

/** Scored rows as the test knows them, and as the row encoder writes them. */
export interface Table {
  readonly label: 'key' | 'instance';
  readonly outputs: readonly TensorSpec[];
  readonly rows: readonly TableRow[];
  readonly lines: readonly string[];
}

export interface TableRow {
  /** JSON text. */
  readonly label: string;
  /** Nested lists of elements, one for each output; undefined where the row failed. */
  readonly values?: readonly unknown[];
}

export const FAILURE = errorInfo('INVALID_ARGUMENT', 'bad "luck", here\nand there');

const text = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', '\r', ' ', '💥', '\\', '{', '=') });
const float32 = fc.float().map(Math.fround);

const ELEMENTS: Readonly<Record<DType, fc.Arbitrary<unknown>>> = {
  float16: fc.integer({ min: -2048, max: 2048 }).map((value) => value / 16),
  float32,
  float64: fc.double(),
  int8: fc.integer({ min: -128, max: 127 }),
  uint8: fc.integer({ min: 0, max: 255 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 0xffffffff }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bool: fc.boolean(),
  string: text,
};

const labelText = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  text.map((value) => JSON.stringify(value)),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
);

interface OutputPlan {
  readonly spec: TensorSpec;
  readonly rowShape: readonly number[];
}

const outputPlan = fc
  .record({
    dtype: fc.constantFrom(...DTYPES),
    rowShape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
    known: fc.boolean(),
  })
  .map(({ dtype, rowShape, known }) => ({
    dtype,
    rowShape,
    shape: known ? [null, ...rowShape.map(() => null)] : null,
  }));

const outputPlans: fc.Arbitrary<readonly OutputPlan[]> = fc
  .array(outputPlan, { minLength: 1, maxLength: 4 })
  .chain((plans) =>
    fc
      .uniqueArray(fc.constantFrom('y', 'scores', 'key', 'error', 'prediction', 'é,"'), {
        minLength: plans.length,
        maxLength: plans.length,
      })
      .map((names) =>
        plans.map(({ dtype, rowShape, shape }, index) => ({
          spec: { name: names[index] ?? '', dtype, shape },
          rowShape,
        })),
      ),
  );

/** Any outputs, any keys or instances, some failed rows. */
export const anyTable: fc.Arbitrary<Table> = fc
  .tuple(outputPlans, fc.constantFrom('key' as const, 'instance' as const))
  .chain(([plans, label]) => {
    const values = fc.tuple(...plans.map(({ spec, rowShape }) => nested(ELEMENTS[spec.dtype], rowShape)));
    const row = fc.record({ label: labelText, values: fc.option(values, { nil: undefined, freq: 4 }) });
    return fc.array(row, { maxLength: 12 }).map((rows) =>
      tableOf(
        label,
        plans,
        rows.map(({ label: key, values: cells }) => ({ label: key, ...(cells && { values: cells }) })),
      ),
    );
  });

function nested(element: fc.Arbitrary<unknown>, [size, ...inner]: readonly number[]): fc.Arbitrary<unknown> {
  if (size === undefined) return element;
  return fc.array(nested(element, inner), { minLength: size, maxLength: size });
}

export function tableOf(label: Table['label'], plans: readonly OutputPlan[], rows: readonly TableRow[]): Table {
  const outputs = plans.map(({ spec }) => spec);
  const encoder = new RowEncoder({ label, outputs });
  const labels = rows.map((row) => Buffer.from(row.label));
  const ends = Int32Array.from(labels, (_, index) =>
    labels.slice(0, index + 1).reduce((sum, { length }) => sum + length, 0),
  );
  const scored = rows.flatMap(({ values }, index) => (values === undefined ? [] : [{ values, index }]));
  const tensors = plans.map(({ spec, rowShape }, index) => [
    spec.name,
    tensorOf(
      spec.dtype,
      [scored.length, ...rowShape],
      scored.flatMap(({ values }) => [values[index]].flat(Infinity)),
    ),
  ]);
  encoder.encode(
    {
      rowCount: rows.length,
      labels: Buffer.concat(labels),
      labelStarts: ends.map((end, index) => end - (labels[index]?.length ?? 0)),
      labelEnds: ends,
      groups: [],
      errors: new Map(rows.flatMap(({ values }, index) => (values === undefined ? [[index, FAILURE]] : []))),
    },
    [{ rows: Int32Array.from(scored, ({ index }) => index), outputs: Object.fromEntries(tensors) as never }],
    new Map(),
  );
  const lines = Buffer.from(encoder.take().bytes).toString().split('\n').slice(0, -1);
  return { label, outputs, rows, lines };
}

function tensorOf(dtype: DType, shape: number[], elements: unknown[]): Tensor {
  const data = newData(dtype, elements.length) as unknown[];
  elements.forEach((element, index) => void (data[index] = element));
  return { dtype, shape, data } as Tensor;
}

/** How the rows fall into parts, and the bytes of a chunk. */
export const anyCuts = fc.record({
  cuts: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 4 }).map((cuts) => cuts.sort((a, b) => a - b)),
  chunkBytes: fc.integer({ min: 1, max: 100 }),
});

export type Cuts = typeof anyCuts extends fc.Arbitrary<infer T> ? T : never;

/** The lines in parts, each written apart, and joined as the commit joins them. */
export async function writeJoined(
  writer: PredictionsWriter,
  layout: Layout,
  lines: readonly string[],
  { cuts, chunkBytes }: Cuts,
): Promise<Buffer> {
  const bounds = [0, ...cuts.map((cut) => Math.min(cut, lines.length)), lines.length];
  const parts: Uint8Array[] = [];
  for (let index = 1; index < bounds.length; index++) {
    const own = lines.slice(bounds[index - 1], bounds[index]);
    parts.push(Buffer.concat(await collect(writer.part(chunked(own, chunkBytes), layout))));
  }
  const objects = parts.map(({ length }, index) => stored(String(index), length));
  const footer = await writer.footer(layout, objects, ({ name }, start, end) =>
    Promise.resolve((parts[Number(name)] ?? Buffer.of()).subarray(start, end)),
  );
  return Buffer.concat([writer.header(layout), ...parts, footer]);
}

function stored(name: string, size: number): StoredObject {
  return { bucket: 'scratch', name, generation: '1', size, crc32c: 'AAAAAA==' };
}

export async function* chunked(lines: readonly string[], chunkBytes: number): ByteStream {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  for (let at = 0; at < bytes.length; at += chunkBytes) yield Promise.resolve(bytes.subarray(at, at + chunkBytes));
}
