/** Checks of what callers without a compiler may pass to a labeler, once per call: JavaScript finds out late, or never. */
import { describe } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';

/**
 * Refuses what is no backend. Two slips have an answer of their own: a promise, and the whole answer of `select`.
 *
 * @param where the function called, for the message
 * @param productsSuffice whether rows and memory may be missing, as those of an asynchronous device are
 * @throws ArgumentError that says what to pass
 */
export function expectKernels(where: string, kernels: unknown, productsSuffice = false): void {
  const got = (typeof kernels === 'object' && kernels !== null ? kernels : {}) as Record<string, unknown>;
  const products = typeof got.addMatmul === 'function';
  if (products && (productsSuffice || typeof got.rows === 'object')) return;
  let advice = 'pass createCpuKernels(), or (await select()).kernels';
  if (typeof got.then === 'function') advice = 'await it';
  else if (got.kernels !== undefined) advice = 'that is the result of select(), take its .kernels';
  if (products) advice = 'these are products alone, pass completeKernels(…) of them';
  throw new ArgumentError(`${where}: expected kernels; got ${describe(kernels)}: ${advice}`);
}

/**
 * Refuses what is no list of lists of tokens, holes included.
 *
 * @throws ArgumentError that names the sentence and the token
 */
export function expectSentences(sentences: unknown): void {
  if (!Array.isArray(sentences)) {
    const message = `expected a list of sentences, each a list of tokens; got ${describe(sentences)}`;
    throw new ArgumentError(`${message}: one sentence alone is [tokens]`);
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

/**
 * Refuses options that are no object, and switches that are neither on nor off.
 *
 * @param switches names of the boolean options
 * @throws ArgumentError that names the option
 */
export function expectSwitches(where: string, options: unknown, ...switches: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(
      `${where}: options must be an object; got ${describe(options)}: leave them out, or pass {}`,
    );
  }
  for (const name of switches) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || typeof value === 'boolean') continue;
    throw new ArgumentError(
      `${where}: ${name} must be true or false; got ${describe(value)}: correct it, or leave it out`,
    );
  }
}
