/** A model folder that must be refused. */
export interface HostileModel {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array | string | object>>;
  /** What the refusal says. */
  readonly message: RegExp;
}

/** One that is still being written, perhaps. */
export type MadeModel = HostileModel | Promise<HostileModel>;
