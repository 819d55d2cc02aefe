import { messageOf } from '../../errors.ts';
import { RemoteError } from './remote-error.ts';
import type { RemoteConfig } from './remote-config.ts';

const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';

/** The headers that say who asks; the library keeps a token until shortly before it expires. */
export type Authenticate = () => Promise<Readonly<Record<string, string>>>;

/**
 * By Application Default Credentials: https://cloud.google.com/docs/authentication/application-default-credentials
 * An identity token is for the URL's origin, as Cloud Run's IAM asks.
 */
export function authenticator({ auth, url }: Pick<RemoteConfig, 'auth' | 'url'>): Authenticate {
  if (auth === 'none') return () => Promise.resolve({});
  let headersOf: Promise<(address: string) => Promise<Headers>> | undefined;
  return async () => {
    try {
      headersOf ??= connect(auth, url.origin);
      return Object.fromEntries(await (await headersOf)(url.href));
    } catch (error) {
      headersOf = undefined; // the next request looks for credentials again
      const reason = messageOf(error);
      throw new RemoteError('PERMISSION_DENIED', `no Google credentials (${auth}) for ${url.host}: ${reason}`, {
        cause: error,
      });
    }
  };
}

async function connect(auth: RemoteConfig['auth'], audience: string): Promise<(address: string) => Promise<Headers>> {
  const { GoogleAuth } = await import('google-auth-library');
  if (auth === 'google-id-token') {
    const client = await new GoogleAuth().getIdTokenClient(audience);
    return (address) => client.getRequestHeaders(address);
  }
  const client = await new GoogleAuth({ scopes: CLOUD_PLATFORM }).getClient();
  return (address) => client.getRequestHeaders(address);
}
