import type * as tfc from '@tensorflow/tfjs-core';
import { PermanentError } from '../../errors.ts';
import { textAttr } from './graph-node.ts';
import { tensorInput, type Kernel } from './run-value.ts';
import type { Tfjs } from '../tfjs-backend.ts';

/**
 * Einsum of floats as products of matrices, which every backend has: TensorFlow.js's own multiplies everything with everything first, on the cpu.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/linalg/einsum_op_impl.h
 */

/** A tensor and its dimensions' labels. */
interface Labelled {
  readonly tensor: tfc.Tensor;
  readonly labels: string;
}

const ELLIPSIS = '...';
/** Labels of an ellipsis' dimensions, from the last: none that equations use. */
const FIRST_BROADCAST = 0x2460;

const einsum: Kernel = (run) => {
  const equation = textAttr(run.step.attrs, 'equation').replaceAll(' ', '');
  const [left = '', right = ''] = equation.split('->');
  const terms = left.split(',');
  const given = terms.map((term, n): Labelled => {
    const tensor = tensorInput(run, n);
    return { tensor, labels: expanded(term, tensor.rank - term.replace(ELLIPSIS, '').length) };
  });
  const broadcast = Math.max(...given.map(({ labels }) => Array.from(labels).filter(isBroadcast).length));
  const output = expanded(right, broadcast);
  for (const { labels } of given) {
    if (new Set(labels).size < labels.length || labels.includes(ELLIPSIS)) {
      throw new PermanentError('UNIMPLEMENTED', `the operation Einsum with the equation ${equation} is not supported`);
    }
  }
  const { tf } = run;
  const product = given.reduce((a, b, n) => {
    const later = given.slice(n + 1).map(({ labels }) => labels);
    return multiplied(tf, a, b, new Set([...later, output].join('')));
  });
  return [arranged(tf, reduced(tf, product, new Set(output)), output)];
};

function expanded(term: string, rank: number): string {
  const letters = Array.from({ length: Math.max(0, rank) }, (_, i) =>
    String.fromCharCode(FIRST_BROADCAST + rank - 1 - i),
  );
  return term.replace(ELLIPSIS, letters.join(''));
}

function isBroadcast(label: string): boolean {
  return label.charCodeAt(0) >= FIRST_BROADCAST;
}

/** Summed over what nobody wants. */
function reduced(tf: Tfjs, { tensor, labels }: Labelled, wanted: ReadonlySet<string>): Labelled {
  const axes = Array.from(labels).flatMap((label, axis) => (wanted.has(label) ? [] : [axis]));
  if (axes.length === 0) return { tensor, labels };
  return {
    tensor: tf.sum(tensor, axes),
    labels: Array.from(labels)
      .filter((label) => wanted.has(label))
      .join(''),
  };
}

function arranged(tf: Tfjs, { tensor, labels }: Labelled, order: string): tfc.Tensor {
  const places = Array.from(order).map((label) => labels.indexOf(label));
  return places.every((place, i) => place === i) ? tensor : tf.transpose(tensor, places);
}

/** Both as [batch, own, contracted] and [batch, contracted, own]. @param wanted labels that are read afterwards. */
function multiplied(tf: Tfjs, left: Labelled, right: Labelled, wanted: ReadonlySet<string>): Labelled {
  const a = reduced(tf, left, new Set([...wanted, ...Array.from(right.labels)]));
  const b = reduced(tf, right, new Set([...wanted, ...Array.from(left.labels)]));
  const shared = Array.from(a.labels).filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => wanted.has(label));
  const contracted = shared.filter((label) => !wanted.has(label));
  const ownA = Array.from(a.labels).filter((label) => !shared.includes(label));
  const ownB = Array.from(b.labels).filter((label) => !shared.includes(label));
  const [x, y] = [stretched(tf, a, b, shared), stretched(tf, b, a, shared)];
  const sizes = new Map([...sizesOf(x, a.labels), ...sizesOf(y, b.labels)]);
  const count = (labels: readonly string[]): number =>
    labels.reduce((product, label) => product * (sizes.get(label) ?? 1), 1);
  const shaped = (tensor: tfc.Tensor, labels: string, parts: readonly (readonly string[])[]): tfc.Tensor3D =>
    tf.reshape(arranged(tf, { tensor, labels }, parts.flat().join('')), parts.map(count) as [number, number, number]);
  const product = tf.matMul(
    shaped(x, a.labels, [batch, ownA, contracted]),
    shaped(y, b.labels, [batch, contracted, ownB]),
  );
  const labels = [...batch, ...ownA, ...ownB];
  return {
    tensor: tf.reshape(
      product,
      labels.map((label) => sizes.get(label) ?? 1),
    ),
    labels: labels.join(''),
  };
}

function sizesOf(tensor: tfc.Tensor, labels: string): [string, number][] {
  return Array.from(labels).map((label, axis) => [label, tensor.shape[axis] ?? 1]);
}

/** Dimensions of 1 become as large as the other's. */
function stretched(tf: Tfjs, { tensor, labels }: Labelled, other: Labelled, shared: readonly string[]): tfc.Tensor {
  const shape = Array.from(labels).map((label, axis) => {
    const own = tensor.shape[axis] ?? 1;
    return own === 1 && shared.includes(label) ? (other.tensor.shape[other.labels.indexOf(label)] ?? 1) : own;
  });
  return shape.every((size, axis) => size === tensor.shape[axis]) ? tensor : tf.broadcastTo(tensor, shape);
}

export const EINSUM_KERNELS: Readonly<Record<string, Kernel>> = { Einsum: einsum };
