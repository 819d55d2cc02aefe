import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';

import { build } from 'esbuild';
import type { Metafile } from 'esbuild';

import { lockedVersion, partOf } from './lockfile.ts';
import type { Lockfile } from './lockfile.ts';
import { zip } from './zip.ts';

/** Makes the archive that Terraform deploys: our code in one bundle, its dependencies as a list that is installed where it is deployed. */

const ROOT = path.resolve(import.meta.dirname, '..');

/**
 * What stays a dependency: the framework, whose registry must be the one that its command reads; Google's clients, which load protos from their folders;
 * runtimes and libraries with native or WebAssembly files; CommonJS whose exports Node can name, and a bundle cannot.
 */
const EXTERNAL = ['@google-cloud/*', 'google-auth-library', 'onnxruntime-node', '@tensorflow/*', 'sharp', 'yauzl'];

/** CommonJS packages in the bundle ask for Node's own modules by `require`, which an ES module does not have. */
const REQUIRE = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`;

/** Downloads a TensorFlow of some hundred MB where it is installed; the functions run without it. */
const LEFT_OUT = '@tensorflow/tfjs-node';

/** Runs after every install: onnxruntime-node brings its library for five platforms, and one is 45 of 288 MB. */
const PRUNE = `import { existsSync, readdirSync, rmSync } from 'node:fs';

for (const api of ls('node_modules/onnxruntime-node/bin')) {
  for (const platform of ls(api)) {
    if (!platform.endsWith(\`/\${process.platform}\`)) rmSync(platform, { recursive: true });
    else for (const arch of ls(platform)) if (!arch.endsWith(\`/\${process.arch}\`)) rmSync(arch, { recursive: true });
  }
}

function ls(folder) {
  return existsSync(folder) ? readdirSync(folder).map((name) => \`\${folder}/\${name}\`) : [];
}
`;

export interface Archive {
  readonly folder: string;
  readonly zip: string;
  readonly bytes: number;
}

/** Bundles the functions into `folder` and packs it beside, as `<folder>.zip`. The same sources make the same bytes. */
export async function buildArchive(folder: string = path.join(ROOT, 'dist/functions')): Promise<Archive> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['functions/index.ts'],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: { js: REQUIRE },
    external: EXTERNAL,
    metafile: true,
    logLevel: 'warning',
  });
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as Lockfile;
  const dependencies = Object.fromEntries(importedPackages(metafile).map((name) => [name, lockedVersion(lock, name)]));
  const manifest = {
    name: 'fanfold-functions',
    version: '0.1.0',
    private: true,
    type: 'module',
    main: 'index.js',
    engines: { node: '>=24' },
    scripts: { postinstall: 'node prune.js', start: 'functions-framework' },
    // Their install scripts fetch what is not needed, or do nothing.
    allowScripts: { 'onnxruntime-node': false, protobufjs: false },
    dependencies,
  };
  const write = (name: string, content: string): void => {
    writeFileSync(path.join(folder, name), content);
  };
  write('package.json', json(manifest));
  write('package-lock.json', json(partOf(lock, manifest)));
  write('prune.js', PRUNE);
  write('.npmrc', 'onnxruntime_node_install=skip\n');
  const entries = readdirSync(folder)
    .sort()
    .map((name) => ({ name, content: readFileSync(path.join(folder, name)) }));
  const packed = zip(entries);
  writeFileSync(`${folder}.zip`, packed);
  return { folder, zip: `${folder}.zip`, bytes: packed.length };
}

/** The packages that the bundle imports. */
function importedPackages({ outputs }: Metafile): readonly string[] {
  const names = Object.values(outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external, path: name }) => external === true && !isBuiltin(name))
    .map(({ path: name }) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    )
    .filter((name) => name !== LEFT_OUT);
  return [...new Set(names)].sort();
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  const { zip: file, bytes } = await buildArchive();
  process.stdout.write(`${path.relative(process.cwd(), file)}: ${(bytes / 1024).toFixed(0)} KB\n`);
}
