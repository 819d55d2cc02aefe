import { readFileSync, writeFileSync } from 'node:fs';

/** A type in Terraform's JSON notation: `"string"`, `["list", "string"]`, `["object", {…}]`. */
export type TypeJson = string | readonly [string, TypeJson | Readonly<Record<string, TypeJson>>];

export interface Attribute {
  readonly type: TypeJson;
  readonly required?: true;
  readonly optional?: true;
  readonly computed?: true;
}

export interface NestedBlock {
  readonly nesting: 'single' | 'list' | 'set';
  readonly min: number;
  /** 0: any number. */
  readonly max: number;
  readonly block: Block;
}

export interface Block {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly blocks: Readonly<Record<string, NestedBlock>>;
}

/** What a provider knows of the types that terraform/ uses. */
export interface ProviderSchema {
  readonly version: string;
  readonly provider: Block;
  readonly resources: Readonly<Record<string, Block>>;
  readonly dataSources: Readonly<Record<string, Block>>;
}

type Line =
  | { readonly version: string }
  | { readonly kind: 'provider' | 'resource' | 'data'; readonly type: string; readonly block: Block };

/** One type a line, so that a change shows where it is. */
const SCHEMA_FILE = new URL('google-schema.ndjson', import.meta.url);

export function readSchema(): ProviderSchema {
  const lines = readFileSync(SCHEMA_FILE, 'utf8').trimEnd().split('\n');
  const entries = lines.map((line) => JSON.parse(line) as Line);
  const blocksOf = (kind: 'provider' | 'resource' | 'data'): Record<string, Block> =>
    Object.fromEntries(
      entries.flatMap((entry) => ('kind' in entry && entry.kind === kind ? [[entry.type, entry.block]] : [])),
    );
  const version = entries.find((entry) => 'version' in entry)?.version;
  const { google: provider } = blocksOf('provider');
  if (version === undefined || provider === undefined)
    throw new Error(`${SCHEMA_FILE.pathname} is not what generate-schema.ts writes`);
  return { version, provider, resources: blocksOf('resource'), dataSources: blocksOf('data') };
}

export function writeSchema({ version, provider, resources, dataSources }: ProviderSchema): void {
  const lines: Line[] = [
    { version },
    { kind: 'provider', type: 'google', block: provider },
    ...Object.entries(resources).map(([type, block]) => ({ kind: 'resource' as const, type, block })),
    ...Object.entries(dataSources).map(([type, block]) => ({ kind: 'data' as const, type, block })),
  ];
  writeFileSync(SCHEMA_FILE, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
