/**
 * How many characters a piece of text work looks at, whatever the machine does meanwhile: methods of strings and regular expressions
 * count what they pass over while they are watched. A regular expression is run a second time by a backtracking matcher, as engines
 * are, one step per comparison. What a loop reads by `text[i]` is not seen.
 */
import { RegExpParser, type AST } from '@eslint-community/regexpp';

type Next = (i: number) => boolean;
type Element = AST.Element | AST.QuantifiableElement;

/** The steps of one `exec`: from every start, until one matches. */
export function stepsOfExec(regex: RegExp, text: string): number {
  const { alternatives } = patternOf(regex);
  const from = regex.global || regex.sticky ? regex.lastIndex : 0;
  let steps = 0;

  const fits = (element: Element, i: number): boolean => {
    steps++;
    return i < text.length && singleOf(element, regex.flags).test(text[i]);
  };
  const sequence = (elements: readonly Element[], at: number, i: number, next: Next): boolean =>
    at === elements.length ? next(i) : one(elements[at], i, (j) => sequence(elements, at + 1, j, next));
  const any = (choices: readonly AST.Alternative[], i: number, next: Next): boolean =>
    choices.some(({ elements }) => sequence(elements, 0, i, next));
  const one = (element: Element, i: number, next: Next): boolean => {
    switch (element.type) {
      case 'Group':
      case 'CapturingGroup':
        return any(element.alternatives, i, next);
      case 'Quantifier':
        return repeated(element, i, next);
      case 'Assertion':
        return holds(element, i) && next(i);
      case 'Character':
      case 'CharacterSet':
      case 'CharacterClass':
        return fits(element, i) && next(i + 1);
      default:
        throw new Error(`steps: the matcher does not know ${element.raw}: teach it`);
    }
  };
  const holds = (assertion: AST.Assertion, i: number): boolean => {
    steps++;
    if (assertion.kind === 'start') return i === 0;
    if (assertion.kind === 'end') return i === text.length;
    if (assertion.kind === 'lookahead') return any(assertion.alternatives, i, () => true) !== assertion.negate;
    throw new Error(`steps: the matcher does not know ${assertion.raw}: teach it`);
  };
  const repeated = ({ element, min, max, greedy }: AST.Quantifier, i: number, next: Next): boolean => {
    if (isGroup(element)) {
      const more = (count: number, at: number): boolean => {
        const again = (): boolean => count < max && one(element, at, (j) => j > at && more(count + 1, j));
        if (count < min) return again();
        return greedy ? again() || next(at) : next(at) || again();
      };
      return more(0, i);
    }
    let count = 0;
    while (count < (greedy ? max : min) && fits(element, i + count)) count++;
    if (count < min) return false;
    if (!greedy) {
      for (; !next(i + count); count++) if (count === max || !fits(element, i + count)) return false;
      return true;
    }
    for (; count >= min; count--) {
      steps++;
      if (next(i + count)) return true;
    }
    return false;
  };
  for (let start = from; start <= text.length; start++) {
    if (any(alternatives, start, () => true) || regex.sticky) break;
    if (startsAtStart(alternatives) && !regex.multiline) break; // as engines do
  }
  return steps;
}

const isGroup = ({ type }: Element): boolean => type === 'Group' || type === 'CapturingGroup';
const startsAtStart = (alternatives: readonly AST.Alternative[]): boolean =>
  alternatives.every(({ elements: [first] }) => first?.type === 'Assertion' && first.kind === 'start');

const patterns = new Map<string, AST.Pattern>();

function patternOf({ source, flags }: RegExp): AST.Pattern {
  const key = `/${source}/${flags}`;
  const [unicode, unicodeSets] = [flags.includes('u'), flags.includes('v')];
  const parsed =
    patterns.get(key) ?? new RegExpParser().parsePattern(source, 0, source.length, { unicode, unicodeSets });
  patterns.set(key, parsed);
  return parsed;
}

const singles = new Map<string, RegExp>();

/** What one character must be. */
function singleOf({ raw }: Element, flags: string): RegExp {
  const kept = flags.replace(/[^iusv]/g, '');
  const key = `${raw}/${kept}`;
  const single = singles.get(key) ?? new RegExp(`^(?:${raw})$`, kept);
  singles.set(key, single);
  return single;
}

type Method = (this: string, ...args: unknown[]) => unknown;

/** What a method of a string passes over: what it gives back, or the way to what it finds. */
const COSTS: Readonly<Record<string, (text: string, result: unknown, args: readonly unknown[]) => number>> = {
  ...Object.fromEntries(['charCodeAt', 'codePointAt', 'charAt', 'at'].map((name) => [name, () => 1])),
  ...Object.fromEntries(
    ['slice', 'substring', 'repeat', 'padEnd', 'padStart'].map((name) => [
      name,
      (_: string, out: unknown) => (out as string).length,
    ]),
  ),
  ...Object.fromEntries(
    [
      'trim',
      'trimStart',
      'trimEnd',
      'normalize',
      'toLowerCase',
      'toUpperCase',
      'lastIndexOf',
      'split',
      'replaceAll',
      'isWellFormed',
    ].map((name) => [name, (text: string) => text.length]),
  ),
  indexOf: (text, at, [, from = 0]) => ((at as number) < 0 ? text.length : (at as number) + 1) - (from as number),
  includes: (text) => text.length,
};

/** The characters that something looks at. */
export async function stepsOf(act: () => unknown): Promise<number> {
  let steps = 0;
  let inside = false; // what the counting itself does
  const count = (cost: () => number): void => {
    if (inside) return;
    inside = true;
    steps += cost();
    inside = false;
  };
  const exec = RegExp.prototype.exec;
  const strings = String.prototype as unknown as Record<string, Method | undefined>;
  const own = Object.entries(COSTS).map(([name, cost]) => [name, cost, strings[name]] as const);
  RegExp.prototype.exec = function (text) {
    count(() => stepsOfExec(this, String(text)));
    return exec.call(this, text);
  };
  for (const [name, cost, method] of own) {
    if (method === undefined) continue;
    strings[name] = function (...args) {
      const text = String(this);
      const result = method.apply(text, args);
      count(() => cost(text, result, args));
      return result;
    };
  }
  try {
    await act();
  } finally {
    RegExp.prototype.exec = exec;
    for (const [name, , method] of own) strings[name] = method;
  }
  return steps;
}
