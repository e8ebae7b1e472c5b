/** What to read of a sentence, and how. */
import type { Truncation } from '../autograd/truncate.js';
import { checkTruncation } from '../autograd/truncate.js';
import { expectKernels, expectSentence, expectSwitches } from '../labeling/checks.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { expectModel } from '../labeling/model/checks.js';
import type { Model } from '../labeling/model/model.js';
import { expectList, expectRecord } from '../tensor/arguments.js';
import { expectKnownKeys, expectNonNegativeInteger, expectOneOf, expectPositive, keysOf } from '../tensor/checks.js';
import { describe } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';
import { expectFunction } from '../tensor/arguments.js';
import type { SeedName } from './trace.js';

/** What to read; everything has a default. */
export interface InspectOptions {
  /** What is differentiated; default `loss`. See `Conventions.seed`. */
  readonly seed?: SeedName;
  /** The label of a `logit` or `margin` seed; default: the gold one, or the predicted one where none is given. */
  readonly label?: string;
  /** What a `margin` is over; default: the most probable other label. */
  readonly contrast?: string;
  /** Which head, by name, where a model has several; default: the first. */
  readonly head?: string;
  /** Whether `reach` keeps the vectors R[m,k] beside their norms: M·T vectors each. Default false. */
  readonly vectors?: boolean;
  /**
   * At which variables the gradient of each loss alone is measured: `x`, a state by its name, `a`, `state`; by default at all of them
   * (true). A sentence of many words takes the longest here and in the ledger.
   */
  readonly reach?: boolean | readonly string[];
  /** Of which parameters to make up the ledger, by their dotted names; by default of all of them (true). */
  readonly ledger?: boolean | readonly string[];
  /**
   * Whether to measure the Jacobians of every step; costs S³ each, S being H, or 2H for an LSTM. Default: where S is at most 64 and
   * T·S³ at most 2^24.
   */
  readonly jacobian?: boolean;
  /** Single weights whose addends are listed; default: the largest element of dWh of each layer and direction. */
  readonly elements?: readonly { readonly param: string; readonly index: readonly number[] }[];
  /** How many random weights are checked against forward mode and finite differences; default 8. */
  readonly checks?: number;
  /** Draws these weights; default 1. */
  readonly checkSeed?: number;
  /** Which of them, counted from 0, has its differences taken at many steps (`CheckTrace.curve`); default: the one that agrees least. */
  readonly curve?: number;
  /** What truncated BPTT would leave; default: not asked. */
  readonly truncate?: Truncation;
  /** What clipping the global norm at this threshold would do; default: not asked. */
  readonly clip?: number;
  /** Whose labels are explained: loss numbers, or all. Default: none, because each costs thousands of passes. */
  readonly saliency?: 'all' | readonly number[];
  /** Per word, what the swap test puts in its place; default: found by the rules of `ReplacementRule`. */
  readonly replacements?: readonly string[];
  /** Is told now and then how far the work is. What it throws ends the reading. */
  readonly onProgress?: (progress: InspectProgress) => void;
}

/** How far a part of a reading is. */
export interface InspectProgress {
  readonly part: 'losses' | 'checks' | 'jacobian' | 'replacements' | 'integrated' | 'swap';
  /** Of `total` units, which are losses, derivatives, steps, points of a path, or words. */
  readonly done: number;
  readonly total: number;
}

const KEYS = keysOf<InspectOptions>({
  seed: true,
  label: true,
  contrast: true,
  head: true,
  vectors: true,
  ledger: true,
  jacobian: true,
  elements: true,
  checks: true,
  checkSeed: true,
  curve: true,
  truncate: true,
  clip: true,
  saliency: true,
  replacements: true,
  reach: true,
  onProgress: true,
});

/** Refuses what `inspect` cannot read. @throws ArgumentError that names the argument */
export function expectQuestion(
  where: string,
  kernels: unknown,
  model: Model,
  sentence: Sentence,
  options: InspectOptions,
): void {
  expectKernels(where, kernels);
  expectModel(where, model);
  if (model.members)
    throw new ArgumentError(
      `${where}: model must be one model; got an ensemble of ${model.members.length}: pass memberOf(model, k)`,
    );
  expectSentence(where, 'sentence', sentence);
  if (sentence.tokens.length === 0) {
    throw new ArgumentError(`${where}: sentence.tokens must have at least one word; got none: pass a sentence`);
  }
  expectRecord(where, 'options', options);
  expectKnownKeys(where, 'options', options, KEYS);
  expectSwitches(where, options, 'vectors', 'jacobian');
  for (const name of ['reach', 'ledger'] as const) expectChoice(where, name, options[name]);
  if (options.onProgress !== undefined) expectFunction(where, 'onProgress', options.onProgress);
  if (options.seed !== undefined) expectOneOf(where, 'seed', options.seed, ['loss', 'logit', 'margin']);
  for (const name of ['label', 'contrast', 'head'] as const) {
    if (options[name] === undefined || typeof options[name] === 'string') continue;
    throw new ArgumentError(`${where}: ${name} must be a string; got ${describe(options[name])}`);
  }
  expectNumbers(where, options);
  if (options.elements !== undefined) expectList(where, 'elements', options.elements, 'weights, { param, index }');
  if (options.replacements !== undefined) expectReplacements(where, options.replacements, sentence.tokens.length);
}

/** A switch, or a list of names. */
function expectChoice(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return;
  throw new ArgumentError(`${where}: ${name} must be true, false or a list of names; got ${describe(value)}`);
}

function expectNumbers(where: string, { checks, checkSeed, curve, truncate, clip, saliency }: InspectOptions): void {
  if (checks !== undefined) expectNonNegativeInteger(where, 'checks', checks);
  if (checkSeed !== undefined) expectNonNegativeInteger(where, 'checkSeed', checkSeed);
  if (curve !== undefined) expectNonNegativeInteger(where, 'curve', curve);
  if (clip !== undefined) expectPositive(where, 'clip', clip);
  if (truncate !== undefined) checkTruncation(truncate);
  if (saliency === undefined || saliency === 'all') return;
  expectList(where, 'saliency', saliency, "loss numbers, or 'all'");
  for (const target of saliency) expectNonNegativeInteger(where, 'saliency', target);
}

function expectReplacements(where: string, words: readonly string[], T: number): void {
  expectList(where, 'replacements', words, 'words, one per word of the sentence');
  if (words.length === T && words.every((word) => typeof word === 'string')) return;
  throw new ArgumentError(`${where}: replacements must be strings, one per word, ${T}; got ${words.length}`);
}
