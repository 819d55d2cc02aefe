import type { Clock } from '../../shared/ports.ts';

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }
}
