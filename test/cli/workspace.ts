import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

import { makeOnnx } from '../shared/models/onnx-maker.ts';

export const ROOT = join(import.meta.dirname, '../..');
export const FANFOLD = join(ROOT, 'cli/fanfold.js');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 60_000;

// A process starts in half a second, on a machine with nothing else to do.
vi.setConfig({ testTimeout: TIMEOUT_MS });

/** A folder of its own, with a folder of models, in which the real command runs as a process. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'fanfold-cli-'));

  constructor() {
    this.write('models/five/1/model.onnx', timesOnnx(5, ['N']));
    this.write('models/five/2/model.onnx', timesOnnx(5, ['N']));
    this.write('models/pair/1/model.onnx', timesOnnx(5, ['N', 2]));
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, content: string | Uint8Array): string {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
    return name;
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** The lines of a file, which ends with a newline where it is not empty. */
  lines(name: string): string[] {
    return this.read(name).split('\n').slice(0, -1);
  }

  json(name: string): unknown {
    return JSON.parse(this.read(name));
  }

  fanfold(...args: readonly string[]): Promise<Ran> {
    return run(process.execPath, [FANFOLD, ...args], this.folder);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A workspace that is gone after the test. */
export function newWorkspace(): Workspace {
  const workspace = new Workspace();
  onTestFinished(() => {
    workspace.remove();
  });
  return workspace;
}

export function run(file: string, args: readonly string[], cwd: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' };
    execFile(file, args, { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${file} ${args.join(' ')} ended by ${error.signal ?? 'nothing'}: ${stderr}`));
    });
  });
}

/** `y = factor · x`. */
export function timesOnnx(factor: number, shape: readonly (number | string)[]): Uint8Array {
  return makeOnnx({
    nodes: [{ op: 'Mul', inputs: ['x', 'factor'], outputs: ['y'] }],
    initializers: [{ name: 'factor', type: 'float32', shape: [], data: Float32Array.of(factor) }],
    inputs: [{ name: 'x', type: 'float32', shape }],
    outputs: [{ name: 'y', type: 'float32', shape }],
  });
}
