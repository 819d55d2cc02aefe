import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import type { ModelFiles } from '../../../../shared/models/model.ts';
import { memoryFiles } from '../model-files.ts';
import { savedModelPb, shapeProto } from './saved-model-maker.ts';

/** Small graphs as SavedModels in memory. */

type Json = Readonly<Record<string, unknown>>;

export interface MadeNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: readonly Json[];
}

export interface MadeFunction {
  readonly name: string;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly nodes: readonly MadeNode[];
  /** By output. */
  readonly ret: Readonly<Record<string, string>>;
}

export interface MadeSignature {
  readonly inputs?: Readonly<Record<string, Json>>;
  readonly outputs: Readonly<Record<string, Json>>;
}

export const type = (key: string, value: number): Json => ({ key, value: { type: value } });
export const call = (key: string, name: string): Json => ({ key, value: { func: { name } } });
export const types = (key: string, count: number): Json => ({
  key,
  value: { list: { type: new Array(count).fill(DT.FLOAT) } },
});

export function placeholder(name: string, dtype: number = DT.FLOAT): MadeNode {
  return { name, op: 'Placeholder', attr: [type('dtype', dtype)] };
}

export function constant(name: string, value: number): MadeNode {
  const tensor = { dtype: DT.FLOAT, tensorShape: shapeProto([]), floatVal: [value] };
  return { name, op: 'Const', attr: [type('dtype', DT.FLOAT), { key: 'value', value: { tensor } }] };
}

export function add(name: string, ...input: string[]): MadeNode {
  return { name, op: 'AddV2', input, attr: [type('T', DT.FLOAT)] };
}

export function callOf(name: string, fn: string, ...input: string[]): MadeNode {
  return { name, op: 'PartitionedCall', input, attr: [call('f', fn), types('Tin', input.length), types('Tout', 1)] };
}

export function tensor(name: string, dtype: number = DT.FLOAT, shape: readonly number[] = [-1]): Json {
  return { name, dtype, tensorShape: shapeProto(shape) };
}

const entries = (record: Readonly<Record<string, unknown>>): Json[] =>
  Object.entries(record).map(([key, value]) => ({ key, value }));

/** A model with these signatures; `x` to `y` where only the graph matters. */
export async function graphModel(
  nodes: readonly MadeNode[],
  options: {
    readonly functions?: readonly MadeFunction[];
    readonly signatures?: Readonly<Record<string, MadeSignature>>;
    readonly files?: Readonly<Record<string, Uint8Array | string>>;
    readonly assets?: readonly Json[];
  } = {},
): Promise<ModelFiles> {
  const { functions = [], files = {}, assets = [] } = options;
  const signatures = options.signatures ?? {
    serving_default: { inputs: { x: tensor('x:0') }, outputs: { y: tensor('y:0') } },
  };
  const pb = await savedModelPb({
    graphDef: { node: nodes, library: { function: functions.map(toFunction) } },
    assetFileDef: assets,
    signatureDef: Object.entries(signatures).map(([key, { inputs = {}, outputs }]) => ({
      key,
      value: { inputs: entries(inputs), outputs: entries(outputs), methodName: 'tensorflow/serving/predict' },
    })),
  });
  return memoryFiles({ 'saved_model.pb': pb, ...files });
}

function toFunction({ name, inputs = ['a'], outputs = ['r'], nodes, ret }: MadeFunction): Json {
  const args = (names: readonly string[]): Json[] => names.map((arg) => ({ name: arg, type: DT.FLOAT }));
  return { signature: { name, inputArg: args(inputs), outputArg: args(outputs) }, nodeDef: nodes, ret: entries(ret) };
}
