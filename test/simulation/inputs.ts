import { gzipSync } from 'node:zlib';

import type { InstancesFormat } from '../../shared/formats/format.ts';
import type { JobTemplate } from '../../shared/job-template.ts';
import type { Random } from './random.ts';
import { REJECTED } from './tiny-model.ts';

/** What one output line must say, known from how its instance was made. */
export interface ExpectedRow {
  /** The JSON text of the key or instance; undefined: not known. */
  readonly label?: string;
  /** Undefined: an error. */
  readonly y?: number;
  /** An error only as long as the model is a strict one. */
  readonly rejected?: boolean;
}

interface InputFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly rows: readonly ExpectedRow[];
}

/** A job to be simulated. */
export interface Scenario {
  /** An object dropped into the input bucket, or a call of the jobs API (several files). */
  readonly entry: 'upload' | 'submit';
  readonly template: JobTemplate;
  readonly splitBytes: number;
  readonly files: readonly InputFile[];
}

export type Labels = 'key' | 'row' | 'instance';

export function labelsOf({ template: { instanceConfig } }: Scenario): Labels {
  if (instanceConfig?.keyField !== undefined) return 'key';
  return instanceConfig?.rowKeys === true ? 'row' : 'instance';
}

/** The lines that the job's output must hold, in order. */
export function expectedRows(scenario: Scenario): readonly ExpectedRow[] {
  const rows = scenario.files.flatMap((file) => file.rows);
  return labelsOf(scenario) === 'row' ? rows.map((row, index) => ({ ...row, label: String(index) })) : rows;
}

export interface ScenarioOptions {
  /** More splits than one compose call can join. */
  readonly manySplits?: boolean;
  /** An echoed instance that makes its result too large for a document. */
  readonly largeResult?: boolean;
  /** No row that can only be an error. */
  readonly scorable?: boolean;
}

const MAX_ROW_BYTES = 120;
const LARGE = 950 * 1024;

export function makeScenario(random: Random, options: ScenarioOptions = {}): Scenario {
  const { manySplits = false, largeResult = false } = options;
  const format: InstancesFormat = !largeResult && random.chance(0.35) ? 'csv' : 'jsonl';
  const labels: Labels = largeResult ? 'instance' : random.pick<Labels>(['key', 'row', 'instance']);
  const entry = random.chance(0.4) ? 'upload' : 'submit';
  const limited = !largeResult && random.chance(0.3);
  const files = entry === 'upload' || manySplits ? 1 : random.int(1, 3);
  const maker = new FileMaker(random, { format, labels, limited, ...options });
  return {
    entry,
    splitBytes: manySplits ? random.int(24, 48) : largeResult ? LARGE : random.int(64, 400),
    template: {
      instanceConfig: {
        excludedFields: ['note'],
        ...(format === 'csv' && { instanceType: 'object' }),
        ...(labels === 'key' && { keyField: 'id' }),
        ...(labels === 'row' && { rowKeys: true }),
      },
      maxItemsPerBatch: random.int(1, 8),
      maxInputBytesPerBatch: random.chance(0.5) ? random.int(30, 200) : 100_000,
      ...(limited && { maxRowBytes: MAX_ROW_BYTES }),
      ...(random.chance(0.3) && { manualBatchTuningParameters: { batchSize: random.int(1, 5) } }),
    },
    files: Array.from({ length: files }, (_, index) => maker.file(index, entry)),
  };
}

interface FileOptions extends ScenarioOptions {
  readonly format: InstancesFormat;
  readonly labels: Labels;
  readonly limited: boolean;
}

interface Record {
  readonly text: string;
  readonly row: ExpectedRow;
}

class FileMaker {
  readonly #random: Random;
  readonly #options: FileOptions;

  constructor(random: Random, options: FileOptions) {
    this.#random = random;
    this.#options = options;
  }

