/** The numbers of a comparison: the median over the seeds, for each cell. */
import { cellNamed } from '../../cells/index.js';
import { createCpuKernels } from '../../kernels/index.js';
import { inspect } from '../../inspect/index.js';
import type { LossByWord, Trace } from '../../inspect/index.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { Model } from '../../labeling/model/model.js';
import { ArgumentError } from '../../tensor/index.js';
import type { CompareOptions } from './compare.js';
import { draw, trained } from './draw.js';
import { goldOf, sentenceOf } from './model.js';
import type { GoldSource } from './model.js';
import { median } from './numbers.js';
import { expectSeed } from './options.js';
import { expectPlace, reachOf } from './place.js';
import { QUICK, read } from './inspect.js';
import type { Waiting } from './waiting.js';

/** The change of the margin at the last word when a word is swapped. */
export interface SwapResult {
  readonly word: number;
  readonly other: string;
  /** Median over the seeds of margin(swapped) − margin. */
  readonly change: number;
  readonly perSeed: readonly number[];
}

/** One cell of a comparison. */
export interface ComparedCell {
  readonly cell: string;
  readonly hidden: number;
  readonly parameters: number;
  readonly seeds: readonly SeedResult[];
  /** `[M][T]` medians over the seeds; structural zeros are 0. */
  readonly retention: readonly (readonly number[])[];
  /** The same before training, if there was one. */
  readonly before: readonly (readonly number[])[] | null;
  readonly swap: SwapResult | null;
  /** The traces, one per seed, and the traces before training. */
  readonly traces: readonly Trace[];
}

/** The result of one seed at the last loss. */
export interface SeedResult {
  readonly seed: number;
  readonly sha256: string;
  /** `[T]` */
  readonly last: readonly number[];
}

/** Several cells on one sentence. */
export interface Comparison {
  readonly tokens: readonly string[];
  readonly gold: GoldSource;
  readonly variable: string;
  readonly normalization: 'retention' | 'absolute';
  readonly updates: number;
  readonly cells: readonly ComparedCell[];
}

/** Inspects a sentence with every cell and seed. */
export async function compareCells(text: string, options: CompareOptions, waiting: Waiting): Promise<Comparison> {
  const { variable = 'x', normalize = 'retention', train = 0 } = options;
  if (train > 0 && options.untrained)
    throw new ArgumentError('--train and --untrained cannot be combined: leave one out');
  expectSeed(options);
  if (options.forgetBias !== undefined && !options.cells.includes('lstm'))
    throw new ArgumentError(
      `--forget-bias applies only to the cell lstm, which --cells does not include: leave it out`,
    );
  const tokens = sentenceOf(text, options);
  const { gold, labels } = goldOf(tokens, options);
  const sentence = { tokens, ...(labels && { labels }) };
  const cells: ComparedCell[] = [];
  for (const name of options.cells) cells.push(await compared(name, sentence, options, waiting));
  return { tokens, gold, variable, normalization: normalize, updates: train, cells };
}

async function compared(
  name: string,
  sentence: Sentence,
  options: CompareOptions,
  waiting: Waiting,
): Promise<ComparedCell> {
  const { seeds: count, seed: first = 1, hidden = 16, train = 0 } = options;
  const lstmAlone = name === 'lstm' ? options : { ...options, forgetBias: undefined };
  const [after, before, moves, found]: [Trace[], Trace[], number[], SeedResult[]] = [[], [], [], []];
  for (let seed = first; seed < first + count; seed++) {
    const own = { ...lstmAlone, seed };
    const [model, start] = await modelsOf(name, sentence, own, waiting);
    expectPlace(model, options);
    const trace = traceOf(model, sentence, options);
    after.push(trace);
    if (start) before.push(traceOf(start, sentence, options));
    if (options.swap !== undefined) moves.push(moveOf(model, sentence, swapIn(sentence, options.swap)));
    found.push({ seed, sha256: trace.model.sha256, last: zeroed(valuesOf(trace, options)).at(-1)! });
    waiting.update({ label: `reading with ${name}`, done: seed - first + 1, total: count, rate: 0, unit: 'seeds' });
  }
  const swap = options.swap === undefined ? null : swapIn(sentence, options.swap);
  return {
    ...{ cell: name, hidden, parameters: after[0].model.parameters, seeds: found, traces: after },
    retention: medianOf(after.map((trace) => valuesOf(trace, options))),
    before: train > 0 ? medianOf(before.map((trace) => valuesOf(trace, options))) : null,
    swap: swap && { word: swap.word, other: swap.other, change: median(moves), perSeed: moves },
  };
}

/** The model and, if it was trained, its initial state. */
async function modelsOf(
  name: string,
  sentence: Sentence,
  options: CompareOptions,
  waiting: Waiting,
): Promise<[Model, Model?]> {
  const cell = cellNamed(name)!;
  if (!options.train) return [draw(cell, sentence, options)];
  return [await trained(kernels, cell, options, waiting), draw(cell, { tokens: [], labels: sentence.labels }, options)];
}

const kernels = createCpuKernels();

const traceOf = (model: Model, sentence: Sentence, options: CompareOptions): Trace =>
  read({ kernels, model, sentence }, options, { ...QUICK, reach: [options.variable ?? 'x'] });

/** Retention or norms, depending on the options. */
export function valuesOf(trace: Trace, options: CompareOptions): LossByWord {
  const { reach } = reachOf(trace, options);
  return options.normalize === 'absolute' ? reach.norms : reach.retention;
}

const zeroed = (values: LossByWord): number[][] => values.map((row) => row.map((each) => each ?? 0));

/** Medians, cell by cell. */
function medianOf(all: readonly LossByWord[]): number[][] {
  const plain = all.map(zeroed);
  return plain[0].map((row, m) => row.map((_, k) => median(plain.map((each) => each[m][k]))));
}

/** The word to swap, and the sentence with its replacement. @throws ArgumentError on a word that does not occur */
function swapIn({ tokens }: Sentence, swap: string): { word: number; other: string; tokens: string[] } {
  const [from, other, ...more] = swap.split('=');
  const word = tokens.indexOf(from);
  if (!from || !other || more.length > 0) {
    throw new ArgumentError(`--swap must be word=other, such as cat=cats; got ${JSON.stringify(swap)}`);
  }
  if (word < 0)
    throw new ArgumentError(`--swap: ${JSON.stringify(from)} is not in the sentence: choose one of its words`);
  return { word, other, tokens: tokens.map((each, k) => (k === word ? other : each)) };
}

/** margin(swapped) − margin at the last loss, for the gold label of the sentence against its strongest rival there. */
function moveOf(model: Model, sentence: Sentence, swapped: { tokens: readonly string[] }): number {
  const quick = { ...QUICK, seed: 'margin' } as const;
  const first = inspect(kernels, model, sentence, quick).losses.at(-1)!;
  const label = first.label!;
  const contrast = opposite(label, first.contrast!, model);
  const margin = (tokens: readonly string[]): number =>
    inspect(kernels, model, { tokens: [...tokens] }, { ...quick, label, contrast }).losses.at(-1)!.seed;
  return margin(swapped.tokens) - margin(sentence.tokens);
}

/** The tag of the other grammatical number, if the task is number agreement. */
function opposite(label: string, otherwise: string, { heads }: Model): string {
  const other = label === 'V.SG' ? 'V.PL' : label === 'V.PL' ? 'V.SG' : undefined;
  return other !== undefined && heads[0].labels.labels.includes(other) ? other : otherwise;
}
