import type { ArgDef } from './graph-def.ts';

/** What protobufjs decodes by the schema: a field that is not set reads as its default (of a message: null) from the prototype. */

/** A 64-bit number: protobufjs's Long, or a number where it is a default. */
export type RawLong = number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

export interface Entry<T> {
  readonly key: string;
  readonly value: T | null;
}

export interface RawSavedModel {
  readonly metaGraphs: readonly RawMetaGraph[];
}

export interface RawMetaGraph {
  readonly metaInfoDef: { readonly tags: readonly string[]; readonly tensorflowVersion: string } | null;
  readonly graphDef: RawGraphDef | null;
  readonly saverDef: {
    readonly filenameTensorName: string;
    readonly saveTensorName: string;
    readonly restoreOpName: string;
  } | null;
  readonly collectionDef: readonly Entry<RawCollection>[];
  readonly signatureDef: readonly Entry<RawSignature>[];
  readonly assetFileDef: readonly RawAsset[];
}

export interface RawAsset {
  readonly tensorInfo: RawTensorInfo | null;
  readonly filename: string;
}

interface RawCollection {
  readonly nodeList: { readonly value: readonly string[] } | null;
  readonly bytesList: { readonly value: readonly Uint8Array[] } | null;
  readonly anyList: { readonly value: readonly { readonly value: Uint8Array }[] } | null;
}

export interface RawSignature {
  readonly inputs: readonly Entry<RawTensorInfo>[];
  readonly outputs: readonly Entry<RawTensorInfo>[];
  readonly methodName: string;
}

export interface RawTensorInfo {
  readonly name: string;
  readonly dtype: number;
  readonly tensorShape: RawShape | null;
  readonly cooSparse: {
    readonly valuesTensorName: string;
    readonly indicesTensorName: string;
    readonly denseShapeTensorName: string;
  } | null;
}

export interface RawShape {
  readonly dim: readonly { readonly size: RawLong }[];
  readonly unknownRank: boolean;
}

export interface RawGraphDef {
  readonly node: readonly RawNode[];
  readonly library: { readonly function: readonly RawFunction[] } | null;
}

export interface RawNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: readonly Entry<RawAttr>[];
}

export interface RawAttr {
  /** Which of the others is set. */
  readonly value?: 'list' | 's' | 'i' | 'f' | 'b' | 'type' | 'shape' | 'tensor' | 'placeholder' | 'func';
  readonly list: RawList;
  readonly s: Uint8Array;
  readonly i: RawLong;
  readonly f: number;
  readonly b: boolean;
  readonly type: number;
  readonly shape: RawShape;
  readonly tensor: RawTensor;
  readonly placeholder: string;
  readonly func: RawCall;
}

export interface RawList {
  readonly s: readonly Uint8Array[];
  readonly i: readonly RawLong[];
  readonly f: readonly number[];
  readonly b: readonly boolean[];
  readonly type: readonly number[];
  readonly shape: readonly RawShape[];
  readonly tensor: readonly RawTensor[];
  readonly func: readonly RawCall[];
}

export interface RawCall {
  readonly name: string;
  readonly attr: readonly Entry<RawAttr>[];
}

export interface RawFunction {
  readonly signature: {
    readonly name: string;
    readonly inputArg: readonly ArgDef[];
    readonly outputArg: readonly ArgDef[];
  } | null;
  readonly nodeDef: readonly RawNode[];
  readonly ret: readonly Entry<string>[];
  readonly attr: readonly Entry<RawAttr>[];
  readonly controlRet: readonly Entry<string>[];
}

export interface RawTensor {
  readonly dtype: number;
  readonly tensorShape: RawShape | null;
  readonly tensorContent: Uint8Array;
  readonly halfVal: readonly number[];
  readonly floatVal: readonly number[];
  readonly doubleVal: readonly number[];
  readonly intVal: readonly number[];
  readonly stringVal: readonly Uint8Array[];
  readonly int64Val: readonly RawLong[];
  readonly boolVal: readonly boolean[];
  readonly uint32Val: readonly number[];
  readonly uint64Val: readonly RawLong[];
}
