import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { Option } from 'commander';

import { PermanentError } from '../shared/errors.ts';

/** The folders of the local twin: three buckets for people, the rest for the machine. */
export interface StateFolder {
  readonly root: string;
  readonly input: string;
  readonly models: string;
  readonly output: string;
  readonly scratch: string;
  readonly ledger: string;
  readonly lock: string;
}

export function stateOption(): Option {
  return new Option('--state <dir>', 'the state folder of `fanfold dev`').env('FANFOLD_STATE').default('fanfold-state');
}

/** For commands that only look for models there. */
export function modelsStateOption(): Option {
  return new Option('--state <dir>', 'look for models in models/ of this state folder of `fanfold dev`').env(
    'FANFOLD_STATE',
  );
}

/** The folder of models by name: as said, else of the environment, else that of the state folder where one is named, else models/ here. */
export function modelsPlace({ models, state }: { readonly models?: string; readonly state?: string }): string {
  return models ?? process.env['FANFOLD_MODELS'] ?? (state === undefined ? 'models' : stateFolder(state).models);
}

function stateFolder(path: string): StateFolder {
  const root = resolve(path);
  return {
    root,
    input: join(root, 'input'),
    models: join(root, 'models'),
    output: join(root, 'output'),
    scratch: join(root, '.fanfold', 'scratch'),
    ledger: join(root, '.fanfold', 'ledger.db'),
    lock: join(root, '.fanfold', 'lock'),
  };
}

export function createStateFolder(path: string): StateFolder {
  const state = stateFolder(path);
  for (const folder of [state.input, state.models, state.output, state.scratch]) mkdirSync(folder, { recursive: true });
  return state;
}

/** @throws PermanentError NOT_FOUND where `fanfold dev` never ran on that folder. */
export function existingStateFolder(path: string): StateFolder {
  const state = stateFolder(path);
  if (existsSync(state.ledger)) return state;
  const there = statSync(state.root, { throwIfNoEntry: false })?.isDirectory() === true;
  throw new PermanentError(
    'NOT_FOUND',
    `${state.root} ${there ? 'is no state folder' : 'does not exist'}: start \`fanfold dev ${path}\`, or name its folder with --state`,
  );
}
