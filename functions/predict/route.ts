import type { Verb } from './request.ts';

/** A version folder's number, or a label; neither: the default version. */
export interface ModelPath {
  readonly model: string;
  readonly version?: string;
  readonly label?: string;
}

export type Route =
  | { readonly kind: Verb | 'status' | 'metadata'; readonly path: ModelPath }
  | { readonly kind: 'ready' | 'live' | 'metrics' | 'none' }
  | { readonly kind: 'method'; readonly allow: string };

const PATH =
  /^\/v1\/models\/(?<model>[^/:]+)(?:\/versions\/(?<version>[0-9]{1,18})|\/labels\/(?<label>[A-Za-z][A-Za-z0-9_.-]{0,62}))?(?:(?<metadata>\/metadata)|:(?<verb>predict|classify|regress))?\/?$/;

/** What does not name a model. Cloud Run keeps some paths that end in z for itself: there they are reached without it. */
const OTHERS: Readonly<Record<string, 'ready' | 'live' | 'metrics'>> = {
  '/ready': 'ready',
  '/readyz': 'ready',
  '/live': 'live',
  '/livez': 'live',
  '/metrics': 'metrics',
};

/** What a request asks for, by TensorFlow Serving's paths: https://www.tensorflow.org/tfx/serving/api_rest */
export function findRoute(method: string, rawPath: string): Route {
  const path = decoded(rawPath);
  const other = Object.hasOwn(OTHERS, path) ? OTHERS[path] : undefined;
  if (other !== undefined) return method === 'GET' ? { kind: other } : { kind: 'method', allow: 'GET' };
  const { model, version, label, metadata, verb } = PATH.exec(path)?.groups ?? {};
  if (model === undefined) return { kind: 'none' };
  const named = { model, ...(version !== undefined && { version }), ...(label !== undefined && { label }) };
  const allow = verb === undefined ? 'GET' : 'POST';
  if (method !== allow) return { kind: 'method', allow };
  if (verb !== undefined) return { kind: verb as Verb, path: named };
  return { kind: metadata === undefined ? 'status' : 'metadata', path: named };
}

/** `%3A` before a verb is a colon too. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
