import type { OpNode } from './graph-node.ts';

/** Operations whose n-th output is their n-th input, at least for who does not train: they do not run here. */
const ALIASES = new Set([
  'Identity',
  'IdentityN',
  'RefIdentity',
  'StopGradient',
  'PreventGradient',
  'Snapshot',
  'OptimizationBarrier',
  'XlaOptimizationBarrier',
  'PlaceholderWithDefault',
  'Print',
  'DebugIdentity',
  'CheckNumerics',
  'EnsureShape',
]);

export function isAlias(node: OpNode): boolean {
  return ALIASES.has(node.op);
}
