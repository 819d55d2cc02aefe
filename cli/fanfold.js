#!/usr/bin/env node
// Runs the command on a Node that has type stripping, node:sqlite and Float16Array: this one, or the one that `npm ci` put beside it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);

if (major >= 24) {
  hideExperimentalWarnings();
  // libtensorflow, where tfjs-node brings it, tells at every start what it could do better. Errors stay.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/fanfold', import.meta.url)));
  // Started by the branch below: when that process is gone, even by kill -9, nobody waits for this one any more.
  process.on('disconnect', () => process.exit(1));
  process.channel?.unref();
  const { main } = await import('./main.ts');
  const code = await main(process.argv);
  // What is still open holds nothing that matters: the output is on disk, and worker threads end with the process.
  process.exit(code);
} else {
  const installed = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(installed)) {
    console.error(
      `fanfold needs Node 24 or newer; this is ${process.versions.node}. Run "npm ci" in its folder: it installs one.`,
    );
    process.exit(1);
  }
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(installed, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // The child decides when to end. The terminal sends Ctrl-C to both: it takes two at once for one.
  process.on('SIGINT', () => child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

/** node:sqlite says at every start that it is experimental: of no use to who runs a command. */
function hideExperimentalWarnings() {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (warning, ...rest) => {
    if (rest[0] !== 'ExperimentalWarning') emitWarning(warning, ...rest);
  };
}
