import { COLON } from '../ascii.ts';
import { PLAIN_CELL, cellTypeOf } from './csv-cell.ts';
import type { CellType } from './csv-cell.ts';
import { featureTensor } from '../example/example-feature.ts';
import { ExampleFields } from '../example/example-fields.ts';
import type { FieldPlan, FieldRole } from '../field-plan.ts';
import type { InputReader } from '../input-reader.ts';
import { INSTANCE, listOf, subjectOf, unexpected } from '../row-error.ts';
import type { RowError } from '../row-error.ts';

/** A column of a CSV file: what becomes of its cells. */
export interface CsvColumn {
  readonly name: string;
  /** The name and a colon, as JSON. */
  readonly label: Buffer;
  readonly subject: string;
  readonly role: FieldRole;
  readonly type: CellType;
  /** An empty cell is a feature that is missing. */
  readonly optional: boolean;
}

/** Where the columns make up the tf.Example that an input takes. */
export interface CsvExample {
  readonly fields: ExampleFields;
  readonly input: InputReader;
}

export function columnOf(name: string, plan: FieldPlan): CsvColumn {
  const role = plan.role(name);
  const { feature } = role;
  const spec = typeof feature === 'object' ? featureTensor(feature) : plan.signature.inputs[role.input];
  return {
    name,
    label: Buffer.concat([Buffer.from(JSON.stringify(name)), Buffer.of(COLON)]),
    subject: subjectOf(name),
    role,
    type: spec === undefined ? PLAIN_CELL : cellTypeOf(spec, role.element),
    optional: feature === 'inferred' || feature?.optional === true,
  };
}

/** Undefined where no input takes tf.Examples, or a column holds them whole. */
export function exampleOf(
  plan: FieldPlan,
  columns: readonly CsvColumn[],
  inputs: readonly InputReader[],
): CsvExample | undefined {
  const input = inputs[plan.examples];
  if (input === undefined || columns.some(({ role }) => role.input === plan.examples)) return undefined;
  return { fields: new ExampleFields(plan), input };
}

/** The error of columns that do not make up an instance. */
export function unusable(
  plan: FieldPlan,
  columns: readonly CsvColumn[],
  inputs: readonly InputReader[],
  example: CsvExample | undefined,
): RowError | undefined {
  if (plan.asList && inputs.length !== 1) {
    const names = listOf(inputs.map(({ spec }) => spec.name));
    return unexpected(INSTANCE, 'a list', `instanceType object: an object with the inputs ${names}`);
  }
  const unknown = columns.find(({ role }) => role.unknown);
  if (unknown !== undefined) return plan.refuse(unknown.name);
  const names = new Set(columns.map(({ name }) => name));
  const beside = columns.find(({ role }) => role.feature !== undefined);
  if (example === undefined && beside !== undefined) return plan.beside(beside.name);
  const required = example === undefined ? plan.required : [...plan.required, ...plan.requiredFeatures];
  const missing = required.find(({ name }) => !names.has(name));
  if (missing === undefined) return undefined;
  return plan.missing(
    missing,
    example?.fields.expected(missing.name) ??
      inputs.find(({ spec }) => spec.name === missing.name)?.expected ??
      'a value',
  );
}
