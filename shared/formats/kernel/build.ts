import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Compiles assembly/ into wasm.ts: `npm run build:kernel`. The same sources and the same version of the compiler give the same bytes, which a
 * test holds wasm.ts to.
 */
const COMPILER = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
const SOURCE = fileURLToPath(new URL('./assembly/index.ts', import.meta.url));
const TARGET = fileURLToPath(new URL('./wasm.ts', import.meta.url));

/** Pages of 64 KiB: what kernel.ts lays out. As many at most: a memory that never grows never detaches the views of it. */
const PAGES = '9';
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];

/** The text of wasm.ts. @throws Error with the compiler's messages. */
export function compileKernel(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-kernel-'));
  const wasm = join(folder, 'kernel.wasm');
  const memory = ['--initialMemory', PAGES, '--maximumMemory', PAGES];
  try {
    execFileSync(process.execPath, [COMPILER, SOURCE, '--baseDir', '/', '-o', wasm, ...OPTIONS, ...memory]);
    return moduleText(readFileSync(wasm).toString('base64'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function moduleText(base64: string): string {
  return `/** Generated from assembly/ by build.ts: a WebAssembly module, as base64. */\nexport const KERNEL_WASM =\n  '${base64}';\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, compileKernel());
