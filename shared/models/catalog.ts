import { createHash } from 'node:crypto';

import { compareUtf8 } from '../compare-utf8.ts';
import { PermanentError } from '../errors.ts';
import type { CatalogModel, ModelSummary, NewModelFile } from '../ports.ts';

/** What every model store decides alike: how references are read, which version they mean, what a version's digest is. */

const MODEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** As TF Serving's base path: a folder of digits, an int64. */
const VERSION = /^[0-9]{1,18}$/;
const LABEL = /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/;

export function isModelName(name: string): boolean {
  return MODEL_NAME.test(name);
}

export function isLabel(name: string): boolean {
  return LABEL.test(name);
}

export function isVersion(name: string): boolean {
  return VERSION.test(name);
}

/**
 * Splits `model`, `model@3` or `model@label`.
 * @throws PermanentError INVALID_ARGUMENT where it is none of them.
 */
export function parseModelReference(reference: string): { readonly model: string; readonly selector?: string } {
  const [model = '', selector, ...rest] = reference.split('@');
  if (
    !isModelName(model) ||
    rest.length > 0 ||
    (selector !== undefined && !VERSION.test(selector) && !LABEL.test(selector))
  ) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(reference)} is no model reference: write model, model@3 or model@label`,
    );
  }
  return selector === undefined ? { model } : { model, selector };
}

/**
 * The version that a selector means: a number, a label, or the default.
 * @throws PermanentError NOT_FOUND naming what there is.
 */
export function chooseVersion(entry: CatalogModel, selector: string | undefined): string {
  const { model, versions, config } = entry;
  const there = versions.length === 0 ? 'it has none' : `there are ${[...versions].sort(compareVersions).join(', ')}`;
  const labels = config.labels ?? {};
  const wanted = selector === undefined ? defaultVersion(entry) : isVersion(selector) ? selector : labels[selector];
  if (wanted === undefined) {
    const known =
      Object.keys(labels).length === 0 ? 'it has none' : `there are ${Object.keys(labels).sort().join(', ')}`;
    if (selector === undefined)
      throw new PermanentError('NOT_FOUND', `model ${model} has no version: a version is a folder named by a number`);
    throw new PermanentError('NOT_FOUND', `model ${model} has no label ${selector}: ${known}`);
  }
  if (versions.includes(wanted)) return wanted;
  const via = wanted === selector ? '' : selector === undefined ? ' (its default version)' : ` (labelled ${selector})`;
  throw new PermanentError('NOT_FOUND', `model ${model} has no version ${wanted}${via}: ${there}`);
}

/** As a list shows it. @returns undefined where the model has no version. */
export function summarize(entry: CatalogModel): ModelSummary | undefined {
  const version = defaultVersion(entry);
  if (version === undefined || entry.versions.length === 0) return undefined;
  const versions = [...entry.versions].sort(compareVersions);
  return { model: entry.model, versions, defaultVersion: version, labels: { ...entry.config.labels } };
}

/** The configured one, else the highest; undefined where there is none. */
export function defaultVersion({ versions, config }: CatalogModel): string | undefined {
  return config.defaultVersion ?? [...versions].sort(compareVersions).at(-1);
}

/** By number; `01` before `1`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left === right ? compareUtf8(a, b) : left < right ? -1 : 1;
}

/**
 * SHA-256 over the files in order of their names: for each the line `["<name>",<size>]` as JSON, then its content.
 * @returns hex.
 */
export async function digestFiles(files: readonly NewModelFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [...files].sort((a, b) => compareUtf8(a.name, b.name))) {
    hash.update(`${JSON.stringify([file.name, file.size])}\n`);
    for await (const chunk of file.content()) hash.update(chunk);
  }
  return hash.digest('hex');
}
