/** A path of the jobs API, taken apart. */
export type Route = { readonly project: string; readonly location: string } & (
  | { readonly kind: 'create' | 'list' }
  | { readonly kind: 'get' | 'delete' | 'cancel' | 'redrive'; readonly job: string }
);

export type Found = Route | { readonly kind: 'none' } | { readonly kind: 'method'; readonly allow: readonly string[] };

const PATH =
  /^\/v1\/projects\/([^/:]+)\/locations\/([^/:]+)\/batchPredictionJobs(?:\/([a-z0-9][a-z0-9-]{0,62})(?::([A-Za-z]+))?)?\/?$/;

const COLLECTION = { POST: 'create', GET: 'list' } as const;
const ONE = { GET: 'get', DELETE: 'delete' } as const;
const VERBS = { cancel: 'cancel', redrive: 'redrive' } as const;

/** What a request asks for; `none`: there is no such path, `method`: the path takes other methods. */
export function findRoute(method: string, path: string): Found {
  const [, project, location, job, verb] = PATH.exec(decoded(path)) ?? [];
  if (project === undefined || location === undefined) return { kind: 'none' };
  const place = { project, location };
  if (job === undefined)
    return own(COLLECTION, method)
      ? { ...place, kind: COLLECTION[method] }
      : { kind: 'method', allow: Object.keys(COLLECTION) };
  if (verb === undefined)
    return own(ONE, method) ? { ...place, kind: ONE[method], job } : { kind: 'method', allow: Object.keys(ONE) };
  if (!own(VERBS, verb)) return { kind: 'none' };
  return method === 'POST' ? { ...place, kind: VERBS[verb], job } : { kind: 'method', allow: ['POST'] };
}

/** `%3A` before a verb is a colon too. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

function own<T extends object>(table: T, key: string): key is Extract<keyof T, string> {
  return Object.hasOwn(table, key);
}
