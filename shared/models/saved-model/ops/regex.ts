import { isUtf8 } from 'node:buffer';
import { bools, graphError, stringOf, strings, stringsOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { fromLatin1, fromUtf8, latin1, utf8 } from '../op-text.ts';
import type { Ops } from '../op.ts';
import { fromRe2 } from './re2.ts';

/** tf.strings.regex_replace and regex_full_match, with RE2's expressions. */
export const regexOps: Ops = {
  RegexReplace: ([input, pattern, rewrite], attrs) => [
    replaced(
      input,
      utf8(stringOf(pattern, 'pattern')),
      utf8(stringOf(rewrite, 'rewrite')),
      attrs.bool('replace_global', true),
    ),
  ],
  StaticRegexReplace: ([input], attrs) => [
    replaced(input, attrs.text('pattern', ''), attrs.text('rewrite', ''), attrs.bool('replace_global', true)),
  ],
  RegexFullMatch: ([input, pattern]) => [fullMatch(input, utf8(stringOf(pattern, 'pattern')))],
  StaticRegexFullMatch: ([input], attrs) => [fullMatch(input, attrs.text('pattern', ''))],
};

function replaced(input: OpTensor | undefined, pattern: string, rewrite: string, all: boolean): OpTensor {
  const expression = cached(pattern, all ? 'g' : '');
  const put = rewriteOf(rewrite);
  const change = (text: string): string => {
    let end = -1;
    return text.replace(expression, (...found: (string | number | undefined)[]) => {
      // Between the match and its place stand the groups.
      const groups = found.slice(
        0,
        found.findIndex((value) => typeof value === 'number'),
      ) as (string | undefined)[];
      const [match = ''] = groups;
      const at = found[groups.length] as number;
      // RE2 finds nothing empty right behind what it found last.
      if (match === '' && at === end) return '';
      end = at + match.length;
      return put(groups);
    });
  };
  return strings(
    input?.shape ?? [],
    // Bytes that are no UTF-8 are taken one by one, as RE2 does where it finds such.
    stringsOf(input, 'input').map((bytes) =>
      isUtf8(bytes) ? fromUtf8(change(utf8(bytes))) : fromLatin1(change(latin1(bytes))),
    ),
  );
}

/** `\1` stands for a group, `\0` for the whole, `\\` for itself. */
function rewriteOf(rewrite: string): (groups: readonly (string | undefined)[]) => string {
  const bad = /\\(?![\d\\])/.exec(rewrite.replaceAll('\\\\', ''));
  if (bad) throw graphError(`Invalid rewrite ${JSON.stringify(rewrite)}: expected a digit or \\ after \\`);
  return (groups) =>
    rewrite.replaceAll(/\\([\d\\])/g, (_, code: string) => (code === '\\' ? code : (groups[Number(code)] ?? '')));
}

function fullMatch(input: OpTensor | undefined, pattern: string): OpTensor {
  // Flags at the start of the pattern stay at the start.
  const [flags = ''] = /^\(\?[ims]+\)/.exec(pattern) ?? [];
  const expression = cached(`${flags}\\A(?:${pattern.slice(flags.length)})\\z`, '');
  const matches = stringsOf(input, 'input').map((bytes) =>
    Number(expression.test(isUtf8(bytes) ? utf8(bytes) : latin1(bytes))),
  );
  return bools(input?.shape ?? [], Uint8Array.from(matches));
}

const MAX_CACHED = 256;
const cache = new Map<string, RegExp>();

/** Patterns are the graph's; the same ones come with every batch. */
function cached(pattern: string, flags: string): RegExp {
  const key = `${flags}:${pattern}`;
  const found = cache.get(key);
  if (found) return found;
  if (cache.size >= MAX_CACHED) cache.clear();
  const made = fromRe2(pattern, flags);
  cache.set(key, made);
  return made;
}
