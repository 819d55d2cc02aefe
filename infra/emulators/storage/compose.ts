import { ApiError, invalid, required } from './api-error.ts';
import { commitObject } from './commit.ts';
import { storeContent } from './content-store.ts';
import type { ContentReader } from './content-store.ts';
import { jsonReply, readJson } from './http.ts';
import { isJsonObject, optionalInt64, optionalString } from './json.ts';
import type { Json, JsonObject } from './json.ts';
import { checkObjectName } from './names.ts';
import { checkPreconditions, readPreconditions } from './preconditions.ts';
import { objectSettings } from './records.ts';
import type { ObjectRecord } from './records.ts';
import { objectResource } from './resources.ts';
import type { Handler, Service } from './service.ts';

/** Most sources of one compose. Source: https://cloud.google.com/storage/docs/composite-objects */
const MAX_SOURCES = 32;

/** Source: https://cloud.google.com/storage/docs/json_api/v1/objects/compose */
export const composeObject: Handler = async (service, call, { bucket, object: name }) => {
  const body = await readJson(call);
  const wanted = readPreconditions(call.query);
  const { catalogue, content } = service;
  checkObjectName(name);
  checkPreconditions(wanted, catalogue.live(bucket, name));
  const destination = body['destination'] ?? {};
  if (!isJsonObject(destination)) throw invalid("Invalid value for field 'destination'.");
  const settings = objectSettings(destination);
  const sources = sourceList(body).map((source) => findSource(service, bucket, source));
  const readers: ContentReader[] = [];
  try {
    for (const source of sources) readers.push(content.open(source.contentId));
    const written = await storeContent(content, concatenate(sources, readers));
    const componentCount = sources.reduce((sum, source) => sum + (source.componentCount ?? 1), 0);
    const record = commitObject(service, { bucket, name, settings, content: written, componentCount }, wanted);
    return jsonReply(objectResource(record, service.baseUrl));
  } finally {
    for (const reader of readers) reader.close();
  }
};

function sourceList(body: JsonObject): readonly JsonObject[] {
  const list: Json = body['sourceObjects'] ?? [];
  if (!Array.isArray(list)) throw invalid("Invalid value for field 'sourceObjects': expected a list.");
  const sources = list as readonly Json[];
  if (sources.length === 0) throw required('sourceObjects');
  if (sources.length > MAX_SOURCES) {
    throw invalid(`The number of source components provided (${sources.length}) exceeds the maximum (${MAX_SOURCES})`);
  }
  if (!sources.every(isJsonObject)) throw invalid("Invalid value for field 'sourceObjects': expected objects.");
  return sources;
}

function findSource({ catalogue }: Service, bucket: string, source: JsonObject): ObjectRecord {
  const name = optionalString(source, 'name');
  if (name === undefined) throw required('sourceObjects[].name');
  const generation = optionalInt64(source, 'generation');
  const demands = source['objectPreconditions'] ?? {};
  if (!isJsonObject(demands)) throw invalid("Invalid value for field 'objectPreconditions'.");
  const generationMatch = optionalInt64(demands, 'ifGenerationMatch');
  const found =
    generation === undefined
      ? catalogue.live(bucket, name)
      : catalogue.versions(bucket, name).find((record) => record.generation === generation);
  if (found === undefined) {
    throw new ApiError(404, 'notFound', `Object ${name} (generation: ${generation ?? 0}) not found.`);
  }
  checkPreconditions(generationMatch === undefined ? {} : { generationMatch }, found);
  return found;
}

async function* concatenate(sources: readonly ObjectRecord[], readers: readonly ContentReader[]) {
  for (const [index, reader] of readers.entries()) yield* reader.read(0, sources[index]?.size ?? 0);
}
