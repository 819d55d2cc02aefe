interface RequestCount {
  readonly method: string;
  readonly status: string;
  count: number;
}

/** Counts answers by what was asked for and HTTP status. */
export class RequestCounts {
  readonly #counts = new Map<string, RequestCount>();

  add(method: string, status: number): void {
    const key = `${method} ${status}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { method, status: String(status), count: 1 });
    else known.count++;
  }

  list(): readonly Readonly<RequestCount>[] {
    return [...this.#counts.values()];
  }
}
