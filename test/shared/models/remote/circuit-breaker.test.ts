import fc from 'fast-check';
import { expect, it } from 'vitest';

import { CircuitBreaker } from '../../../../shared/models/remote/circuit-breaker.ts';

const FAILURES = 3;
const RESET_MS = 1000;

/** Time passes, a request asks to be sent, or one that is under way ends. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 0, max: 1500 }) }),
    fc.record({ kind: fc.constant('ask') }),
    fc.record({ kind: fc.constant('end'), which: fc.nat(), succeeded: fc.boolean() }),
  ),
  { maxLength: 60 },
);

it('sends nothing while it is open, one trial after its pause, and is closed by nothing but that trial', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      let now = 0;
      const breaker = new CircuitBreaker({ failures: FAILURES, resetSeconds: RESET_MS / 1000 }, { now: () => now });
      const underWay: { readonly report: (succeeded: boolean) => void; readonly isTrial: boolean }[] = [];
      // What must be true, told independently: closed with a count of failures, or open since some time.
      let openSince: number | undefined;
      let inARow = 0;
      for (const step of taken) {
        if (step.kind === 'wait') now += step.ms;
        else if (step.kind === 'ask') {
          const report = breaker.enter();
          const isTrying = underWay.some(({ isTrial }) => isTrial);
          const may = openSince === undefined || (now >= openSince + RESET_MS && !isTrying);
          expect(report !== undefined).toBe(may);
          if (report !== undefined) underWay.push({ report, isTrial: openSince !== undefined });
        } else if (underWay.length > 0) {
          const [ended] = underWay.splice(step.which % underWay.length, 1);
          ended?.report(step.succeeded);
          if (ended?.isTrial === true) {
            openSince = step.succeeded ? undefined : now;
            inARow = 0;
          } else if (openSince === undefined) {
            inARow = step.succeeded ? 0 : inARow + 1;
            if (inARow === FAILURES) openSince = now;
          }
        }
      }
    }),
  );
});
