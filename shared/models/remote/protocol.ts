import type { Tensors, TensorSpec } from '../../tensor.ts';
import type { Signature } from '../model.ts';
import type { RemoteConfig } from './remote-config.ts';

/** What a server says that its model takes and gives. */
export interface ServerSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly method?: string;
}

/** How one kind of server is asked over HTTP. */
export interface Protocol {
  /** @param base the configured URL. */
  predictUrl(base: URL): URL;
  metadataUrl(base: URL): URL;
  /**
   * The signatures in the server's answer to the metadata's URL, by name; those that Fanfold has no dtype for are left out.
   * @throws Error where it is no such answer.
   */
  readMetadata(answer: unknown): Readonly<Record<string, ServerSignature>>;
  /**
   * A request for some rows, as JSON text.
   * @param inputs each `[rows, ...rowShape]`.
   * @throws RowFailures naming the rows that the protocol has no way to send.
   */
  write(config: RemoteConfig, signature: Signature, inputs: Tensors, rows: number): string;
  /**
   * The signature's outputs, each `[rows, ...rowShape]`.
   * @throws Error naming what is missing or wrong.
   */
  read(signature: Signature, answer: unknown, rows: number): Tensors;
}

/** The URL with something behind its path. */
export function extended(base: URL, suffix: string): URL {
  const url = new URL(base);
  url.pathname = base.pathname.replace(/\/+$/, '') + suffix;
  return url;
}
