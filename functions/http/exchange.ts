/** What handlers see of HTTP: Express's request fits it, and a test's plain object. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** As the Functions Framework parsed it. */
  readonly body: unknown;
  /** As it came. */
  readonly rawBody?: Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON; undefined: no body. */
  readonly body?: unknown;
  /** In place of `body`: bytes that are encoded already. */
  readonly content?: { readonly type: string; readonly bytes: Uint8Array };
}

/** What a handler needs of Express's response. */
export interface HttpResponse {
  readonly headersSent: boolean;
  status(code: number): HttpResponse;
  set(name: string, value: string): unknown;
  json(body: unknown): unknown;
  end(content?: Uint8Array): unknown;
}

export const DONE: HttpAnswer = { status: 204 };

export function sendAnswer(response: HttpResponse, { status, headers = {}, body, content }: HttpAnswer): void {
  if (response.headersSent) return; // the framework's timeout answered
  response.status(status);
  for (const [name, value] of Object.entries(headers)) response.set(name, value);
  if (content !== undefined) {
    response.set('Content-Type', content.type);
    response.end(content.bytes);
  } else if (body === undefined) response.end();
  else response.json(body);
}
