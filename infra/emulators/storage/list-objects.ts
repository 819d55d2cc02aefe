import { jsonReply } from './http.ts';
import { notEmulated } from './api-error.ts';
import type { Catalogue } from './catalogue.ts';
import { compareNames } from './names.ts';
import { decodePageToken, encodePageToken, pageSize } from './page.ts';
import type { ObjectRecord } from './records.ts';
import { objectResource } from './resources.ts';
import type { Handler } from './service.ts';

const NOT_EMULATED = ['matchGlob', 'softDeleted', 'filter', 'includeFoldersAsPrefixes'];

interface Page {
  readonly items: ObjectRecord[];
  readonly prefixes: string[];
  readonly nextPageToken?: string;
}

/** Source: https://cloud.google.com/storage/docs/json_api/v1/objects/list */
export const listObjects: Handler = ({ catalogue, baseUrl }, { query }, { bucket }) => {
  const refused = NOT_EMULATED.find((name) => query.has(name) && query.get(name) !== 'false');
  if (refused !== undefined) throw notEmulated(`the parameter ${refused} of objects.list`);
  const { items, prefixes, nextPageToken } = objectsPage(catalogue, bucket, query);
  return jsonReply({
    kind: 'storage#objects',
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
    ...(prefixes.length > 0 ? { prefixes } : {}),
    ...(items.length > 0 ? { items: items.map((record) => objectResource(record, baseUrl)) } : {}),
  });
};

function objectsPage(catalogue: Catalogue, bucket: string, query: URLSearchParams): Page {
  const limit = pageSize(query);
  const page: Page = { items: [], prefixes: [] };
  let last: readonly string[] = [];
  for (const entry of entries(catalogue, bucket, query)) {
    if (page.items.length + page.prefixes.length >= limit) return { ...page, nextPageToken: encodePageToken(last) };
    if (typeof entry === 'string') page.prefixes.push(entry);
    else page.items.push(entry);
    last = typeof entry === 'string' ? ['prefix', entry] : ['object', entry.name, entry.generation];
  }
  return page;
}

/** Objects, and prefixes as strings, in name order, from where the page token says. */
function* entries(catalogue: Catalogue, bucket: string, query: URLSearchParams): Generator<string | ObjectRecord> {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const versions = query.get('versions') === 'true';
  const trailing = query.get('includeTrailingDelimiter') === 'true';
  const [kind, after = '', afterGeneration = ''] = decodePageToken(query) ?? [];
  let group = kind === 'prefix' ? after : undefined;
  for (const name of namesFrom(catalogue.names(bucket), query, [prefix, after])) {
    if (!name.startsWith(prefix)) break;
    const records = versions ? catalogue.versions(bucket, name) : [catalogue.live(bucket, name) ?? []].flat();
    if (records.length === 0) continue;
    const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    if (cut >= 0) {
      const found = name.slice(0, cut + delimiter.length);
      if (found !== group && !(kind === 'object' && after.startsWith(found))) yield found;
      group = found;
      if (!trailing || found !== name) continue;
    }
    for (const record of records) {
      const seen = kind === 'object' && name === after && BigInt(record.generation) <= BigInt(afterGeneration || 0);
      if (!seen) yield record;
    }
  }
}

/** Names from `startOffset` and every other lower bound up to `endOffset`; those with a prefix lie next to each other. */
function namesFrom(names: readonly string[], query: URLSearchParams, bounds: readonly string[]): readonly string[] {
  const from = Math.max(...[...bounds, query.get('startOffset') ?? ''].map((bound) => firstAtLeast(names, bound)));
  const end = query.get('endOffset') ?? '';
  return names.slice(from, end === '' ? names.length : Math.max(from, firstAtLeast(names, end)));
}

/** Index of the first name that is not before `bound`. */
function firstAtLeast(names: readonly string[], bound: string): number {
  let low = 0;
  for (let high = names.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (compareNames(names[middle] ?? '', bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
