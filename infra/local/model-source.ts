import type { ModelStore } from '../../shared/ports.ts';
import { LocalModelStore, openModelFolder } from './model-store.ts';

/** Where models come from, as plain data: it crosses to worker threads. */
export type ModelSource =
  | { readonly kind: 'root'; readonly folder: string }
  /** One model: its version folder, or the folder of its versions. */
  | { readonly kind: 'folder'; readonly folder: string };

export function openModels(source: ModelSource): ModelStore {
  switch (source.kind) {
    case 'root':
      return new LocalModelStore(source.folder);
    case 'folder':
      return openModelFolder(source.folder);
    default:
      return source satisfies never;
  }
}
