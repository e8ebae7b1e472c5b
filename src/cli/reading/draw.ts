/** Models without a file: untrained, or after some updates on number agreement. */
import type { Cell } from '../../cells/index.js';
import type { Kernels } from '../../kernels/index.js';
import { untrained } from '../../inspect/index.js';
import { AGREEMENT_TAGS, agreementWords, generateAgreement } from '../../labeling/data/agreement.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { EncoderKind } from '../../labeling/model/encoders/encoder.js';
import { words } from '../../labeling/model/encoders/words.js';
import type { Model } from '../../labeling/model/model.js';
import { train } from '../../labeling/training/train.js';
import { ArgumentError } from '../../tensor/index.js';
import type { ModelOptions } from './options.js';
import type { Waiting } from './waiting.js';

/** Sentences per update, and the settings for training on number agreement. */
const BATCH = 16;
const TRAINING = {
  dropout: 0,
  wordDropout: 0,
  signatures: false,
  minCount: 1,
  epochs: 1,
  batch: BATCH,
  lr: 0.01,
  clip: 1,
};

/** Information about such a model that the trace does not contain. */
export const notesOf = ({ train, seed = 1, init }: ModelOptions): string[] => [
  ...(train ? [`after ${train} updates on number agreement, seed ${seed}`] : []),
  ...(init ? [`recurrent weights ${init}`] : []),
];

/** The cell with a different weight initialization. */
function initialized(cell: Cell, { init, forgetBias }: ModelOptions): Cell {
  if (init === undefined && forgetBias === undefined) return cell;
  const own = { ...(init && { recurrent: init }), ...(forgetBias !== undefined && { forgetBias }) };
  return { ...cell, initialize: (D, H, rng, given) => cell.initialize(D, H, rng, { ...given, ...own }) };
}

/** Vocabulary of number agreement and of the sentence; the label set that contains the gold labels. */
export function draw(cell: Cell, { tokens, labels }: Sentence, options: ModelOptions): Model {
  const { hidden = 16, embedding = 16, layers = 1, bidirectional = false, forgetBias, seed = 1 } = options;
  expectBias(cell, options);
  const tags: readonly string[] = AGREEMENT_TAGS;
  const known = labels?.every((label) => tags.includes(label)) ? tags : labels && [...new Set(labels)];
  const task = new Set(agreementWords());
  const sentences = [{ tokens: [...task] }, { tokens: tokens.filter((word) => !task.has(word)) }];
  return untrained(sentences, {
    cell: initialized(cell, { init: options.init }),
    ...{ hidden, embedding, layers, bidirectional, seed },
    ...(forgetBias !== undefined && { forgetBias }),
    ...(known !== undefined && { labels: known }),
  });
}

function expectBias(cell: Cell, { forgetBias }: ModelOptions): void {
  if (forgetBias === undefined || cell.name === 'lstm') return;
  throw new ArgumentError(`--forget-bias applies only to the cell lstm; got ${cell.name}: leave it out`);
}

/** A model after `options.train` updates on number agreement. @param epochs passed by tests: with 0 the weights stay as initialized */
export async function trained(
  kernels: Kernels,
  cell: Cell,
  options: ModelOptions,
  waiting: Waiting,
  epochs = 1,
): Promise<Model> {
  const { hidden = 16, embedding = 16, layers = 1, bidirectional = false, seed = 1, train: updates = 0 } = options;
  expectBias(cell, options);
  const sentences = generateAgreement({ sentences: BATCH * updates, seed });
  const task = [{ tokens: agreementWords() }];
  const vocabulary: EncoderKind = { ...words, build: (_sentences, settings) => words.build(task, settings) };
  const model = { cell: initialized(cell, options), hidden, embedding, layers, bidirectional, seed };
  const result = await train(
    kernels,
    { train: sentences },
    { ...TRAINING, ...model, encoders: [vocabulary] },
    {
      ...(epochs === 0 && { signal: AbortSignal.abort() }),
      onProgress: ({ tokens, totalTokens, tokensPerSecond: rate }) =>
        waiting.update({
          label: `training ${cell.name}, seed ${seed}`,
          done: tokens,
          total: totalTokens,
          rate,
          unit: 'tokens',
        }),
    },
  );
  return result.model;
}
