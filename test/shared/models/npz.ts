import { inflateRawSync } from 'node:zlib';
import type { Tensor } from '../../../shared/tensor.ts';

/** Reads NumPy's npz: a zip (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT) of npy arrays, stored or deflated. */
export function readNpz(zip: Buffer): Record<string, Tensor> {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let at = zip.readUInt32LE(end + 16);
  const arrays: Record<string, Tensor> = {};
  for (let entry = zip.readUInt16LE(end + 10); entry > 0; entry--) {
    const method = zip.readUInt16LE(at + 10);
    const size = zip.readUInt32LE(at + 20);
    const nameLength = zip.readUInt16LE(at + 28);
    const local = zip.readUInt32LE(at + 42);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const content = zip.subarray(start, start + size);
    arrays[name.replace(/\.npy$/, '')] = readNpy(method === 8 ? inflateRawSync(content) : content);
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return arrays;
}

/** https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html; float32 and float64 in C order. */
function readNpy(npy: Buffer): Tensor {
  const headerLength = npy.readUInt16LE(8);
  const header = npy.toString('latin1', 10, 10 + headerLength);
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  const descr = /'descr': '([^']*)'/.exec(header)?.[1];
  const data = new Uint8Array(npy.subarray(10 + headerLength)).buffer;
  if (descr === '<f4') return { dtype: 'float32', shape, data: new Float32Array(data) };
  if (descr === '<f8') return { dtype: 'float64', shape, data: new Float64Array(data) };
  throw new TypeError(`npy of ${descr ?? header}`);
}
