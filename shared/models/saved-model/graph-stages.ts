import type { PlannedNode, Segment, Stage, Step } from './graph-plan.ts';

/**
 * Cuts an order of nodes into stages: each node of a segment as early as it can, so that there are few segments.
 * @param nodes after what they need. @param outputs slots that the body returns.
 */
export function toStages(
  nodes: readonly (PlannedNode | Step)[],
  outputs: readonly number[],
  isPlain: (node: PlannedNode) => boolean,
): readonly Stage[] {
  const stageOfSlot = new Map<number, number>();
  const segments: PlannedNode[][] = [];
  const steps: Step[][] = [];
  const readers = new Map<number, Set<PlannedNode[] | undefined>>();
  for (const node of nodes) {
    const plain = isPlain(node);
    // A step of a stage is done when the next stage begins; for the steps after it, already in its own.
    const stage = Math.max(0, ...node.inputs.map((slot) => readyAt(slot, plain)));
    for (const slot of node.outputs) stageOfSlot.set(slot, plain ? stage * 2 : stage * 2 + 1);
    if (plain) (segments[stage] ??= []).push(node);
    else (steps[stage] ??= []).push(node as Step);
    for (const slot of node.inputs) addReader(slot, plain ? segments[stage] : undefined);
  }
  for (const slot of outputs) addReader(slot, undefined);
  const count = Math.max(segments.length, steps.length);
  return Array.from({ length: count }, (_, stage) => ({
    segment: toSegment(segments[stage], readers),
    steps: (steps[stage] ?? []).map(withUnread),
  }));

  function withUnread(step: Step): Step {
    return { ...step, unread: step.outputs.flatMap((slot, place) => (readers.has(slot) ? [] : [place])) };
  }

  function readyAt(slot: number, plain: boolean): number {
    const made = stageOfSlot.get(slot);
    if (made === undefined) return 0;
    return plain ? Math.ceil(made / 2) : Math.floor(made / 2);
  }

  function addReader(slot: number, reader: PlannedNode[] | undefined): void {
    const known = readers.get(slot);
    if (known === undefined) readers.set(slot, new Set([reader]));
    else known.add(reader);
  }
}

function toSegment(
  nodes: PlannedNode[] | undefined,
  readers: ReadonlyMap<number, ReadonlySet<PlannedNode[] | undefined>>,
): Segment | undefined {
  if (nodes === undefined) return undefined;
  const made = nodes.flatMap((node) => node.outputs);
  const inside = new Set(made);
  const feeds = [...new Set(nodes.flatMap((node) => node.inputs))].filter((slot) => !inside.has(slot));
  const results = made.filter((slot) => [...(readers.get(slot) ?? [])].some((reader) => reader !== nodes));
  return { nodes, feeds, results };
}
