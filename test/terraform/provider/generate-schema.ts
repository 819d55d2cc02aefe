/**
 * Writes google-schema.ndjson: what hashicorp/google knows of the types that terraform/ uses, for machines that cannot download the provider.
 * Run it again when terraform/ uses a new resource, or for a new version of the provider (then change versions.tf as well). The provider's
 * bindings (hundreds of MB) go to a temporary folder and are no dependency of the project:
 *
 *     cd "$(mktemp -d)"
 *     pip download --no-deps cdktn-provider-google==21.1.0   # bindings of google 8.7.0; @cdktf/provider-google on npm ends at 6.50.0
 *     unzip -q cdktn_provider_google-*.whl && tar xzf cdktn_provider_google/_jsii/*.tgz
 *     node /path/to/fanfold/test/terraform/provider/generate-schema.ts package
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { readBinding } from './bindings.ts';
import type { Block, ProviderSchema } from './schema.ts';
import { writeSchema } from './schema.ts';

const TERRAFORM = path.resolve(import.meta.dirname, '../../../terraform');

/** The types named in terraform/*.tf. */
function usedTypes(kind: 'resource' | 'data'): readonly string[] {
  const types = new Set<string>();
  for (const file of readdirSync(TERRAFORM).filter((name) => name.endsWith('.tf'))) {
    const text = readFileSync(path.join(TERRAFORM, file), 'utf8');
    for (const [, type = ''] of text.matchAll(new RegExp(`^${kind} "(google_\\w+)"`, 'gm'))) types.add(type);
  }
  return [...types].sort();
}

function readType(bindings: string, folder: string): Block {
  const file = path.join(bindings, 'lib', folder, 'index');
  return readBinding({ js: readFileSync(`${file}.js`, 'utf8'), dts: readFileSync(`${file}.d.ts`, 'utf8') });
}

function folderOf(type: string): string {
  return type.replace(/^google_/, '').replaceAll('_', '-');
}

function providerVersion(bindings: string): string {
  const { cdktn, cdktf } = JSON.parse(readFileSync(path.join(bindings, 'package.json'), 'utf8')) as {
    readonly cdktn?: { readonly provider: { readonly version: string } };
    readonly cdktf?: { readonly provider: { readonly version: string } };
  };
  return cdktn?.provider.version ?? cdktf?.provider.version ?? 'unknown';
}

const bindings = process.argv[2];
if (bindings === undefined) throw new Error('usage: node generate-schema.ts <folder of the unpacked bindings>');

const schema: ProviderSchema = {
  version: providerVersion(bindings),
  provider: readType(bindings, 'provider'),
  resources: Object.fromEntries(usedTypes('resource').map((type) => [type, readType(bindings, folderOf(type))])),
  dataSources: Object.fromEntries(
    usedTypes('data').map((type) => [type, readType(bindings, `data-google-${folderOf(type)}`)]),
  ),
};
writeSchema(schema);
console.log(
  `google ${schema.version}: ${Object.keys(schema.resources).length} resources, ${Object.keys(schema.dataSources).length} data sources`,
);
