import { MAX_INPUTS } from '../../shared/config.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { ObjectStore } from '../../shared/ports.ts';
import type { Buckets } from '../config.ts';

interface Address {
  readonly bucket: string;
  readonly name: string;
}

/** Bytes of an object's name: Cloud Storage's limit. Of a prefix: so that the output's names fit behind it. */
const MAX_NAME_BYTES = 1024;
const MAX_PREFIX_BYTES = 700;

/**
 * The inputs that a job names, wildcards resolved (`*` within a folder, `**` across folders), in order, each once.
 * @throws PermanentError INVALID_ARGUMENT (a foreign bucket, an object named twice, too many), NOT_FOUND (a pattern that matches nothing).
 */
export async function findInputs(
  objects: Pick<ObjectStore, 'list'>,
  buckets: Buckets,
  uris: readonly string[],
): Promise<readonly Address[]> {
  const allowed = [buckets.input, ...buckets.sources];
  const found = new Map<string, Address>();
  for (const uri of uris) {
    const address = parseUri(uri);
    if (!allowed.includes(address.bucket)) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `input ${uri}: this deployment reads from ${allowed.map((name) => `gs://${name}`).join(', ')}`,
      );
    }
    if (address.name === '' || address.name.endsWith('/'))
      throw new PermanentError('INVALID_ARGUMENT', `input ${uri}: names no object`);
    for (const each of address.name.includes('*') ? await matches(objects, address) : [address]) {
      const key = JSON.stringify([each.bucket, each.name]);
      if (found.has(key))
        throw new PermanentError(
          'INVALID_ARGUMENT',
          `input gs://${each.bucket}/${each.name} is named twice: its rows would come out twice`,
        );
      found.set(key, each);
      if (found.size > MAX_INPUTS)
        throw new PermanentError('INVALID_ARGUMENT', `more than ${MAX_INPUTS} input files; a job has at most as many`);
    }
  }
  return [...found.values()];
}

/** The folder that a job's own folder is made in: empty, or ending with `/`. */
export function outputPrefix(buckets: Buckets, uri: string | undefined): string {
  if (uri === undefined) return '';
  const { bucket, name } = parseUri(uri);
  if (bucket !== buckets.output) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `outputUriPrefix ${uri}: this deployment writes to gs://${buckets.output}`,
    );
  }
  if (name.startsWith('_fanfold'))
    throw new PermanentError('INVALID_ARGUMENT', `outputUriPrefix ${uri}: _fanfold/ is where jobs keep their scratch`);
  if (Buffer.byteLength(name) > MAX_PREFIX_BYTES)
    throw new PermanentError('INVALID_ARGUMENT', `outputUriPrefix: longer than ${MAX_PREFIX_BYTES} bytes`);
  return name === '' || name.endsWith('/') ? name : `${name}/`;
}

async function matches(objects: Pick<ObjectStore, 'list'>, { bucket, name }: Address): Promise<readonly Address[]> {
  const pattern = new RegExp(`^${name.split(/(\*+)/).map(toPattern).join('')}$`, 'u');
  const found: Address[] = [];
  for await (const object of objects.list(bucket, name.slice(0, name.indexOf('*')))) {
    if (pattern.test(object.name) && object.size > 0) found.push({ bucket, name: object.name });
    if (found.length > MAX_INPUTS) break;
  }
  if (found.length === 0)
    throw new PermanentError('NOT_FOUND', `input gs://${bucket}/${name}: the pattern matches no object`);
  return found;
}

function toPattern(part: string): string {
  if (part === '*') return '[^/]*';
  return part.startsWith('*') ? '.*' : RegExp.escape(part);
}

function parseUri(uri: string): Address {
  const [, bucket = '', name = ''] = /^gs:\/\/([^/]+)(?:\/(.*))?$/s.exec(uri) ?? [];
  if (/[\r\n]/.test(name) || Buffer.byteLength(name) > MAX_NAME_BYTES || name === '.' || name === '..') {
    throw new PermanentError('INVALID_ARGUMENT', `${JSON.stringify(uri)}: not the name of an object`);
  }
  return { bucket, name };
}
