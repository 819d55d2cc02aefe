import { PermanentError } from '../../shared/errors.ts';
import { JOB_STATES } from '../../shared/job.ts';

/**
 * The states that a list's filter asks for: `state="JOB_STATE_RUNNING"`, several joined by `OR`, or one excluded with `!=`.
 * https://google.aip.dev/160
 * @throws PermanentError INVALID_ARGUMENT for what is none of these.
 */
export function statesOf(filter: string | undefined): readonly string[] | undefined {
  if (filter === undefined || filter.trim() === '') return undefined;
  const terms = filter.trim().split(/\s+OR\s+/);
  const states = terms.flatMap((term) => {
    const [, operator, quoted, bare] = /^state\s*(!?=)\s*(?:"([A-Z_]+)"|([A-Z_]+))$/.exec(term.trim()) ?? [];
    const state = quoted ?? bare;
    if (operator === undefined || state === undefined || (operator === '!=' && terms.length > 1)) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `filter ${filter}: expected state="JOB_STATE_RUNNING", several joined by OR, or state!="…"`,
      );
    }
    checkState(filter, state);
    return operator === '=' ? [state] : JOB_STATES.filter((known) => known !== state);
  });
  return [...new Set(states)];
}

/** Vertex AI's, of which two never occur here: nothing is found in them. */
const ELSEWHERE = ['JOB_STATE_PENDING', 'JOB_STATE_PAUSED'];

function checkState(filter: string, state: string): void {
  if ((JOB_STATES as readonly string[]).includes(state) || ELSEWHERE.includes(state)) return;
  throw new PermanentError('INVALID_ARGUMENT', `filter ${filter}: no such state; there are ${JOB_STATES.join(', ')}`);
}
