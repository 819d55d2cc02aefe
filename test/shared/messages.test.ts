import { describe, expect, it } from 'vitest';

import { PermanentError } from '../../shared/errors.ts';
import { parseMessage } from '../../shared/message-schema.ts';
import { TOPICS, topicOf } from '../../shared/messages.ts';
import type { Message } from '../../shared/messages.ts';

const SCORE = {
  kind: 'score',
  job: 'j1',
  split: 3,
  shard: 17,
  object: { bucket: 'input', name: 'm/a.jsonl', generation: '1700000000000000' },
  start: 0,
  end: 4096,
  rows: 12,
  oversize: false,
} as const;

const TASKS: readonly Message[] = [
  { kind: 'split', job: 'j1', split: 0 },
  { kind: 'split', job: 'j1', split: 1, start: 2 ** 40 },
  SCORE,
  { kind: 'assemble', job: 'j1', split: 3 },
  { kind: 'commit', job: 'j1' },
];

describe('a message', () => {
  it.each(TASKS)('$kind comes through JSON as it was', (task) => {
    expect(parseMessage(JSON.parse(JSON.stringify(task)))).toEqual(task);
  });

  it.each(TASKS)('$kind has one topic, which lists it', (task) => {
    expect(TOPICS[topicOf(task)]).toContain(task.kind);
  });

  it.each([
    { name: 'of no kind', value: {}, field: 'kind' },
    { name: 'of an unknown kind', value: { kind: 'predict', job: 'j1' }, field: 'kind' },
    { name: 'without a job', value: { kind: 'commit' }, field: 'job' },
    { name: 'with a job that is no id', value: { kind: 'commit', job: '../j1' }, field: 'job' },
    { name: 'with a negative split', value: { kind: 'assemble', job: 'j1', split: -1 }, field: 'split' },
    { name: 'with half a split', value: { kind: 'assemble', job: 'j1', split: 0.5 }, field: 'split' },
    { name: 'with a split as text', value: { kind: 'split', job: 'j1', split: '0' }, field: 'split' },
    {
      name: 'with a start that no number holds',
      value: { kind: 'split', job: 'j1', split: 0, start: 2 ** 60 },
      field: 'start',
    },
    { name: 'without an end', value: { ...SCORE, end: undefined }, field: 'end' },
    { name: 'with rows as text', value: { ...SCORE, rows: '12' }, field: 'rows' },
    {
      name: 'without a generation',
      value: { ...SCORE, object: { bucket: 'b', name: 'n' } },
      field: 'object.generation',
    },
    {
      name: 'with an empty bucket',
      value: { ...SCORE, object: { ...SCORE.object, bucket: '' } },
      field: 'object.bucket',
    },
    { name: 'with a field too many', value: { kind: 'commit', job: 'j1', split: 0 }, field: 'split' },
  ])('$name is refused, naming the field', ({ value, field }) => {
    expect(() => parseMessage(value)).toThrow(PermanentError);
    expect(() => parseMessage(value)).toThrow('not a task: ');
    expect(() => parseMessage(value)).toThrow(field);
  });

  it.each([undefined, null, 7, 'commit', []])('%j is refused', (value) => {
    expect(() => parseMessage(value)).toThrow(PermanentError);
  });
});
