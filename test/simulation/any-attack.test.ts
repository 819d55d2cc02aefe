import { describe } from 'vitest';

import { checkSameOutput } from './same-output.ts';
import { forSeeds } from './seeds.ts';

describe('a job under any attack', () => {
  forSeeds('leaves the bytes of a quiet run', 700, (seed, witness) => checkSameOutput(seed, { witness }));

  forSeeds('needs no sweep where nothing is lost for good', 250, (seed, witness) =>
    checkSameOutput(seed, { witness, sweep: false }),
  );

  forSeeds('composes more parts than one call can join', 50, (seed, witness) =>
    checkSameOutput(seed, { witness, scenario: { manySplits: true } }),
  );

  forSeeds('takes results that are too large for a document', 5, (seed, witness) =>
    checkSameOutput(seed, { witness, scenario: { largeResult: true }, chunkBytes: 1 << 20 }),
  );
});
