import { graphError } from '../op-tensor.ts';

/**
 * RE2's regular expressions as JavaScript's, where both mean the same: https://github.com/google/re2/wiki/Syntax
 * What RE2 has not (look-around, back references) is refused, and so is what JavaScript's search could not end with in reasonable time: a repetition of
 * a repetition.
 */

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t-\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};
const SPACE = '\\t\\n\\f\\r ';
const NEGATED_SPACE = '\\0-\\x08\\x0b\\x0e-\\x1f!-\\u{10ffff}';
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/;

/** @param flags of JavaScript, added to those that the pattern itself gives. @throws PermanentError where the pattern has no equal. */
export function fromRe2(pattern: string, flags: string): RegExp {
  const own = /^\(\?([ims]+)\)/.exec(pattern);
  const body = own ? pattern.slice(own[0].length) : pattern;
  try {
    const source = new Translation(body, own?.[1]?.includes('s') ?? false).source();
    return new RegExp(source, `u${flags}${(own?.[1] ?? '').replaceAll('s', '')}`);
  } catch (error) {
    throw graphError(
      `the regular expression ${JSON.stringify(pattern)} cannot be computed with: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

class Translation {
  readonly #text: string;
  readonly #any: string;
  #at = 0;

  constructor(text: string, dotAll: boolean) {
    this.#text = text;
    this.#any = dotAll ? '[^]' : '[^\\n]';
  }

  source(): string {
    let out = '';
    /** Of each open group and the whole: whether it holds a repetition without end. */
    const repeats = [false];
    let closed = false;
    while (this.#at < this.#text.length) {
      const char = this.#next();
      const group = closed;
      closed = false;
      if (char === '\\') out += this.#escape(false);
      else if (char === '[') out += this.#class();
      else if (char === '.') out += this.#any;
      else if (char === '(') {
        out += this.#group();
        repeats.push(false);
      } else if (char === ')') {
        out += char;
        const inner = repeats.pop() ?? false;
        if (repeats.length === 0) throw new SyntaxError('unmatched )');
        closed = inner;
        if (inner) repeats[repeats.length - 1] = true;
      } else if (char === '*' || char === '+' || (char === '{' && this.#takes(/\d+(,\d*)?\}/y))) {
        if (group) throw new SyntaxError('it repeats a repetition; write it without the outer or the inner one');
        repeats[repeats.length - 1] = true;
        out += char === '{' ? this.#counted() : char;
      } else if (char === '{' || char === '}' || char === ']') out += `\\${char}`;
      else out += char;
    }
    return out;
  }

  #next(): string {
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    this.#at += char.length;
    return char;
  }

  #takes(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #counted(): string {
    const count = this.#takes(/\d+(,\d*)?\}/y) ?? '';
    this.#at += count.length;
    return `{${count}`;
  }

  #group(): string {
    const kind = this.#takes(/\?(?:P?<[A-Za-z_]\w*>|[ims]*:|(?=))/y);
    if (kind === undefined) return '(';
    if (kind === '?') throw new SyntaxError('a group of a kind that RE2 has not');
    this.#at += kind.length;
    return `(${kind.replace('?P<', '?<')}`;
  }

  #escape(inClass: boolean): string {
    const char = this.#next();
    const simple: Readonly<Record<string, string>> = inClass
      ? { s: SPACE, S: NEGATED_SPACE, a: '\\x07', d: '\\d', D: '\\D', w: '\\w', W: '\\W' }
      : {
          s: `[${SPACE}]`,
          S: `[^${SPACE}]`,
          a: '\\x07',
          d: '\\d',
          D: '\\D',
          w: '\\w',
          W: '\\W',
          A: '(?<![^])',
          z: '(?![^])',
          b: '\\b',
          B: '\\B',
        };
    if (Object.hasOwn(simple, char)) return simple[char] ?? '';
    if ('tnrfv'.includes(char)) return `\\${char}`;
    if (char === 'p' || char === 'P') return this.#property(char);
    if (char === 'x') return this.#hex();
    if (char === 'Q' && !inClass) return this.#literal();
    if (/[\dA-Za-z]/.test(char)) throw new SyntaxError(`\\${char}`);
    return SYNTAX.test(char) || (inClass && char === '-') ? `\\${char}` : char;
  }

  #property(letter: string): string {
    const name = this.#takes(/[A-Z]|\{\^?\w+\}/y);
    if (name === undefined) throw new SyntaxError(`\\${letter}`);
    this.#at += name.length;
    const bare = name.replaceAll(/[{}^]/g, '');
    const negated = (letter === 'P') !== name.includes('^');
    return `\\${negated ? 'P' : 'p'}{${bare.length > 2 ? `Script=${bare}` : bare}}`;
  }

  #hex(): string {
    const digits = this.#takes(/[\dA-Fa-f]{2}|\{[\dA-Fa-f]{1,6}\}/y);
    if (digits === undefined) throw new SyntaxError('\\x');
    this.#at += digits.length;
    return `\\u{${digits.replaceAll(/[{}]/g, '')}}`;
  }

  #literal(): string {
    const end = this.#text.indexOf('\\E', this.#at);
    const text = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 2;
    return text.replaceAll(/[\^$\\.*+?()[\]{}|/]/g, '\\$&');
  }

  #class(): string {
    let out = '[';
    if (this.#text[this.#at] === '^') {
      out += '^';
      this.#at += 1;
    }
    for (let first = true; ; first = false) {
      if (this.#at >= this.#text.length) throw new SyntaxError('missing ]');
      const posix = this.#takes(/\[:\^?\w+:\]/y);
      if (posix !== undefined) {
        this.#at += posix.length;
        const ranges = CLASSES[posix.slice(2, -2)];
        if (ranges === undefined) throw new SyntaxError(posix);
        out += ranges;
        continue;
      }
      const char = this.#next();
      if (char === ']' && !first) return `${out}]`;
      if (char === '\\') out += this.#escape(true);
      else out += SYNTAX.test(char) ? `\\${char}` : char;
    }
  }
}
