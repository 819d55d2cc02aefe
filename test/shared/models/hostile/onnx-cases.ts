import { makeMlp } from '../onnx-maker.ts';
import type { HostileModel } from './hostile-model.ts';
import { bytes, claim, concat, int, join, nested, text } from './wire.ts';

/** ONNX models that no exporter writes: messages of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */

const FLOAT = 1;
const MLP = makeMlp({ inputs: 2, hidden: [3], outputs: 2 });

const tensor = (...parts: readonly Uint8Array[]): Uint8Array => concat(int(2, FLOAT), ...parts);
const dims = (...sizes: readonly (number | bigint)[]): Uint8Array => concat(...sizes.map((size) => int(1, size)));
const node = (op: string, inputs: readonly string[], outputs: readonly string[], ...rest: readonly Uint8Array[]) =>
  bytes(1, ...inputs.map((name) => text(1, name)), ...outputs.map((name) => text(2, name)), text(4, op), ...rest);
const value = (field: number, name: string, ...sizes: readonly (number | bigint)[]): Uint8Array =>
  bytes(
    field,
    text(1, name),
    bytes(2, bytes(1, int(1, FLOAT), bytes(2, ...sizes.map((size) => bytes(1, int(1, size)))))),
  );
const input = (name: string, ...sizes: readonly (number | bigint)[]): Uint8Array => value(11, name, ...sizes);
const output = (name: string, ...sizes: readonly (number | bigint)[]): Uint8Array => value(12, name, ...sizes);
const initializer = (name: string, ...parts: readonly Uint8Array[]): Uint8Array =>
  bytes(5, tensor(text(8, name), ...parts));
const graph = (...parts: readonly Uint8Array[]): Uint8Array => bytes(7, text(2, 'graph'), ...parts);
const model = (...parts: readonly Uint8Array[]): Uint8Array =>
  concat(int(1, 10), ...parts, bytes(8, int(2, 20)), bytes(8, text(1, 'own'), int(2, 1)));
/** y = x + w: what is hostile is the weight. */
const withWeight = (...weight: readonly Uint8Array[]): Uint8Array =>
  model(graph(node('Add', ['x', 'w'], ['y']), input('x', 1), output('y', 1), initializer('w', ...weight)));
const external = (...entries: readonly (readonly [string, string])[]): Uint8Array =>
  concat(...entries.map(([key, held]) => bytes(13, text(1, key), text(2, held))), int(14, 1));
const fn = (name: string, ...nodes: readonly Uint8Array[]): Uint8Array =>
  bytes(
    25,
    text(1, name),
    text(4, 'a'),
    text(5, 'b'),
    ...nodes,
    bytes(9, int(2, 20)),
    bytes(9, text(1, 'own'), int(2, 1)),
    text(10, 'own'),
  );
const call = (name: string, from: string, to: string): Uint8Array =>
  bytes(7, text(1, from), text(2, to), text(4, name), text(7, 'own'));
const callTop = (name: string): Uint8Array => bytes(1, text(1, 'x'), text(2, 'y'), text(4, name), text(7, 'own'));

/** `f0` calls `f1` twice, that one `f2` twice, …: 2^levels nodes. */
function exponential(levels: number): Uint8Array {
  const functions = Array.from({ length: levels }, (_, level) =>
    fn(`f${level}`, call(`f${level + 1}`, 'a', 'm'), call(`f${level + 1}`, 'm', 'b')),
  );
  const last = fn(`f${levels}`, bytes(7, text(1, 'a'), text(2, 'b'), text(4, 'Relu')));
  return model(graph(callTop('f0'), input('x', 1), output('y', 1)), ...functions, last);
}

const chain = (length: number): Uint8Array =>
  model(
    graph(
      join(
        Array.from({ length }, (_, at) =>
          node('Relu', [at === 0 ? 'x' : `n${at}`], [at === length - 1 ? 'y' : `n${at + 1}`]),
        ),
      ),
      input('x', 1),
      output('y', 1),
    ),
  );

const one = (
  name: string,
  content: Uint8Array,
  message: RegExp,
  more: Readonly<Record<string, Uint8Array>> = {},
): HostileModel => ({
  name,
  files: { 'm.onnx': content, ...more },
  message,
});

