import type { Clock } from '../../shared/ports.ts';

interface Event {
  readonly time: number;
  /** Events of one time happen in the order in which they were planned. */
  readonly order: number;
  readonly action: () => void;
}

/** Discrete events on a virtual clock. Between two events everything that the first one set going comes to rest. */
export class Scheduler implements Clock {
  readonly #settled: () => Promise<void>;
  /** A binary heap. */
  readonly #events: Event[] = [];
  #now: number;
  #order = 0;

  /** @param settled resolves when nothing moves any more without an event. */
  constructor(start: number, settled: () => Promise<void>) {
    this.#now = start;
    this.#settled = settled;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, action: () => void): void {
    this.#push({ time: this.#now + milliseconds, order: this.#order++, action });
  }

  /** Lets events happen until `done`, until none is left, or until the clock would pass `deadline`. */
  async run(done: () => boolean, deadline: number): Promise<'done' | 'idle' | 'deadline'> {
    await this.#settled();
    while (!done()) {
      const [next] = this.#events;
      if (next === undefined) return 'idle';
      if (next.time > deadline) return 'deadline';
      this.#pop();
      this.#now = next.time;
      next.action();
      await this.#settled();
    }
    return 'done';
  }

  #push(event: Event): void {
    const heap = this.#events;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#events;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      const below = heap[child] as Event;
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
