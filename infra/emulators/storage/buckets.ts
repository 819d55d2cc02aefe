import { required } from './api-error.ts';
import { emptyReply, jsonReply, readJson } from './http.ts';
import { optionalString } from './json.ts';
import { checkBucketName, compareNames } from './names.ts';
import { decodePageToken, encodePageToken, pageSize } from './page.ts';
import { checkPreconditions, readPreconditions } from './preconditions.ts';
import { bucketSettings } from './records.ts';
import { bucketResource } from './resources.ts';
import type { Handler } from './service.ts';

/** Source of every handler here: https://cloud.google.com/storage/docs/json_api/v1/buckets */
export const insertBucket: Handler = async ({ catalogue, baseUrl }, call) => {
  if (!call.query.get('project')) throw required('project');
  const body = await readJson(call);
  const name = optionalString(body, 'name');
  if (name === undefined) throw required('name');
  checkBucketName(name);
  return jsonReply(bucketResource(catalogue.createBucket(name, bucketSettings(body, undefined, false)), baseUrl));
};

export const getBucket: Handler = ({ catalogue, baseUrl }, { query }, names) => {
  const bucket = catalogue.bucket(names.bucket);
  checkPreconditions(readPreconditions(query), bucket, true);
  return jsonReply(bucketResource(bucket, baseUrl));
};

export const listBuckets: Handler = ({ catalogue, baseUrl }, { query }) => {
  if (!query.get('project')) throw required('project');
  const prefix = query.get('prefix') ?? '';
  const [after] = decodePageToken(query) ?? [];
  const rest = catalogue
    .bucketNames()
    .filter((name) => name.startsWith(prefix) && (after === undefined || compareNames(name, after) > 0));
  const page = rest.slice(0, pageSize(query));
  const last = page.at(-1);
  return jsonReply({
    kind: 'storage#buckets',
    ...(page.length < rest.length && last !== undefined ? { nextPageToken: encodePageToken([last]) } : {}),
    ...(page.length > 0 ? { items: page.map((name) => bucketResource(catalogue.bucket(name), baseUrl)) } : {}),
  });
};

const changeBucket =
  (merge: boolean): Handler =>
  async ({ catalogue, baseUrl }, call, names) => {
    const body = await readJson(call);
    const bucket = catalogue.bucket(names.bucket);
    checkPreconditions(readPreconditions(call.query), bucket);
    const settings = bucketSettings(body, bucket.settings, merge);
    return jsonReply(bucketResource(catalogue.updateBucket(names.bucket, settings), baseUrl));
  };

export const patchBucket = changeBucket(true);
export const updateBucket = changeBucket(false);

export const deleteBucket: Handler = ({ catalogue }, { query }, names) => {
  checkPreconditions(readPreconditions(query), catalogue.bucket(names.bucket));
  catalogue.deleteBucket(names.bucket);
  return emptyReply(204);
};
