import { ARRAY_KERNELS } from './run-array.ts';
import { CONTROL_KERNELS } from './run-control.ts';
import { EINSUM_KERNELS } from './run-einsum.ts';
import { LIST_KERNELS } from './run-list.ts';
import { RANDOM_KERNELS } from './run-random.ts';
import { RESOURCE_KERNELS } from './run-resource.ts';
import { SELECT_KERNELS } from './run-select.ts';
import type { Kernel } from './run-value.ts';

/** The operations that the runner does itself, by TensorFlow's names: control flow, lists, and what TensorFlow.js does only asynchronously. */
export const KERNELS: ReadonlyMap<string, Kernel> = new Map(
  Object.entries({
    ...CONTROL_KERNELS,
    ...EINSUM_KERNELS,
    ...LIST_KERNELS,
    ...ARRAY_KERNELS,
    ...RANDOM_KERNELS,
    ...RESOURCE_KERNELS,
    ...SELECT_KERNELS,
  }),
);
