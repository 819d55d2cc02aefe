import { lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

import { PermanentError } from '../../errors.ts';

/**
 * Which addresses a model may be at. Model files come from others: none of them may make Fanfold ask the machine's own metadata server, which
 * hands out credentials to who can reach it.
 */

const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');
forbidden.addSubnet('0.0.0.0', 8, 'ipv4');
forbidden.addAddress('::', 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const METADATA_HOSTS = new Set(['metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data']);

/** Who gets an access token can act as its owner everywhere; an identity token is good for one host only. */
const GOOGLE_API = /\.(googleapis\.com|vertexai\.goog)$/;

interface Asked {
  readonly url: string;
  readonly allowHttp: boolean;
  readonly auth: string;
}

/**
 * The URL without slashes at its end.
 * @param refuse throws, saying what is wrong.
 */
export function checkUrl({ url: text, allowHttp, auth }: Asked, refuse: (what: string) => never): URL {
  if (!URL.canParse(text)) return refuse(`url: found ${JSON.stringify(text)}, expected https://host/path`);
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    refuse(`url: found the scheme ${url.protocol}, expected https:`);
  if (url.username !== '' || url.password !== '')
    refuse('url: holds a user or a password; secrets do not belong in model files: write "auth"');
  if (url.search !== '' || url.hash !== '') refuse('url: holds a query or a fragment; expected a path only');
  const host = hostOf(url);
  if (METADATA_HOSTS.has(host) || isForbidden(host))
    refuse(`url: ${url.host} is a link-local or metadata address, where no model is served`);
  const isLocal = host === 'localhost' || isIn(loopback, host);
  if (url.protocol === 'http:' && !isLocal) {
    if (!allowHttp)
      refuse(`url: found http://${url.host}, expected https (or "allowHttp": true, in a network you trust)`);
    if (auth !== 'none') refuse(`auth: ${auth} would be sent in the clear to http://${url.host}; expected https`);
  }
  if (auth === 'google-access-token' && !isLocal && !GOOGLE_API.test(host))
    refuse(`auth: an access token is for Google's own APIs; ${url.host} is none: write "google-id-token"`);
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

/** Looks a host up as Node does, and refuses names that lead to forbidden addresses, whenever they do. */
export const guardedLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, '');
      return;
    }
    const bad = addresses.find(({ address }) => isForbidden(address));
    if (bad !== undefined) {
      const what = `${host} leads to ${bad.address}, a link-local or metadata address, where no model is served`;
      callback(new PermanentError('PERMISSION_DENIED', what), '');
      return;
    }
    const [first] = addresses;
    if (options.all === true) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  });
};

function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

function isForbidden(host: string): boolean {
  return isIn(forbidden, host);
}

/** BlockList takes IPv4 addresses mapped into IPv6 for what they are. */
function isIn(list: BlockList, host: string): boolean {
  const kind = isIP(host);
  return kind !== 0 && list.check(host, kind === 4 ? 'ipv4' : 'ipv6');
}