export const onnxCases = (): readonly HostileModel[] => [
  one('an empty file', new Uint8Array(), /m\.onnx/),
  one('text', new TextEncoder().encode('this is no model'), /m\.onnx/),
  one('zeros', new Uint8Array(1000), /m\.onnx/),
  one('a graph that claims 2^60 bytes', concat(int(1, 10), claim(7, 2n ** 60n)), /m\.onnx .*ends inside/),
  one('a number of twenty bytes', new Uint8Array(20).fill(0xff), /m\.onnx .*ten bytes/),
  one(
    'graphs in graphs',
    model(
      bytes(
        7,
        nested(5000, (inner) => bytes(1, text(4, 'If'), bytes(5, text(1, 'then_branch'), int(20, 5), bytes(6, inner)))),
      ),
    ),
    /nest/,
  ),
  one(
    'types of types',
    model(
      bytes(
        7,
        bytes(
          11,
          text(1, 'x'),
          bytes(
            2,
            nested(20_000, (inner) => bytes(4, bytes(1, inner))),
          ),
        ),
      ),
    ),
    /m\.onnx/,
  ),
  one(
    'a function that calls itself',
    model(graph(callTop('f'), input('x', 1), output('y', 1)), fn('f', call('f', 'a', 'b'))),
    /function.*itself/,
  ),
  one(
    'two functions that call each other',
    model(
      graph(callTop('f'), input('x', 1), output('y', 1)),
      fn('f', call('g', 'a', 'b')),
      fn('g', call('f', 'a', 'b')),
    ),
    /function.*itself/,
  ),
  one('functions that double with every level', exponential(50), /nodes with its functions expanded/),
  one('a weight of 2^40 elements and no data', withWeight(dims(2 ** 40)), /m\.onnx/),
  one(
    'a weight whose size overflows',
    withWeight(dims(2n ** 62n, 2n ** 62n, 4), bytes(9, new Uint8Array(4))),
    /m\.onnx/,
  ),
  one('a weight of a negative size', withWeight(dims(-1), bytes(9, new Uint8Array(4))), /m\.onnx/),
  one('a weight with less data than its shape', withWeight(dims(1000), bytes(9, new Uint8Array(4))), /m\.onnx/),
  one(
    'a sparse weight of 2^33 elements',
    model(
      graph(
        node('Add', ['x', 'w'], ['y']),
        input('x', 1),
        output('y', 1),
        bytes(
          15,
          bytes(1, tensor(dims(1), text(8, 'w'), bytes(9, new Uint8Array(4)))),
          bytes(2, int(2, 7), dims(1), bytes(9, new Uint8Array(8))),
          int(3, 2 ** 33),
        ),
      ),
    ),
    /m\.onnx/,
  ),
  one(
    'a sparse constant of 2^33 elements',
    model(
      graph(
        node(
          'Constant',
          [],
          ['w'],
          bytes(
            5,
            text(1, 'sparse_value'),
            int(20, 11),
            bytes(
              22,
              bytes(1, tensor(dims(1), bytes(9, new Uint8Array(4)))),
              bytes(2, int(2, 7), dims(1), bytes(9, new Uint8Array(8))),
              int(3, 2 ** 33),
            ),
          ),
        ),
        node('Add', ['x', 'w'], ['y']),
        input('x', 1),
        output('y', 1),
      ),
    ),
    /m\.onnx/,
  ),
  one(
    'weights in a file outside the folder',
    withWeight(dims(1), external(['location', '../../etc/passwd'])),
    /inside the model's folder/,
  ),
  one(
    'weights in an absolute path',
    withWeight(dims(1), external(['location', '/etc/passwd'])),
    /inside the model's folder/,
  ),
  one('weights behind a NUL', withWeight(dims(1), external(['location', 'w.bin\0'])), /inside the model's folder/, {
    'w.bin': new Uint8Array(4),
  }),
  one(
    'weights at an address in memory',
    withWeight(dims(1), external(['location', '*/_ORT_MEM_ADDR_/*'], ['offset', '4096'], ['length', '4'])),
    /m\.onnx/,
    { '*/_ORT_MEM_ADDR_/*': new Uint8Array(4) },
  ),
  one(
    'weights beyond their file',
    withWeight(dims(1), external(['location', 'w.bin'], ['offset', '4096'], ['length', '4'])),
    /m\.onnx/,
    { 'w.bin': new Uint8Array(4) },
  ),
  one(
    'weights at a negative offset',
    withWeight(dims(1), external(['location', 'w.bin'], ['offset', '-4096'], ['length', '4'])),
    /m\.onnx/,
    { 'w.bin': new Uint8Array(4) },
  ),
  one(
    'weights whose end overflows',
    withWeight(dims(1), external(['location', 'w.bin'], ['offset', '9223372036854775807'], ['length', '4'])),
    /m\.onnx/,
    { 'w.bin': new Uint8Array(4) },
  ),
  one(
    'weights of another length than their shape',
    withWeight(dims(2 ** 40), external(['location', 'w.bin'], ['offset', '0'], ['length', '4'])),
    /m\.onnx/,
    { 'w.bin': new Uint8Array(4) },
  ),
  one('external weights without a place', withWeight(dims(1), external()), /m\.onnx/),
  one(
    'a circle',
    model(graph(node('Relu', ['a'], ['b']), node('Relu', ['b'], ['a']), input('x', 1), output('b', 1))),
    /m\.onnx/,
  ),
  one(
    'a node that nobody feeds',
    model(graph(node('Add', ['x', 'w'], ['y']), input('x', 1), output('y', 1))),
    /m\.onnx/,
  ),
  one(
    'two makers of one value',
    model(graph(node('Relu', ['x'], ['y']), node('Relu', ['x'], ['y']), input('x', 1), output('y', 1))),
    /m\.onnx/,
  ),
  one(
    'an unknown operation named by terminal escapes',
    model(graph(node('\u001b[31mRelu\u0007', ['x'], ['y']), input('x', 1), output('y', 1))),
    /\\u001b\[31m/,
  ),
  one(
    'an input called __proto__',
    model(graph(node('Relu', ['__proto__'], ['y']), input('__proto__', 1), output('y', 1))),
    /__proto__/,
  ),
  one(
    'the file of another format',
    concat(bytes(2, new TextEncoder().encode('xxORTM'), new Uint8Array(100))),
    /m\.onnx/,
  ),
  one('a chain of 300,000 nodes', chain(300_000), /nodes/),
  one('a weight of 2^28 elements and no data', withWeight(dims(2 ** 28)), /m\.onnx/),
  one(
    'functions that call each other in a row of 20,000',
    model(
      graph(callTop('f0'), input('x', 1), output('y', 1)),
      join(Array.from({ length: 20_000 }, (_, i) => fn(`f${i}`, call(`f${i + 1}`, 'a', 'b')))),
      fn('f20000', bytes(7, text(1, 'a'), text(2, 'b'), text(4, 'Relu'))),
    ),
    /functions.*deep/,
  ),
  one(
    'a sparse weight of 2^29 elements',
    model(
      graph(
        node('Add', ['x', 'w'], ['y']),
        input('x', 1),
        output('y', 1),
        bytes(
          15,
          bytes(1, tensor(dims(1), text(8, 'w'), bytes(9, new Uint8Array(4)))),
          bytes(2, int(2, 7), dims(1), bytes(9, new Uint8Array(8))),
          int(3, 2 ** 29),
        ),
      ),
    ),
    /m\.onnx/,
  ),
  one(
    'an input of 2^62 elements',
    model(graph(node('Relu', ['x'], ['y']), input('x', 1, 2 ** 62), output('y', 1, 2 ** 62))),
    /input x has \d+ elements/,
  ),
  one(
    'an output of 2^33 elements',
    model(
      graph(
        node('Expand', ['x', 's'], ['y']),
        input('x', 1),
        output('y', 2 ** 33),
        bytes(5, int(2, 7), dims(1), text(8, 's'), bytes(9, new Uint8Array(BigInt64Array.of(2n ** 33n).buffer))),
      ),
    ),
    /output y has \d+ elements/,
  ),
  one('an MLP cut short', MLP.slice(0, -3), /m\.onnx/),
];