  file(index: number, entry: Scenario['entry']): InputFile {
    const random = this.#random;
    const { format, manySplits, largeResult } = this.#options;
    const size = manySplits ? random.int(70, 110) : largeResult ? 3 : random.delay(entry === 'upload' ? 1 : 0, 60);
    const records = Array.from({ length: size }, (_, row) => this.#record(row));
    const newline = random.chance(0.2) ? '\r\n' : '\n';
    const lines = records.map(({ text }) => `${this.#blankLines(newline)}${text}`);
    const header = format === 'csv' ? `${this.#columns().join(',')}${newline}` : '';
    const end = random.chance(0.5) ? newline : '';
    const bom = random.chance(0.1) ? '\uFEFF' : '';
    const content = Buffer.from(`${bom}${header}${lines.join(newline)}${end}`);
    const gzip = !manySplits && !largeResult && random.chance(0.25);
    const name = `tiny/in/${String(index)}.${format}${gzip ? '.gz' : ''}`;
    return { name, content: gzip ? gzipSync(content) : content, rows: records.map(({ row }) => row) };
  }

  #columns(): string[] {
    return this.#options.labels === 'key' ? ['id', 'x', 'note'] : ['x', 'note'];
  }

  #blankLines(newline: string): string {
    if (!this.#random.chance(0.06)) return '';
    return this.#options.format === 'jsonl' && this.#random.chance(0.5) ? `  \t${newline}` : newline;
  }

  #record(index: number): Record {
    const random = this.#random;
    if (this.#options.largeResult) return this.#jsonLine(String(index), `"${'n'.repeat(index === 1 ? LARGE : 5)}"`);
    const value = random.chance(0.08) && !this.#options.scorable ? this.#wrongValue() : this.#value();
    const note = this.#options.limited && random.chance(0.05) ? 'long '.repeat(40) : random.pick(['', 'n', 'a, "b"']);
    return this.#options.format === 'csv' ? this.#csvRecord(value, note) : this.#jsonLine(value, JSON.stringify(note));
  }

  #value(): string {
    return this.#random.chance(0.07) ? String(REJECTED) : String(this.#random.int(-200, 200) / 2);
  }

  #wrongValue(): string {
    return this.#random.pick(['"text"', 'true', '[1,2]', '{"y":1}']);
  }

  #jsonLine(value: string, note: string): Record {
    const random = this.#random;
    const key = this.#jsonKey();
    const fields = [`"x":${value}`, ...(note === '""' ? [] : [`"note":${note}`])];
    if (this.#options.labels === 'key') fields.splice(random.int(0, fields.length), 0, `"id": ${key}`);
    const broken = !this.#options.scorable && !this.#options.largeResult && random.chance(0.03);
    const text = broken ? `{${fields.join(', ')}` : `{${fields.join(', ')}}`;
    const label = this.#options.labels === 'key' ? key : text;
    return { text, row: broken ? {} : this.#expect(value, label, text) };
  }

  #jsonKey(): string {
    const random = this.#random;
    const number = String(random.int(0, 30));
    return random.pick([
      number,
      `"k${number}"`,
      '9007199254740993123',
      '"é\\n\\u0041\\"q"',
      'null',
      '[1, {"a":2}]',
      '-1.50',
    ]);
  }

  #csvRecord(value: string, note: string): Record {
    const random = this.#random;
    const number = String(random.int(0, 30));
    const [cell, key] = random.pick([
      [number, number],
      [`k${number}`, JSON.stringify(`k${number}`)],
      [`"a\nb,${number}"`, JSON.stringify(`a\nb,${number}`)],
      ['"say ""x"""', JSON.stringify('say "x"')],
    ] as const);
    const cells = [quoted(value), random.chance(0.2) ? '"two\nlines, ""q"""' : quoted(note)];
    if (this.#options.labels === 'key') cells.unshift(cell);
    if (!this.#options.scorable && random.chance(0.03)) return { text: `${cells.join(',')},one too many`, row: {} };
    const text = cells.join(',');
    return { text, row: this.#expect(value, this.#options.labels === 'key' ? key : undefined, text) };
  }

  #expect(value: string, label: string | undefined, text: string): ExpectedRow {
    if (this.#options.limited && Buffer.byteLength(text) > MAX_ROW_BYTES - 2) {
      // The line's end counts as well: too close to the limit to say, but only records far beyond it are made.
      return {};
    }
    const known = label === undefined ? {} : { label };
    const x = Number(value);
    if (Number.isNaN(x)) return known;
    return x === REJECTED ? { ...known, y: 5 * x, rejected: true } : { ...known, y: 5 * x };
  }
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
