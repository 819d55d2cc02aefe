import { BASE64_OBJECT } from './exact-json.ts';
import type { JsonDialect } from './exact-json.ts';
import { extended } from './protocol.ts';
import type { Protocol } from './protocol.ts';
import { readPredictions, writeInstances } from './row-format.ts';

/** Instances are protobuf Values there, which have no NaN. */
const DIALECT: JsonDialect = { specials: 'strings', bytes: BASE64_OBJECT };

/**
 * A Vertex AI endpoint: `https://REGION-aiplatform.googleapis.com/v1/projects/P/locations/REGION/endpoints/E`.
 * Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/predict
 */
export const vertex: Protocol = {
  predictUrl: (base) => extended(base, ':predict'),
  metadataUrl: (base) => base,
  readMetadata: () => {
    throw new Error('a Vertex AI endpoint tells no signatures');
  },
  write: (config, signature, inputs, rows) => {
    const instances = writeInstances(config, signature, inputs, rows, DIALECT);
    const parameters = config.parameters === undefined ? '' : `,"parameters":${JSON.stringify(config.parameters)}`;
    return `{"instances":${instances}${parameters}}`;
  },
  read: readPredictions,
};
