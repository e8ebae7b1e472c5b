/** Options of `inspect`: what to compute for a sentence, and how. */
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

/** What to compute; every option has a default. */
export interface InspectOptions {
  /** What is differentiated; default `loss`. See `Conventions.seed`. */
  readonly seed?: SeedName;
  /** The label of a `logit` or `margin` seed; default: the gold label, or the predicted label if there is no gold label. */
  readonly label?: string;
  /** The label that a `margin` is measured against; default: the most probable other label. */
  readonly contrast?: string;
  /** Name of the head to inspect, for a model with several; default: the first. */
  readonly head?: string;
  /** Whether `reach` keeps the vectors R[m,k] in addition to their norms: M·T vectors each. Default false. */
  readonly vectors?: boolean;
  /**
   * The variables at which the gradient of each separate loss is measured: `x`, a state by its name, `a`, `state`; by default all
   * of them (true). For a long sentence, this and the ledger take most of the time.
   */
  readonly reach?: boolean | readonly string[];
  /** The parameters that the ledger covers, by their dotted names; by default all of them (true). */
  readonly ledger?: boolean | readonly string[];
  /**
   * Whether to measure the Jacobians of every step; costs S³ each, S being H, or 2H for an LSTM. Default: measured if S is at
   * most 64 and T·S³ is at most 2^24.
   */
  readonly jacobian?: boolean;
  /** Single weights whose addends are listed; default: the largest element of dWh of each layer and direction. */
  readonly elements?: readonly { readonly param: string; readonly index: readonly number[] }[];
  /** How many random weights are checked against forward mode and finite differences; default 8. */
  readonly checks?: number;
  /** Seed that selects these weights; default 1. */
  readonly checkSeed?: number;
  /**
   * Index, from 0, of the weight whose finite differences are taken at many step sizes (`CheckTrace.curve`); default: the weight
   * that agrees least.
   */
  readonly curve?: number;
  /** Computes what truncated BPTT with these windows would leave of the gradients; default: not computed. */
  readonly truncate?: Truncation;
  /** Computes what clipping the global norm at this threshold would do; default: not computed. */
  readonly clip?: number;
  /** The labels to explain, by loss index, or all of them. Default: none, because each costs thousands of passes. */
  readonly saliency?: 'all' | readonly number[];
  /** Per word, its replacement in the swap test; default: chosen by the rules of `ReplacementRule`. */
  readonly replacements?: readonly string[];
  /** Called from time to time with the progress so far. An error that it throws ends the inspection. */
  readonly onProgress?: (progress: InspectProgress) => void;
}

/** Progress of one part of an inspection. */
export interface InspectProgress {
  readonly part: 'losses' | 'checks' | 'jacobian' | 'replacements' | 'integrated' | 'swap';
  /** Units completed out of `total`; a unit is a loss, a derivative, a step, a point of a path, or a word. */
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

/** Rejects arguments that `inspect` cannot handle. @throws ArgumentError that names the argument */
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

/** Checks an option that is a boolean or a list of names. */
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
