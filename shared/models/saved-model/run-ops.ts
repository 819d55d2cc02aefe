import { castOps } from './math/cast.ts';
import { elementwiseOps } from './math/elementwise.ts';
import { equationOps } from './math/equations.ts';
import { pictureOps } from './math/image.ts';
import { matrixOps } from './math/matrix.ts';
import { raggedOps } from './math/ragged.ts';
import { scatterOps } from './math/scatter.ts';
import { sparseTensorOps } from './math/sparse.ts';
import { stridedSliceOps } from './math/strided-slice.ts';
import { segmentTextOps } from './math/text.ts';
import { bincountOps } from './ops/bincount.ts';
import { bucketizeOps } from './ops/bucketize.ts';
import { codecOps } from './ops/codec.ts';
import { csvOps } from './ops/csv.ts';
import { hashOps } from './ops/hash.ts';
import { imageOps } from './ops/image.ts';
import { joinOps } from './ops/join.ts';
import { lookupOps } from './ops/lookup.ts';
import { ngramOps } from './ops/ngrams.ts';
import { numberTextOps } from './ops/number-text.ts';
import { exampleOps } from './ops/parse-example.ts';
import { regexOps } from './ops/regex.ts';
import { segmentOps } from './ops/segment.ts';
import { sparseOps } from './ops/sparse.ts';
import { splitOps } from './ops/split.ts';
import { stringPairOps } from './ops/string-pairs.ts';
import { textOps } from './ops/text.ts';
import { uniqueOps } from './ops/unique.ts';
import { boxOps } from './math/boxes.ts';
import { colorOps } from './math/color.ts';
import { quantizeOps } from './math/quantize.ts';
import { scoreOps } from './math/score.ts';
import { sparseArithmeticOps } from './math/sparse-arithmetic.ts';
import { unicodeOps } from './ops/unicode.ts';
import { sequenceOps } from './ops/parse-sequence.ts';
import { formatOps } from './ops/string-format.ts';
import type { Op } from './op.ts';

/** Operations that we compute, as TensorFlow.js has them not, or not on strings. By TensorFlow's names. */
export const SAVED_MODEL_OPS: ReadonlyMap<string, Op> = new Map(
  Object.entries({
    ...bincountOps,
    ...bucketizeOps,
    ...castOps,
    ...codecOps,
    ...csvOps,
    ...elementwiseOps,
    ...equationOps,
    ...exampleOps,
    ...hashOps,
    ...imageOps,
    ...joinOps,
    ...lookupOps,
    ...ngramOps,
    ...matrixOps,
    ...numberTextOps,
    ...pictureOps,
    ...raggedOps,
    ...regexOps,
    ...scatterOps,
    ...segmentOps,
    ...segmentTextOps,
    ...sparseOps,
    ...sparseTensorOps,
    ...splitOps,
    ...stridedSliceOps,
    ...stringPairOps,
    ...textOps,
    ...boxOps,
    ...colorOps,
    ...quantizeOps,
    ...scoreOps,
    ...sparseArithmeticOps,
    ...unicodeOps,
    ...sequenceOps,
    ...formatOps,
    ...uniqueOps,
  }),
);
