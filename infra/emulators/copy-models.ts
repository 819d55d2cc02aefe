import { readFile } from 'node:fs/promises';

import { glob } from 'tinyglobby';

import { createStorage } from '../gcp/clients.ts';

/** Copies a folder of models (`<model>/<version>/…`) into the models bucket. @returns how many files. */
export async function copyModels(
  folder: string,
  target: { readonly projectId: string; readonly endpoint: string; readonly bucket: string },
): Promise<number> {
  const bucket = createStorage({ projectId: target.projectId, storageEndpoint: target.endpoint }).bucket(target.bucket);
  const names = (await glob('**/*', { cwd: folder, onlyFiles: true })).sort();
  for (const name of names) await bucket.file(name).save(await readFile(`${folder}/${name}`), { resumable: false });
  return names.length;
}
