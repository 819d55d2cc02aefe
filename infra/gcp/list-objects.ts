import type { Bucket } from '@google-cloud/storage';

import type { StoredObject } from '../../shared/ports.ts';
import { OBJECT_FIELDS, toStoredObject } from './object-resource.ts';
import { translated } from './storage-errors.ts';

/** Objects in one answer: Cloud Storage's most. */
const PAGE = 1000;

export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  /** With a delimiter: what stands before it, once for all objects behind it, which are not among `objects` then. */
  readonly prefixes: readonly string[];
}

interface PageQuery {
  readonly pageToken?: string;
}

/** Live objects whose names start with the prefix, page by page, in order of their names' UTF-8 bytes. */
export async function* listPages(bucket: Bucket, prefix: string, delimiter?: string): AsyncGenerator<ObjectPage> {
  let query: PageQuery | undefined = {};
  do {
    const page = await listPage(bucket, { prefix, ...(delimiter !== undefined && { delimiter }), ...query });
    yield page;
    query = page.next;
  } while (query !== undefined);
}

async function listPage(
  bucket: Bucket,
  query: PageQuery & { readonly prefix: string; readonly delimiter?: string },
): Promise<ObjectPage & { readonly next: PageQuery | undefined }> {
  const fields = `items(${OBJECT_FIELDS}),prefixes,nextPageToken`;
  try {
    const [, next, body] = await bucket.getFiles({ ...query, fields, maxResults: PAGE, autoPaginate: false });
    const { items = [], prefixes = [] } = body as ListAnswer;
    const pageToken = (next as PageQuery | null)?.pageToken; // null after the last page
    return {
      objects: items.map((item) => toStoredObject(bucket.name, item)),
      prefixes,
      next: pageToken === undefined ? undefined : { pageToken },
    };
  } catch (error) {
    throw translated(error, `${bucket.name}/${query.prefix}`);
  }
}

/** Source: https://cloud.google.com/storage/docs/json_api/v1/objects/list#response */
interface ListAnswer {
  readonly items?: readonly object[];
  readonly prefixes?: readonly string[];
}
