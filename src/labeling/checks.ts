/** Argument checks for callers without a compiler, made once per call: plain JavaScript would fail late, or never. */
import { expectKernels as expectProducts } from '../autograd/entry-checks.js';
import { expectList, expectRecord } from '../tensor/arguments.js';
import { describe, typedArrayName } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';

/**
 * Rejects anything that is not a backend, or that provides only products, such as an asynchronous device.
 *
 * @param where the name of the called function, for the message
 * @param name the argument's name, as the caller wrote it
 * @throws ArgumentError that says what to pass
 */
export function expectKernels(where: string, kernels: unknown, name = 'kernels'): void {
  expectProducts(where, kernels, name);
  if (typeof (kernels as { rows?: unknown }).rows === 'object') return;
  const message = `${where}: expected kernels as ${name}; got ${describe(kernels)}`;
  throw new ArgumentError(`${message}: these are products only, pass completeKernels(…) of them`);
}

/**
 * Rejects anything that is not a list of lists of tokens. Holes are rejected too.
 *
 * @throws ArgumentError that names the sentence and the token
 */
export function expectSentences(sentences: unknown): void {
  if (!Array.isArray(sentences)) {
    const message = `expected a list of sentences, each a list of tokens; got ${describe(sentences)}`;
    throw new ArgumentError(`${message}: pass a single sentence as [tokens]`);
  }
  for (let i = 0; i < sentences.length; i++) {
    const tokens: unknown = sentences[i];
    if (!Array.isArray(tokens)) {
      const message = `sentence ${i + 1}, sentences[${i}], must be a list of tokens; got ${describe(tokens)}`;
      throw new ArgumentError(
        `${message}: ${typeof tokens === 'string' ? 'split it first' : 'pass a list of strings'}`,
      );
    }
    for (let j = 0; j < tokens.length; j++) {
      if (typeof tokens[j] === 'string') continue;
      const place = `sentence ${i + 1}, token ${j + 1}, sentences[${i}][${j}],`;
      throw new ArgumentError(`${place} must be a string; got ${describe(tokens[j])}: pass the word itself`);
    }
  }
}

/** Requires a list of strings without holes, such as tokens or labels. @throws ArgumentError that names the element */
export function expectWords(where: string, name: string, words: unknown): void {
  if (typeof words === 'string') {
    throw new ArgumentError(`${where}: ${name} must be a list of strings; got ${describe(words)}: split it first`);
  }
  expectList(where, name, words, 'strings');
  const list = words as readonly unknown[];
  for (let i = 0; i < list.length; i++) {
    if (typeof list[i] === 'string') continue;
    throw new ArgumentError(`${where}: ${name}[${i}] must be a string; got ${describe(list[i])}: pass the word itself`);
  }
}

/** Requires a sentence, `{ tokens, labels?, category? }`. @throws ArgumentError that names the invalid field */
export function expectSentence(where: string, name: string, sentence: unknown): void {
  const advice = Array.isArray(sentence) ? ': pass { tokens, labels }' : '';
  expectRecord(where, name, sentence, 'a sentence, { tokens, labels }', advice);
  const { tokens, labels, category } = sentence as Record<string, unknown>;
  expectWords(where, `${name}.tokens`, tokens);
  if (labels !== undefined) expectWords(where, `${name}.labels`, labels);
  if (category === undefined || typeof category === 'string') return;
  throw new ArgumentError(`${where}: ${name}.category must be a string; got ${describe(category)}`);
}

/** Requires a list of sentences. @throws ArgumentError that names the sentence and its invalid field */
export function expectCorpus(where: string, name: string, sentences: unknown): void {
  expectList(where, name, sentences, 'sentences, each { tokens, labels }');
  const list = sentences as readonly unknown[];
  for (let i = 0; i < list.length; i++) expectSentence(where, `${name}[${i}]`, list[i]);
}

/** Requires an iterable that is not a string, because a string would be iterated letter by letter. @throws ArgumentError */
export function expectIterable(where: string, name: string, x: unknown, of: string): void {
  if (typeof x === 'object' && x !== null && Symbol.iterator in x && typedArrayName(x) === undefined) return;
  throw new ArgumentError(`${where}: ${name} must be a list or another iterable of ${of}; got ${describe(x)}`);
}

/** Requires a stream of bytes: an iterable of chunks, synchronous or not. Each chunk is checked when it arrives. @throws ArgumentError */
export function expectChunks(where: string, name: string, x: unknown): void {
  const isStream = typeof x === 'object' && x !== null && (Symbol.iterator in x || Symbol.asyncIterator in x);
  if (isStream && typedArrayName(x) === undefined) return;
  const advice = typedArrayName(x) === undefined ? '' : ': pass [bytes]';
  throw new ArgumentError(`${where}: ${name} must be an iterable of Uint8Array; got ${describe(x)}${advice}`);
}

/** The types that options may have, and their wording in messages. */
const TYPES = { string: 'a string', boolean: 'true or false', function: 'a function', number: 'a number' } as const;

/**
 * Rejects options that are not an object, and any option of the wrong type. An option that is omitted or undefined is accepted.
 *
 * @param types the expected types of the options to check, by name
 * @throws ArgumentError that names the option
 */
export function expectTypes(
  where: string,
  options: unknown,
  types: Readonly<Record<string, keyof typeof TYPES>>,
): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(
      `${where}: options must be an object; got ${describe(options)}: leave them out, or pass {}`,
    );
  }
  for (const [name, type] of Object.entries(types)) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || typeof value === type) continue;
    throw new ArgumentError(
      `${where}: ${name} must be ${TYPES[type]}; got ${describe(value)}: correct it, or leave it out`,
    );
  }
}

/** {@link expectTypes} for options that are all booleans. @throws ArgumentError that names the option */
export function expectSwitches(where: string, options: unknown, ...switches: readonly string[]): void {
  expectTypes(where, options, Object.fromEntries(switches.map((name) => [name, 'boolean'])));
}
