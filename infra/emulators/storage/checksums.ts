import { createHash } from 'node:crypto';

import { crc32c, encodeCrc32c } from '../../../shared/crc32c.ts';

/** The two checksums as object resources carry them: base64 of the big-endian crc32c and of the md5. */
export interface Digests {
  readonly crc32c: string;
  readonly md5Hash: string;
}

/** Both checksums of a stream, fed piece by piece. */
export class Checksums {
  #crc = 0;
  readonly #md5 = createHash('md5');

  update(bytes: Uint8Array): void {
    this.#crc = crc32c(bytes, this.#crc);
    this.#md5.update(bytes);
  }

  /** Final: nothing can be added afterwards. */
  digest(): Digests {
    return { crc32c: encodeCrc32c(this.#crc), md5Hash: this.#md5.digest('base64') };
  }
}
