import { globSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { loadModel } from '../../../../shared/models/load.ts';
import { describeFixtures, FIXTURES, folderFiles } from '../model-files.ts';
import { argmaxOf, expectGolden, readGolden, toTensor } from './golden.ts';

/** Signatures that need what no batch job has: state that a batch leaves to the next one. */
const REFUSED: Readonly<Record<string, readonly [string, string][]>> = {
  'savedmodel/serving_counter': [
    ['incr_counter', 'AssignAdd'],
    ['incr_counter_by', 'AssignAdd'],
    ['reset_counter', 'Assign'],
  ],
};
/** Graphs that decode JPEG themselves: another decoder's pixels differ. */
const PICTURES = new Set(['seeds/images']);
const PICTURE_TOLERANCE = 0.02;

describeFixtures("SavedModels give TensorFlow's own outputs", () => {
  const goldens = globSync('{savedmodel,seeds}/*/golden.json', { cwd: FIXTURES }).map((path) => dirname(path));
  for (const name of goldens.sort()) {
    const versions = globSync('**/saved_model.pb', { cwd: join(FIXTURES, name) }).map((path) => dirname(path));
    for (const version of versions.sort()) {
      const folder = join(FIXTURES, name, version);
      it(`of ${relative(FIXTURES, folder)}`, async () => {
        const model = await loadModel(await folderFiles(folder));
        const refused = new Map(REFUSED[name] ?? []);
        try {
          for (const [signature, call] of await readGolden(join(FIXTURES, name))) {
            const op = refused.get(signature);
            if (op !== undefined) {
              expect(model.refused?.[signature]).toMatch(`signature "${signature}": the operation ${op} (node "`);
              await expect(model.predict(signature, {})).rejects.toMatchObject({ status: 'UNIMPLEMENTED' });
              continue;
            }
            await expectGolden(model, signature, call, PICTURES.has(name) ? PICTURE_TOLERANCE : undefined);
          }
          expect(Object.keys(model.refused ?? {}).sort()).toEqual([...refused.keys()].sort());
        } finally {
          await model.dispose();
        }
      });
    }
  }

  it('and of pictures the same class', async () => {
    const model = await loadModel(await folderFiles(join(FIXTURES, 'seeds/images/1')));
    const call = (await readGolden(join(FIXTURES, 'seeds/images'))).get('serving_default');
    const inputs = Object.entries(call?.inputs ?? {}).map(([name, tensor]) => [name, toTensor(tensor)] as const);
    const outputs = await model.predict('serving_default', Object.fromEntries(inputs));
    for (const [name, golden] of Object.entries(call?.outputs ?? {})) {
      const expected = toTensor(golden);
      if (expected.dtype !== 'float32' || expected.shape.length !== 2) continue;
      expect(argmaxOf(outputs[name] as typeof expected)).toEqual(argmaxOf(expected));
    }
    await model.dispose();
  });
});
