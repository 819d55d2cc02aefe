import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { ByteWriter } from 'hyparquet-writer';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';

import { PermanentError } from '../errors.ts';
import { mapConcurrent } from '../map-concurrent.ts';
import type { StoredObject } from '../ports.ts';
import type { ReadPart } from './predictions-writer.ts';

/**
 * Footers of Parquet files: FileMetaData in Thrift's compact protocol, its length (uint32, little-endian), and the magic number. Structs are
 * handled by their field numbers, so that whatever stands in them stays as it was:
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */

export const MAGIC = Buffer.from('PAR1');
const TAIL_BYTES = 8;

/** Read at once from a part's end: the footer of some row groups. */
const GUESS_BYTES = 64 * 1024;
const CONCURRENT_READS = 16;

/** A Thrift struct: `field_<number>` to value. */
type Struct = Record<`field_${number}`, unknown>;

/** The headers of a struct's field 4 after field 3, a list, and of a long list of structs. */
const FIELD_4_LIST = 0x19;
const LONG_LIST_OF_STRUCTS = 0xfc;
const STOP = 0;

/**
 * The footer of the file that is a magic number, the parts one after another, and this footer.
 * @param empty a file of the same columns without a row.
 */
export async function joinedFooter(
  empty: Uint8Array,
  parts: readonly StoredObject[],
  read: ReadPart,
): Promise<Uint8Array> {
  const offsets: number[] = [];
  let end = MAGIC.length;
  for (const part of parts) {
    offsets.push(end);
    end += part.size;
  }
  const groups = await mapConcurrent(
    parts.map((part, index) => ({ part, offset: offsets[index] ?? 0 })),
    CONCURRENT_READS,
    async ({ part, offset }) => rowGroups(parse(await readFooter(part, read), part.name), offset),
  );
  return fileFooter(parse(empty.subarray(MAGIC.length), 'a file without rows'), groups);
}

/** Row groups of one part, written out: they take less memory so than as objects. */
interface RowGroups {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly rows: bigint;
}

function rowGroups(metadata: Struct, offset: number): RowGroups {
  const out = new ByteWriter();
  const groups = metadata.field_4 as Struct[];
  for (const group of groups) serializeTCompactProtocol(out, shifted(group, BigInt(offset)));
  return { bytes: new Uint8Array(out.getBuffer()), count: groups.length, rows: metadata.field_3 as bigint };
}

/** RowGroup {1: columns {2: file_offset, 3: meta_data {9 to 11: offsets of pages}}, 5: file_offset}. */
function shifted(group: Struct, by: bigint): Struct {
  const columns = (group.field_1 as Struct[]).map((column) => {
    const chunk = column.field_3 as Struct;
    return { ...add(column, 2, by), field_3: [9, 10, 11].reduce((moved, field) => add(moved, field, by), chunk) };
  });
  return { ...add(group, 5, by), field_1: columns };
}

/** The struct with a field that it may have moved; the fields keep their order. */
function add(struct: Struct, field: number, by: bigint): Struct {
  const value = struct[`field_${field}`];
  return value === undefined ? struct : { ...struct, [`field_${field}`]: (value as bigint) + by };
}

/** FileMetaData {1: version, 2: schema, 3: num_rows, 4: row_groups, 6: created_by, 7: column_orders}. */
function fileFooter(empty: Struct, groups: readonly RowGroups[]): Uint8Array {
  const out = new ByteWriter();
  const rows = groups.reduce((sum, group) => sum + group.rows, 0n);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  serializeTCompactProtocol(out, { field_1: empty.field_1, field_2: empty.field_2, field_3: rows });
  unwriteStop(out);
  out.appendUint8(FIELD_4_LIST);
  out.appendUint8(LONG_LIST_OF_STRUCTS);
  out.appendVarInt(count);
  for (const { bytes } of groups) out.appendBytes(bytes);
  // Field numbers are written as the distance from the one before: 6 and 7 after 4 are 2 and 3 after none.
  serializeTCompactProtocol(out, { field_2: empty.field_6, field_3: empty.field_7 });
  out.appendUint32(out.offset);
  out.appendBytes(MAGIC);
  return new Uint8Array(out.getBuffer());
}

function unwriteStop(out: ByteWriter): void {
  if (out.getBytes().at(-1) !== STOP) throw new Error('a Thrift struct that does not end in its stop byte');
  out.offset--;
  out.index--;
}

async function readFooter(part: StoredObject, read: ReadPart): Promise<Uint8Array> {
  const tail = await read(part, Math.max(0, part.size - GUESS_BYTES), part.size);
  const needed = Buffer.from(tail).readUInt32LE(tail.length - TAIL_BYTES) + TAIL_BYTES;
  return needed <= tail.length ? tail.subarray(tail.length - needed) : read(part, part.size - needed, part.size);
}

/** @param footer exactly a footer, from its metadata on. */
function parse(footer: Uint8Array, name: string): Struct {
  const metadata = footer.length - TAIL_BYTES;
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
  if (metadata < 0 || !MAGIC.equals(footer.subarray(-MAGIC.length)) || view.getUint32(metadata, true) !== metadata)
    throw new PermanentError('DATA_LOSS', `${name} does not end in a Parquet footer`);
  return deserializeTCompactProtocol({ view, offset: 0 });
}
