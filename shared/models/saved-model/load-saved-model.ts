import { PermanentError } from '../../errors.ts';
import { DEFAULT_SIGNATURE, type Model, type ModelFiles } from '../model.ts';
import type { TfjsOptions } from '../tfjs-backend.ts';
import { openBundle } from './bundle.ts';
import { Constants } from './graph-constants.ts';
import type { MetaGraph } from './graph-def.ts';
import { Graph } from './graph.ts';
import { plansOf } from './graph-plan.ts';
import { checkPlanSize } from './graph-plan-size.ts';
import { Planner } from './graph-planner.ts';
import { State } from './graph-state.ts';
import { SAVED_MODEL_OPS } from './run-ops.ts';
import { decodeSavedModel } from './proto.ts';
import { KERNELS } from './run-kernels.ts';
import { StringPool } from './run-strings.ts';
import { Weights } from './run-weights.ts';
import { planSignature, type RunnableSignature } from './signature.ts';
import { SavedModelModel } from './saved-model.ts';

const VARIABLES_INDEX = 'variables/variables.index';
/** What TensorFlow runs once, at loading: a signature of TF2, collections of TF1. */
const INIT_SIGNATURE = '__saved_model_init_op';
const INTERNAL = /^__saved_model_/;
const INIT_COLLECTIONS = ['saved_model_main_op', 'legacy_init_op'];

/**
 * Loads a SavedModel without TensorFlow: reads its graph, variables and tables, and runs its signatures on TensorFlow.js.
 * A signature that needs what we lack is refused, with the reason; the others run.
 * @throws PermanentError UNIMPLEMENTED where no signature runs, INVALID_ARGUMENT, FAILED_PRECONDITION or DATA_LOSS where the files do not make a model.
 */
export async function loadSavedModel(files: ModelFiles, options: TfjsOptions = {}): Promise<Model> {
  const { metaGraph } = await decodeSavedModel(files);
  const graph = new Graph(files.label, metaGraph.graph);
  const bundle = files.names.includes(VARIABLES_INDEX) ? await openBundle(files) : undefined;
  const constants = new Constants(graph, files, bundle, metaGraph.assets);
  const state = new State(graph, files, bundle, constants, initializers(metaGraph));
  const planner = new Planner(graph, state, (op) => KERNELS.has(op) || SAVED_MODEL_OPS.has(op));
  const strings = new StringPool();
  const weights = new Weights(constants, state, strings);
  const runnable = new Map<string, RunnableSignature>();
  const refused = new Map<string, PermanentError>();
  try {
    for (const [name, def] of metaGraph.signatures) {
      if (INTERNAL.test(name)) continue;
      try {
        const signature = planSignature(graph, planner, name, def);
        checkPlanSize(graph, signature.plan);
        await weights.read(plansOf(signature.plan));
        runnable.set(name, signature);
      } catch (error) {
        if (!(error instanceof PermanentError)) throw error;
        const refusal = refusalOf(files.label, name, error);
        if (!isRefusal(error)) throw refusal;
        refused.set(name, refusal);
      }
    }
    if (runnable.size === 0) throw noneRuns(files.label, refused);
    return await SavedModelModel.open({ label: files.label, runnable, refused, weights, strings, options });
  } catch (error) {
    weights.forgetTables();
    throw error;
  }
}

/** What is wrong with one signature; anything else is wrong with the model. */
function isRefusal({ status }: PermanentError): boolean {
  return status === 'UNIMPLEMENTED';
}

function refusalOf(label: string, name: string, error: PermanentError): PermanentError {
  const reason = error.message.startsWith(`${label}: `) ? error.message.slice(label.length + 2) : error.message;
  return new PermanentError(error.status, `${label}: signature ${JSON.stringify(name)}: ${reason}`, { cause: error });
}

function noneRuns(label: string, refused: ReadonlyMap<string, PermanentError>): PermanentError {
  const [first] = refused.values();
  const shown = refused.get(DEFAULT_SIGNATURE) ?? first;
  return (
    shown ??
    new PermanentError('FAILED_PRECONDITION', `${label}: saved_model.pb has no signatures; export it with some`)
  );
}

function initializers({ signatures, collections }: MetaGraph): string[] {
  const outputs = [...(signatures.get(INIT_SIGNATURE)?.outputs.values() ?? [])].map(({ name }) => name);
  return [...outputs, ...INIT_COLLECTIONS.flatMap((name) => collections.get(name)?.nodes ?? [])];
}
