import { readFileSync } from 'node:fs';
import path from 'node:path';

import { TERRAFORM } from './workspace.ts';

interface Right {
  readonly account: string;
  readonly role: string;
  /** What the cell names in quotes. */
  readonly where: readonly string[];
}

/** The rows of README.md's table whose first cell names accounts of ours; an empty cell stands for the one above. */
export function tableOfRights(): readonly Right[] {
  const readme = readFileSync(path.join(TERRAFORM, 'README.md'), 'utf8');
  const table = readme.slice(readme.indexOf('| who | where | role |')).split('\n\n')[0] ?? '';
  let accounts: readonly string[] = [];
  return table.split('\n').flatMap((row) => {
    const [, who = '', where = '', roles = ''] = row.split('|');
    if (who.trim() !== '') accounts = names(who).filter((name) => !name.endsWith('invokers'));
    return accounts.flatMap((account) => names(roles).map((role) => ({ account, role, where: names(where) })));
  });
}

function names(cell: string): readonly string[] {
  return [...cell.matchAll(/`(?:…-)?([\w.-]+)`/g)].map(([, name = '']) => name);
}
