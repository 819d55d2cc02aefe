import { z } from 'zod';
import { oneLine, PermanentError } from '../errors.ts';
import { checkExpansion, newFunctionBody, type FunctionBody } from './function-expansion.ts';
import type { ModelFiles } from './model.ts';

/** What TensorFlow.js takes for granted of a graph: it follows a circle, or a function that calls itself, until memory ends. */

const called = z.looseObject({ name: z.string().nullish() }).nullish();
const attribute = z.looseObject({
  func: called,
  list: z.looseObject({ func: z.array(called).nullish() }).nullish(),
});
const node = z.looseObject({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).nullish(),
  attr: z.record(z.string(), attribute).nullish(),
});
const nodes = z.array(node);
const arg = z.looseObject({ name: z.string() });
const fn = z.looseObject({
  signature: z.looseObject({ name: z.string(), inputArg: z.array(arg).nullish(), outputArg: z.array(arg).nullish() }),
  nodeDef: nodes.nullish(),
});
const graph = z
  .looseObject({ node: nodes.nullish(), library: z.looseObject({ function: z.array(fn).nullish() }).nullish() })
  .nullish();
const shape = z.looseObject({ dim: z.array(z.looseObject({})).nullish() });
const tensor = z.looseObject({ name: z.string().nullish(), tensorShape: shape.nullish() });
const tensors = z.record(z.string(), tensor).nullish();
const signature = z.looseObject({ inputs: tensors, outputs: tensors }).nullish();
const modelSchema = z.looseObject({
  modelTopology: graph,
  modelInitializer: graph,
  signature,
  userDefinedMetadata: z.looseObject({ signature }).nullish(),
});

type Node = z.infer<typeof node>;

/** The only node through which a graph may come back to itself: the next round of a loop. */
const NEXT_ROUND = 'NextIteration';
/** An object's property of this name is none. */
const UNUSABLE = '__proto__';

/**
 * Checks a graph-model before TensorFlow.js sees it.
 * @param source for messages: `m@3: model.json`.
 * @throws PermanentError INVALID_ARGUMENT naming the field, the node or the function.
 */
export function checkGraphModel(files: ModelFiles, source: string, json: unknown): void {
  const refuse = (what: string, cause?: unknown): never => {
    throw new PermanentError('INVALID_ARGUMENT', `${files.label}: TensorFlow.js refuses ${source}: ${what}`, { cause });
  };
  const parsed = modelSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(issue === undefined ? 'unknown' : `${issue.path.map(String).join('.')}: ${issue.message}`);
  }
  const { modelTopology, modelInitializer } = parsed.data;
  for (const part of [modelTopology, modelInitializer]) {
    try {
      checkNodes(part?.node ?? []);
      const functions = part?.library?.function ?? [];
      const bodies = functions.map((one) => [one.signature.name, bodyOf(one.nodeDef ?? [])] as const);
      checkExpansion(bodyOf(part?.node ?? []), new Map(bodies));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refuse(oneLine(error), error);
    }
  }
}

function bodyOf(list: readonly Node[]): FunctionBody {
  const body = newFunctionBody();
  for (const { attr } of list) {
    body.nodes += 1;
    for (const { func, list: many } of Object.values(attr ?? {})) {
      for (const { name } of [func, ...(many?.func ?? [])].filter((one) => one !== undefined && one !== null)) {
        if (typeof name === 'string') body.calls.set(name, (body.calls.get(name) ?? 0) + 1);
      }
    }
  }
  return body;
}

function checkNodes(list: readonly Node[]): void {
  const byName = new Map(list.map((one) => [one.name, one]));
  if (byName.has(UNUSABLE)) throw new RangeError(`a node is called ${UNUSABLE}, which cannot be used: rename it`);
  if (byName.size < list.length) {
    const twice = list.find((one) => byName.get(one.name) !== one);
    throw new RangeError(`two nodes are called ${JSON.stringify(twice?.name)}`);
  }
  const before = (one: Node): Node[] =>
    (one.input ?? []).map((input) => {
      const name = input.replace(/^\^/, '').split(':')[0] ?? '';
      const found = byName.get(name);
      if (found !== undefined) return found;
      throw new RangeError(`the node ${JSON.stringify(one.name)} takes ${JSON.stringify(name)}, which is not there`);
    });
  const done = new Set<Node>();
  const open = new Set<Node>();
  // Without recursion: graphs are deep.
  for (const root of list) {
    const stack = [root];
    for (let one = stack.at(-1); one !== undefined; one = stack.at(-1)) {
      if (done.has(one)) {
        stack.pop();
        continue;
      }
      if (open.has(one)) {
        stack.pop();
        open.delete(one);
        done.add(one);
        continue;
      }
      open.add(one);
      const inputs = before(one);
      if (one.op === NEXT_ROUND) continue;
      for (const input of inputs) {
        if (open.has(input) && input.op !== NEXT_ROUND)
          throw new RangeError(`it goes in a circle at ${JSON.stringify(input.name)} (${input.op})`);
        if (!done.has(input) && !open.has(input)) stack.push(input);
      }
    }
  }
}
