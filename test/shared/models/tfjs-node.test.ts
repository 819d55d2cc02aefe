import { describe, expect, it } from 'vitest';

import { hasTensorFlow } from '../../../shared/models/tfjs-backend.ts';

describe('tfjs-node', () => {
  it.runIf(process.env['FANFOLD_REQUIRE_TFJS_NODE'] === '1')('loads, where it was built for these tests', async () => {
    expect(await hasTensorFlow()).toBe(true);
  });
});
