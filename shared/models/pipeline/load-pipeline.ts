import { PermanentError } from '../../errors.ts';
import type { Model, ModelFiles } from '../model.ts';
import { readServingConfig } from '../serving-config.ts';
import { PipelineModel } from './pipeline-model.ts';
import { MAX_STEPS, PIPELINE_CONFIG, readPipelineSpec } from './pipeline-schema.ts';
import type { PipelineSpec, StepSpec } from './pipeline-schema.ts';
import { planPipeline } from './plan-pipeline.ts';
import type { LoadedStep } from './plan-pipeline.ts';
import { orderSteps } from './order-steps.ts';

/** Pipelines inside pipelines. */
const MAX_DEPTH = 5;

/** Opens a model version of the registry. @throws PermanentError NOT_FOUND */
export type OpenModel = (model: string, version: string) => Promise<ModelFiles>;

/** How a pipeline comes to the models of its steps. */
export interface StepLoader {
  readonly open: OpenModel | undefined;
  load(files: ModelFiles, nesting: Nesting): Promise<Model>;
}

/** Where a pipeline stands in others. */
export interface Nesting {
  /** The pipelines around it, the outermost first: `model@version`, or what a folder is called. */
  readonly above: readonly string[];
  /** Models that all of them together may still load. */
  readonly budget: { left: number };
}

/**
 * Loads the models of a pipeline.json, each once, and checks that the steps fit together.
 * @throws PermanentError naming the step: INVALID_ARGUMENT (unknown names, cycles, dtypes and shapes that do not fit, a pipeline inside itself or too
 * deep), FAILED_PRECONDITION (no such folder; a registry's model where there is no registry), and as its models do.
 */
export async function loadPipeline(
  files: ModelFiles,
  loader: StepLoader,
  nesting: Nesting = { above: [files.label], budget: { left: MAX_STEPS } },
): Promise<Model> {
  const spec = await readPipelineSpec(files);
  const inPipeline = <T>(work: () => T | Promise<T>): Promise<T> =>
    prefixed(`${files.label}: ${PIPELINE_CONFIG}`, work);
  const order = await inPipeline(() => orderSteps(spec.steps));
  const steps = new Map<string, LoadedStep>();
  try {
    await inPipeline(() => loadSteps(files, spec, loader, nesting, steps));
    return await inPipeline(() => new PipelineModel(planPipeline(spec, order, steps)));
  } catch (error) {
    for (const model of new Set([...steps.values()].map((step) => step.model))) await model.dispose();
    throw error;
  }
}

async function loadSteps(
  files: ModelFiles,
  spec: PipelineSpec,
  loader: StepLoader,
  nesting: Nesting,
  steps: Map<string, LoadedStep>,
): Promise<void> {
  const loaded = new Map<string, Omit<LoadedStep, 'spec'>>();
  for (const step of spec.steps) {
    await prefixed(`step "${step.name}"`, async () => {
      const source = step.model ?? `${step.folder ?? ''}/`;
      const known = loaded.get(source) ?? (await loadStep(files, step, loader, nesting));
      loaded.set(source, known);
      steps.set(step.name, { ...known, spec: step });
    });
  }
}

async function loadStep(
  files: ModelFiles,
  step: StepSpec,
  loader: StepLoader,
  { above, budget }: Nesting,
): Promise<Omit<LoadedStep, 'spec'>> {
  if (above.length > MAX_DEPTH) throw invalid(`pipelines in pipelines, more than ${MAX_DEPTH} deep`);
  if (budget.left-- <= 0) throw invalid(`more than ${MAX_STEPS} models in one pipeline`);
  const stepFiles =
    step.model === undefined ? folderOf(files, step.folder ?? '') : await openStep(step.model, loader, above);
  // Read before the model is loaded: it is quick to refuse.
  const { signatureName } = await readServingConfig(stepFiles);
  const model = await loader.load(stepFiles, { above: [...above, step.model ?? stepFiles.label], budget });
  return { model, defaultSignature: signatureName };
}

async function openStep(reference: string, loader: StepLoader, above: readonly string[]): Promise<ModelFiles> {
  if (above.includes(reference)) throw invalid(`${[...above, reference].join(' → ')}: a pipeline inside itself`);
  if (loader.open === undefined) {
    const message = `${reference} is a model of the registry, and here is none: put its files in a folder beside ${PIPELINE_CONFIG}, and write folder`;
    throw new PermanentError('FAILED_PRECONDITION', message);
  }
  const [model = '', version = ''] = reference.split('@');
  return loader.open(model, version);
}

/** The files below a folder of the version, as a version of their own. */
function folderOf(files: ModelFiles, folder: string): ModelFiles {
  const start = `${folder}/`;
  const names = files.names.filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
  if (names.length === 0) {
    throw new PermanentError('FAILED_PRECONDITION', `the version holds no file in the folder ${folder}`);
  }
  return { label: `${files.label}/${folder}`, names, read: (name) => files.read(start + name) };
}

async function prefixed<T>(prefix: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    throw new PermanentError(error.status, `${prefix}: ${error.message}`, { cause: error });
  }
}

function invalid(message: string): PermanentError {
  return new PermanentError('INVALID_ARGUMENT', message);
}
