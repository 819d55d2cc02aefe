import type { Outcome } from './workspace.ts';

/** What `terraform test -json -verbose` says, one JSON object a line: only the parts that tests look at. */
interface Line {
  readonly type: string;
  readonly '@testfile'?: string;
  readonly '@testrun'?: string;
  readonly test_plan?: {
    readonly resource_changes: readonly ResourceChange[];
    readonly output_changes: Readonly<Record<string, Change>>;
  };
  readonly test_run?: {
    readonly path: string;
    readonly run: string;
    readonly progress: string;
    readonly status?: string;
  };
  readonly diagnostic?: { readonly severity: string; readonly summary: string; readonly detail: string };
}

interface Change {
  readonly after: unknown;
}

interface ResourceChange {
  readonly address: string;
  readonly mode: string;
  readonly type: string;
  readonly index?: string;
  readonly change: Change;
}

/** A resource as it is planned. */
export interface Planned<Values> {
  readonly address: string;
  /** Its key, where there are several. */
  readonly key: string;
  readonly values: Values;
}

export interface TestRun {
  readonly file: string;
  readonly run: string;
  readonly status: string;
}

export interface Diagnostic {
  readonly file: string;
  readonly summary: string;
  readonly detail: string;
}

/** The report of a `terraform test -json`. */
export class TestReport {
  readonly #lines: readonly Line[];

  constructor({ stdout, stderr }: Outcome) {
    if (stdout === '') throw new Error(`terraform test printed nothing: ${stderr}`);
    this.#lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  }

  runs(): readonly TestRun[] {
    return this.#lines.flatMap(({ test_run: run }) =>
      run?.status === undefined ? [] : [{ file: run.path, run: run.run, status: run.status }],
    );
  }

  diagnostics(): readonly Diagnostic[] {
    return this.#lines.flatMap(({ '@testfile': file = '', diagnostic }) =>
      diagnostic?.severity === 'error' ? [{ file, summary: diagnostic.summary, detail: diagnostic.detail }] : [],
    );
  }

  /** The plan of a run that plans, printed with -verbose. */
  plan(run: string): Plan {
    const plan = this.#lines.find((line) => line['@testrun'] === run && line.test_plan !== undefined)?.test_plan;
    if (plan === undefined) throw new Error(`no plan of run "${run}": ${JSON.stringify(this.diagnostics())}`);
    return new Plan(plan.resource_changes);
  }
}

export class Plan {
  readonly #changes: readonly ResourceChange[];

  constructor(changes: readonly ResourceChange[]) {
    this.#changes = changes.filter(({ mode }) => mode === 'managed');
  }

  /** The planned resources of one type, or of every type that ends so, as in `_iam_member`. `Values` is what the caller looks at. */
  resources<Values>(type: string): readonly Planned<Values>[] {
    const found = this.#changes.filter(
      (change) => change.type === type || (type.startsWith('_') && change.type.endsWith(type)),
    );
    if (found.length === 0) throw new Error(`no ${type} is planned`);
    return found.map(({ address, index, change }) => ({ address, key: index ?? '', values: change.after as Values }));
  }

  get types(): ReadonlySet<string> {
    return new Set(this.#changes.map(({ type }) => type));
  }

  toString(): string {
    return JSON.stringify(this.#changes);
  }
}
