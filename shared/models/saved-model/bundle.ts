import { crc32c, maskCrc32c } from '../../crc32c.ts';
import { oneLine, PermanentError } from '../../errors.ts';
import { siblingFile } from '../file-path.ts';
import type { ModelFiles } from '../model.ts';
import { readBundleIndex } from './bundle-entry.ts';
import type { BundleEntry, BundleIndex } from './bundle-entry.ts';
import { sliceKey } from './bundle-key.ts';
import { parseShapeAndSlice } from './bundle-shape-and-slice.ts';
import { boxOf, checkCover, cutSlice, joinSlices } from './bundle-slices.ts';
import { readStrings } from './bundle-strings.ts';
import { DT } from './graph-def.ts';
import { countOf, elementBytes, valuesFromBytes } from './tensor-bytes.ts';
import type { TfTensor } from './tensor-bytes.ts';

const PREFIX = 'variables/variables';

/** The tensors of a checkpoint: an index and data shards, which are read once, when first needed, and held until the bundle is let go. */
export interface Bundle {
  /** Of whole tensors, in order; not of the slices of partitioned ones. */
  readonly keys: readonly string[];
  has(key: string): boolean;
  /**
   * A tensor, its checksum verified; a partitioned one put together. Its data may be a view of a shard's bytes.
   * @throws PermanentError NOT_FOUND where there is no such key, INVALID_ARGUMENT where what the index says of it cannot be true, DATA_LOSS
   * where the checksum is wrong.
   */
  tensor(key: string): Promise<TfTensor>;
  /** As RestoreV2 does: the part that `shapeAndSlice` (`4 20 0,2:-`) asks for, or all where it is empty. */
  restore(key: string, shapeAndSlice: string): Promise<TfTensor>;
}

/** @throws PermanentError where the index or a data shard is missing, or the index cannot be read. */
export async function openBundle(files: ModelFiles, prefix = PREFIX): Promise<Bundle> {
  const index = `${prefix}.index`;
  const bundle = new FileBundle(files, prefix, await readBundleIndex(files, siblingFile(files, 'the model', index)));
  return bundle;
}

class FileBundle implements Bundle {
  readonly keys: readonly string[];
  readonly #files: ModelFiles;
  readonly #source: string;
  readonly #index: BundleIndex;
  readonly #shardNames: readonly string[];
  readonly #shards = new Map<number, Promise<Uint8Array>>();

