import { errorInfo } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import { asBuffer } from '../../shared/formats/ascii.ts';
import { ByteWriter } from '../../shared/formats/byte-writer.ts';
import type { InstanceConfig, RowBatch } from '../../shared/formats/format.ts';
import { exactInteger } from '../../shared/formats/integer-text.ts';
import type { ScoredRows } from '../../shared/formats/row-encoder.ts';
import { TensorWriter } from '../../shared/formats/tensor-writer.ts';
import type { Signature } from '../../shared/models/model.ts';
import { takeRows } from '../../shared/models/row-chunks.ts';
import type { StringElement, Tensor } from '../../shared/tensor.ts';

interface CheckedKeys {
  /** The rows that came back with their own keys. */
  readonly scored: readonly ScoredRows[];
  /** The others, by their rows in the batch. */
  readonly errors: ReadonlyMap<number, ErrorInfo>;
}

const NO_ERRORS: ReadonlyMap<number, ErrorInfo> = new Map();
/** Characters of a key that a message shows. */
const SHOWN_CHARACTERS = 80;
/** The values in a JSON text of lists: bytes, strings, and all else. */
const VALUES = /\{[^}]*\}|"(?:[^"\\]|\\.)*"|[^\s,[\]]+/g;

/**
 * Where the key goes through the model (it takes and returns a tensor of the key field's name), every row must come back with its own: a model that
 * mixes up its rows is found here. Integers are compared with all their digits, floats at the precision that the model returns.
 */
export function checkKeys(
  batch: RowBatch,
  scored: readonly ScoredRows[],
  instanceConfig: InstanceConfig,
  signature: Signature,
): CheckedKeys {
  const { keyField } = instanceConfig;
  if (keyField === undefined || !goesThrough(keyField, instanceConfig, signature)) return { scored, errors: NO_ERRORS };
  const labels = asBuffer(batch.labels);
  const errors = new Map<number, ErrorInfo>();
  const kept: ScoredRows[] = [];
  for (const group of scored) {
    const returned = group.outputs[keyField];
    const { rows } = group;
    if (returned?.shape[0] !== rows.length) {
      // The encoder refuses such an output as a whole.
      kept.push(group);
      continue;
    }
    const good: number[] = [];
    rows.forEach((row, index) => {
      const key = labels.toString('utf8', batch.labelStarts[row], batch.labelEnds[row]);
      if (isKey(key, returned, index, rows.length)) good.push(index);
      else errors.set(row, mixedUp(returned, index, key));
    });
    if (good.length === rows.length) kept.push(group);
    else if (good.length > 0) {
      kept.push({ rows: Int32Array.from(good, (index) => rows[index] ?? 0), outputs: takeRows(group.outputs, good) });
    }
  }
  return errors.size === 0 ? { scored, errors: NO_ERRORS } : { scored: kept, errors };
}

/** Whether the model gets the key and returns it. */
function goesThrough(
  keyField: string,
  { includedFields, excludedFields }: InstanceConfig,
  { inputs, outputs, examples }: Signature,
): boolean {
  const isKey = ({ name }: { readonly name: string }): boolean => name === keyField;
  if (!outputs.some(isKey)) return false;
  if (includedFields?.includes(keyField) === false || excludedFields?.includes(keyField) === true) return false;
  return inputs.some(isKey) || examples?.features?.some(isKey) === true;
}

/** Whether a row of the tensor holds the key's values: a list's in order, however it is nested. @param key JSON text. */
function isKey(key: string, { dtype, data }: Tensor, index: number, rows: number): boolean {
  const size = data.length / rows;
  const first = key.charCodeAt(0);
  const values = first === OPEN_BRACKET ? (key.match(VALUES) ?? []) : [key];
  if (values.length !== size) return false;
  return values.every((value, place) => {
    const element = data[index * size + place];
    return element !== undefined && isSame(value, element, dtype);
  });
}

const OPEN_BRACKET = 91;

function isSame(value: string, element: StringElement | number | bigint, dtype: Tensor['dtype']): boolean {
  if (typeof element === 'string') return textOf(value) === element;
  if (typeof element === 'object') return bytesOf(value).equals(element);
  if (value === String(element)) return true;
  if (typeof element === 'number' && dtype.startsWith('float')) {
    const number = value.startsWith('"') ? Number(textOf(value)) : Number(value);
    return Object.is(rounded(number, dtype) + 0, element + 0);
  }
  // A quoted cell of CSV is a string as a key, and still a number for the model.
  const text = value.startsWith('"') ? textOf(value).trim() : value;
  if (dtype === 'bool') return text.toLowerCase() === (element === 0 ? 'false' : 'true');
  return exactInteger(text) === BigInt(element);
}

/** At the precision of the dtype. */
function rounded(value: number, dtype: Tensor['dtype']): number {
  if (dtype === 'float64') return value;
  return dtype === 'float32' ? Math.fround(value) : Math.f16round(value);
}

/** The string that a JSON string or `{"b64": …}` is; of another value, its text. */
function textOf(value: string): string {
  if (value.startsWith('"')) return JSON.parse(value) as string;
  return value.startsWith('{') ? bytesOf(value).toString('utf8') : value;
}

function bytesOf(value: string): Buffer {
  if (!value.startsWith('{')) return Buffer.from(textOf(value));
  const { b64 } = JSON.parse(value) as { readonly b64?: unknown };
  return Buffer.from(typeof b64 === 'string' ? b64 : '', 'base64');
}

function mixedUp(returned: Tensor, index: number, key: string): ErrorInfo {
  const out = new ByteWriter();
  new TensorWriter('', returned).row(out, index);
  const found = shown(out.take().toString('utf8'));
  return errorInfo('INTERNAL', `the model returned key ${found} for the row with key ${shown(key)}`);
}

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : text;
}
