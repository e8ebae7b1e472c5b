/** The languages, and functions that fill the patterns of a table. */
import { de } from './de.js';
import { en } from './en.js';

export { de, en };

/** Names of all strings. */
export type StringKey = keyof typeof en;

/** A table of strings: one language. */
export type Strings = Readonly<Record<StringKey, string>>;

/** The languages that ship. */
export const languages: Readonly<Record<string, Strings>> = { en, de };

/** Names in the braces of a pattern. */
type Slots<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Slots<Rest> : never;

/** The values a string takes, by name. */
export type Values<K extends StringKey> = Readonly<Record<Slots<(typeof en)[K]>, string | number>>;

/** Returns a string with its values filled in. @throws RangeError if a value that the pattern names is missing */
export function say<K extends StringKey>(strings: Strings, key: K, values: Values<K>): string {
  const given: Readonly<Record<string, string | number>> = values;
  return strings[key].replace(/\{(\w+)\}/g, (_, name: string) => {
    if (!Object.hasOwn(given, name)) throw new RangeError(`string '${key}' uses {${name}}, which is not passed`);
    return String(given[name]);
  });
}

/** What can be counted. */
export type Countable = 'words' | 'seeds';

/** `1 word`, `3 words`. */
export function count(strings: Strings, what: Countable, n: number): string {
  const form = new Intl.PluralRules(strings.language).select(n) === 'one' ? 'one' : 'other';
  return say(strings, `unit.${what}.${form}` as 'unit.words.other', { n });
}