  constructor(files: ModelFiles, prefix: string, index: BundleIndex) {
    this.#files = files;
    this.#source = `${files.label}: ${prefix}`;
    this.#index = index;
    const total = fiveDigits(index.shards);
    this.#shardNames = Array.from({ length: index.shards }, (_, shard) =>
      siblingFile(files, `${prefix}.index`, `${prefix}.data-${fiveDigits(shard)}-of-${total}`),
    );
    // A slice's key starts with the ordered code of 0.
    this.keys = [...index.entries.keys()].filter((key) => !key.startsWith('\0'));
  }

  has(key: string): boolean {
    return this.#index.entries.has(latin1(key));
  }

  async tensor(key: string): Promise<TfTensor> {
    const entry = this.#entry(latin1(key));
    try {
      return entry.slices.length > 0 ? await this.#join(latin1(key), entry) : await this.#read(entry);
    } catch (error) {
      if (error instanceof PermanentError && error.status !== 'DATA_LOSS') throw error;
      const status = error instanceof PermanentError ? error.status : 'INVALID_ARGUMENT';
      if (!(error instanceof RangeError || error instanceof PermanentError)) throw error;
      throw new PermanentError(status, `${this.#source} cannot give ${JSON.stringify(key)}: ${oneLine(error)}`, {
        cause: error,
      });
    }
  }

  async restore(key: string, shapeAndSlice: string): Promise<TfTensor> {
    const tensor = await this.tensor(key);
    if (shapeAndSlice === '') return tensor;
    try {
      return cutSlice(tensor, parseShapeAndSlice(shapeAndSlice, tensor.shape));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const what = `${JSON.stringify(shapeAndSlice)} of ${JSON.stringify(key)}`;
      throw new PermanentError('INVALID_ARGUMENT', `${this.#source} cannot give ${what}: ${error.message}`, {
        cause: error,
      });
    }
  }

  #entry(key: string): BundleEntry {
    const entry = this.#index.entries.get(key);
    if (!entry) throw new PermanentError('NOT_FOUND', `${this.#source} holds no tensor ${JSON.stringify(key)}`);
    return entry;
  }

  async #join(key: string, entry: BundleEntry): Promise<TfTensor> {
    const shape = knownShape(entry);
    const boxes = entry.slices.map((extents) => boxOf(extents, shape));
    checkCover(boxes, shape);
    const slices = boxes.map((box, i) => [box, this.#entry(sliceKey(key, entry.slices[i] ?? []))] as const);
    for (const [box, slice] of slices) {
      if (slice.slices.length > 0 || slice.dtype !== entry.dtype || knownShape(slice).join() !== box.shape.join()) {
        throw new RangeError(
          `its slice from [${box.start.join(', ')}] has another type or shape than the index says of the whole`,
        );
      }
    }
    // Read one after the other, each checked against its file, before the whole is made.
    const parts: (readonly [(typeof boxes)[number], TfTensor])[] = [];
    for (const [box, slice] of slices) parts.push([box, await this.#read(slice)]);
    return joinSlices(entry.dtype, shape, parts);
  }

  async #read(entry: BundleEntry): Promise<TfTensor> {
    const { dtype, offset, size } = entry;
    const shape = knownShape(entry);
    const count = countOf(shape);
    const isString = dtype === DT.STRING;
    if (!isString && count * elementBytes(dtype) !== size) {
      throw new RangeError(`its ${size} bytes are not those of the shape [${shape.join(', ')}]`);
    }
    const shard = await this.#shard(entry.shard);
    if (!(offset >= 0 && size >= 0 && offset + size <= shard.length)) {
      throw new RangeError(
        `its ${size} bytes at ${offset} go beyond data shard ${entry.shard}, which has ${shard.length}`,
      );
    }
    const bytes = shard.subarray(offset, offset + size);
    const { strings, crc } = isString ? readStrings(bytes, count) : { strings: [], crc: crc32c(bytes) };
    if (maskCrc32c(crc) !== entry.crc32c) {
      throw new PermanentError('DATA_LOSS', 'its checksum is wrong: the file is damaged');
    }
    return isString ? { dtype, shape, data: strings } : valuesFromBytes(dtype, shape, bytes);
  }

  #shard(shard: number): Promise<Uint8Array> {
    const name = this.#shardNames[shard];
    if (name === undefined) throw new RangeError(`it lies in data shard ${shard} of ${this.#shardNames.length}`);
    const read = this.#shards.get(shard) ?? this.#files.read(name).then((bytes) => this.#checkOverlap(shard, bytes));
    this.#shards.set(shard, read);
    return read;
  }

  /** Each byte is one tensor's: else a small file could stand for endless ones. */
  #checkOverlap(shard: number, bytes: Uint8Array): Uint8Array {
    const entries = [...this.#index.entries.values()].filter(
      (entry) => entry.shard === shard && entry.slices.length === 0,
    );
    const claimed = entries.reduce((sum, { size }) => sum + Math.max(0, size), 0);
    if (claimed > bytes.length) {
      throw new RangeError(`the tensors in data shard ${shard} claim ${claimed} bytes of its ${bytes.length}`);
    }
    return bytes;
  }
}

/** Keys of the index are latin1 text of their bytes; names in graphs are UTF-8. */
function latin1(key: string): string {
  return Buffer.from(key).toString('latin1');
}

function knownShape({ shape }: BundleEntry): readonly number[] {
  if (!shape) throw new RangeError('its shape is not known');
  return shape;
}

function fiveDigits(value: number): string {
  return String(value).padStart(5, '0');
}
