import { NOTHING } from './predictions-writer.ts';
import type { PredictionsWriter } from './predictions-writer.ts';

/** The lines as they are. */
export const jsonlWriter: PredictionsWriter = {
  uniform: false,
  part: (lines) => lines,
  header: () => NOTHING,
  footer: () => Promise.resolve(NOTHING),
};
