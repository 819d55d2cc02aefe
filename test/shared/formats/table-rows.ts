import { openTable } from '../../../shared/formats/registry.ts';
import type { RandomAccess, TableName } from '../../../shared/formats/table.ts';

function memoryAccess(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: (start, end) => {
      if (start < 0 || end > bytes.length || start > end) throw new Error(`read of ${start} to ${end}`);
      return Promise.resolve(bytes.slice(start, end));
    },
  };
}

/** The rows of a table, by unit. */
export async function tableLines(format: TableName, bytes: Uint8Array): Promise<string[][]> {
  const table = await openTable(format, memoryAccess(bytes));
  const units: string[][] = [];
  for (let unit = 0; unit < table.units; unit++) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of table.lines(unit)) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    if (text !== '' && !text.endsWith('\n')) throw new Error('the last line does not end');
    units.push(text.split('\n').slice(0, -1));
  }
  return units;
}
