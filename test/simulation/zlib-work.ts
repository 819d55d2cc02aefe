import type { EventEmitter } from 'node:events';
import { Gunzip } from 'node:zlib';
import type { TransformCallback } from 'node:stream';

/**
 * Decompression runs in threads, outside of microtasks: the only thing in the handlers that does. The simulation counts what is under way, so
 * that it can wait for it between two events.
 */
interface ZlibStream extends EventEmitter {
  _transform: (this: ZlibStream, chunk: unknown, encoding: BufferEncoding, callback: TransformCallback) => void;
  _flush: (this: ZlibStream, callback: TransformCallback) => void;
}

let busy = 0;
let counting = false;

/** Whether some thread is decompressing. */
export function isDecompressing(): boolean {
  return busy > 0;
}

/** Called once per process. */
export function countDecompressions(): void {
  if (counting) return;
  counting = true;
  const prototype = Gunzip.prototype as unknown as ZlibStream;
  const { _transform: transform, _flush: flush } = prototype;
  prototype._transform = function (chunk, encoding, callback) {
    transform.call(this, chunk, encoding, counted(this, callback));
  };
  prototype._flush = function (callback) {
    flush.call(this, counted(this, callback));
  };
}

/** Work ends with its callback, or with the stream. */
function counted(stream: ZlibStream, callback: TransformCallback): TransformCallback {
  busy++;
  let over = false;
  const end = (): void => {
    if (!over) busy--;
    over = true;
  };
  stream.once('close', end);
  return (...args) => {
    end();
    stream.off('close', end);
    callback(...args);
  };
}
