import { emptyReply, jsonReply, readJson } from './http.ts';
import { checkPreconditions, int64Parameter, readPreconditions } from './preconditions.ts';
import { objectSettings, patchObjectSettings } from './records.ts';
import type { ObjectRecord } from './records.ts';
import { objectResource } from './resources.ts';
import type { Handler, Names, Service } from './service.ts';

/** The generation that a request addresses, found and as the request demands; 404, 412 or 304 otherwise. */
export function addressed(service: Service, query: URLSearchParams, names: Names, reading = false): ObjectRecord {
  service.catalogue.bucket(names.bucket);
  const record = service.catalogue.find(names.bucket, names.object, int64Parameter(query, 'generation'));
  checkPreconditions(readPreconditions(query), record, reading);
  return record;
}

/** Source of every handler here: https://cloud.google.com/storage/docs/json_api/v1/objects */
export const getObject: Handler = (service, { query }, names) =>
  jsonReply(objectResource(addressed(service, query, names, true), service.baseUrl));

export const patchObject: Handler = async (service, call, names) => {
  const patch = await readJson(call);
  const record = addressed(service, call.query, names);
  const next = service.catalogue.update(record, patchObjectSettings(record.settings, patch));
  return jsonReply(objectResource(next, service.baseUrl));
};

export const updateObject: Handler = async (service, call, names) => {
  const settings = objectSettings(await readJson(call));
  const next = service.catalogue.update(addressed(service, call.query, names), settings);
  return jsonReply(objectResource(next, service.baseUrl));
};

export const deleteObject: Handler = (service, { query }, names) => {
  const record = addressed(service, query, names);
  service.catalogue.delete(record, int64Parameter(query, 'generation') !== undefined);
  return emptyReply(204);
};
