import { PermanentError } from '../../errors.ts';
import type { ModelFiles } from '../model.ts';
import type { AssetFile, MetaGraph, SavedModel } from './graph-def.ts';
import { assetOf, metaGraphOf } from './proto-convert.ts';
import type { RawAsset, RawSavedModel } from './proto-raw.ts';
import { decodeMessage } from './proto-decode.ts';

/** https://www.tensorflow.org/guide/saved_model: the file, and the tag of what serves. */
const FILE = 'saved_model.pb';
const SERVE = 'serve';
const TF1_ASSETS = 'saved_model_assets';
/** protobuf's own bound is 2 GiB; a graph of this size can only be a frozen one, whose weights should be variables. */
const MAX_BYTES = 1024 * 1024 * 1024;

/**
 * Reads `saved_model.pb` and chooses the meta graph of the tag `serve`, else the only one. Tensor contents are views of the file's bytes.
 * @throws PermanentError INVALID_ARGUMENT where the file is no SavedModel, FAILED_PRECONDITION where no meta graph can be chosen.
 */
export async function decodeSavedModel(files: ModelFiles): Promise<SavedModel> {
  const source = `${files.label}: ${FILE}`;
  const bytes = await files.read(FILE);
  if (bytes.length > MAX_BYTES) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `${source} has ${bytes.length} bytes; at most ${MAX_BYTES} are read: save the weights as variables`,
    );
  }
  const message = (await decodeMessage('SavedModel', bytes, source)) as RawSavedModel;
  const metaGraph = choose(message.metaGraphs.map(metaGraphOf), source);
  return { metaGraph: { ...metaGraph, assets: await assetsOf(metaGraph, source) } };
}

/** TF1 wrote the assets into a collection of serialized AssetFileDefs. */
async function assetsOf(graph: MetaGraph, source: string): Promise<readonly AssetFile[]> {
  if (graph.assets.length > 0) return graph.assets;
  const serialized = graph.collections.get(TF1_ASSETS)?.bytes ?? [];
  return Promise.all(
    serialized.map(async (bytes) =>
      assetOf((await decodeMessage('AssetFileDef', bytes, `${source}, ${TF1_ASSETS}`)) as RawAsset),
    ),
  );
}

function choose(graphs: readonly MetaGraph[], source: string): MetaGraph {
  const [only, ...others] = graphs;
  if (!only) throw new PermanentError('INVALID_ARGUMENT', `${source} holds no meta graph`);
  if (others.length === 0) return only;
  // Of several that serve the plainest: `serve` alone before `serve, tpu` or `serve, gpu`.
  const serving = graphs.filter((graph) => graph.tags.includes(SERVE)).sort((a, b) => a.tags.length - b.tags.length);
  const [chosen] = serving;
  if (chosen) return chosen;
  const tags = graphs.map((graph) => graph.tags.join(',') || '(none)').join('; ');
  throw new PermanentError(
    'FAILED_PRECONDITION',
    `${source} holds ${graphs.length} meta graphs with the tags ${tags}; expected one tagged ${SERVE}: export it with that tag`,
  );
}
