import { mkdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

import type { OutputNames } from '../shared/job.ts';
import { fileOutput, folderOutput, outputFolder } from '../shared/names.ts';
import { UsageError } from './exit.ts';

/** Where a run's output goes and where it keeps its state until then. */
export interface RunTarget {
  /** The folder that is the output's bucket. */
  readonly folder: string;
  /** Ledger, scratch and lock of an unfinished run: what resuming needs. Gone when the run has ended. */
  readonly stateFolder: string;
  readonly output: (model: string, createTime: string) => OutputNames;
}

/**
 * `FILE`: the results go there. `DIR` (it is one, or ends in `/`): a folder `prediction-<model>-<time>` is made in it.
 * @throws UsageError for a file's name that promises compression.
 */
export function runTarget(output: string): RunTarget {
  const path = resolve(output);
  if (output.endsWith('/') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    mkdirSync(path, { recursive: true });
    return {
      folder: path,
      stateFolder: join(path, '.fanfold'),
      output: (model, createTime) => folderOutput(path, `${outputFolder(model, createTime)}/`),
    };
  }
  refusePackedName(output);
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  return { folder, stateFolder: `${path}.fanfold`, output: () => fileOutput(folder, basename(path)) };
}

/** Results are not compressed: who reads a file named so would take it at its word. */
function refusePackedName(output: string): void {
  const suffix = /\.(?:gz|zst|zlib)$/i.exec(output)?.[0];
  if (suffix !== undefined) {
    throw new UsageError(`--output ${output}: results are not compressed: name it without ${suffix}`);
  }
}
