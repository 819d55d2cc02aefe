import { GoogleAuth } from 'google-auth-library';

/**
 * An identity token by Application Default Credentials, as Cloud Run's IAM asks of who calls a function.
 * @param audience the function's URL, without a path.
 * @throws Error saying how to get credentials, where there are none.
 */
export async function fetchIdToken(audience: string): Promise<string> {
  try {
    const client = await new GoogleAuth().getIdTokenClient(audience);
    return await client.idTokenProvider.fetchIdToken(audience);
  } catch (error) {
    throw new Error(
      `no identity token for ${audience}: ${(error as Error).message}. Log in with 'gcloud auth application-default login', or name a service account's key in GOOGLE_APPLICATION_CREDENTIALS`,
      { cause: error },
    );
  }
}
