import type { Op } from './op.ts';
import { bincountOps } from './ops/bincount.ts';
import { bucketizeOps } from './ops/bucketize.ts';
import { codecOps } from './ops/codec.ts';
import { csvOps } from './ops/csv.ts';
import { exampleOps } from './ops/parse-example.ts';
import { hashOps } from './ops/hash.ts';
import { imageOps } from './ops/image.ts';
import { joinOps } from './ops/join.ts';
import { lookupOps } from './ops/lookup.ts';
import { ngramOps } from './ops/ngrams.ts';
import { numberTextOps } from './ops/number-text.ts';
import { regexOps } from './ops/regex.ts';
import { segmentOps } from './ops/segment.ts';
import { sparseOps } from './ops/sparse.ts';
import { sparseCrossOps } from './ops/sparse-cross.ts';
import { splitOps } from './ops/split.ts';
import { stringPairOps } from './ops/string-pairs.ts';
import { textOps } from './ops/text.ts';
import { uniqueOps } from './ops/unique.ts';

/**
 * The operations that we compute ourselves, by TensorFlow's names: TensorFlow.js lacks them, computes them otherwise than TensorFlow, or takes strings
 * for text and not for bytes. Those of `Add`, `AddV2`, `Equal`, `NotEqual` take strings only.
 */
export const SAVED_MODEL_OPS: ReadonlyMap<string, Op> = new Map(
  Object.entries({
    ...bincountOps,
    ...bucketizeOps,
    ...codecOps,
    ...csvOps,
    ...exampleOps,
    ...hashOps,
    ...imageOps,
    ...joinOps,
    ...lookupOps,
    ...ngramOps,
    ...numberTextOps,
    ...regexOps,
    ...segmentOps,
    ...sparseOps,
    ...sparseCrossOps,
    ...splitOps,
    ...stringPairOps,
    ...textOps,
    ...uniqueOps,
  }),
);
