/** The model and the sentence to inspect: a file, an untrained model, or a model briefly trained on number agreement. */
import { cells } from '../../cells/index.js';
import { createCpuKernels } from '../../kernels/index.js';
import type { Kernels } from '../../kernels/index.js';
import { agreementTags } from '../../labeling/data/agreement.js';
import { createSegmenter } from '../../labeling/data/segment.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { hasVector } from '../../labeling/model/known.js';
import { decodingOf } from '../../labeling/model/heads/decoding.js';
import type { Model } from '../../labeling/model/model.js';
import { withHead } from '../../labeling/model/model.js';
import { memberOf } from '../../labeling/model/ensemble.js';
import { inputName } from '../../labeling/data/files.node.js';
import { ArgumentError, DataError } from '../../tensor/index.js';
import { cutShort, quoted, visible } from '../../tensor/visible.js';
import { loadModel } from '../../labeling/model/file.js';
import { named, readBytes } from '../model-io.js';
import { isPyTorch, openPyTorch, refuseForOthers } from './pytorch-file.js';
import { openCell, openOwnCell } from '../own-cell.js';
import type { Terminal } from '../terminal.js';
import type { ModelOptions, SentenceOptions } from './options.js';
import { draw, notesOf, trained } from './draw.js';
import { unknownLabel } from './place.js';
import type { Waiting } from './waiting.js';

/** A model with the sentence to run. */
export interface Question {
  readonly kernels: Kernels;
  readonly model: Model;
  readonly sentence: Sentence;
  /** Source of the gold labels. */
  readonly gold: GoldSource;
  /** Description of a model that was initialized here. */
  readonly notes: readonly string[];
}

/** Gold labels from --tags, from the grammar of number agreement, or none: the model's most probable labels are then used. */
export type GoldSource = 'tags' | 'grammar' | 'predicted';

/** The sentence as words, of which none may be missing. */
export function sentenceOf(text: string, { tokenizer, locale }: SentenceOptions, model?: Model): string[] {
  const input = model?.input;
  const segment = createSegmenter({ tokenizer: tokenizer ?? input?.tokenizer, locale: locale ?? input?.locale });
  const tokens = segment(text).flatMap((each) => [...each.tokens]);
  if (tokens.length > 0) return tokens;
  throw new ArgumentError('the sentence has no words: expected at least one: pass a sentence in quotes');
}

/** Labels from --tags or the grammar, if any. @throws ArgumentError if their number differs from that of the words */
export function goldOf(
  tokens: readonly string[],
  { tags }: SentenceOptions,
): { gold: GoldSource; labels?: readonly string[] } {
  if (tags === undefined) {
    const labels = agreementTags(tokens);
    return labels === undefined ? { gold: 'predicted' } : { gold: 'grammar', labels };
  }
  const labels = tags.trim().split(/\s+/);
  if (labels.length === tokens.length) return { gold: 'tags', labels };
  const shown = visible(
    tokens
      .slice(0, 12)
      .map((token) => cutShort(token))
      .join(' '),
  );
  throw new ArgumentError(
    `--tags must give one label per word, ${tokens.length} (${shown}); got ${labels.length}: add or remove labels`,
  );
}

/** Opens the model and tokenizes the sentence. @param file a model file; default: a newly initialized model */
export async function openQuestion(
  text: string,
  file: string | undefined,
  options: ModelOptions & SentenceOptions,
  terminal: Terminal,
  waiting: Waiting,
): Promise<Question> {
  const kernels = createCpuKernels();
  const question = await (file === undefined
    ? drawn(kernels, text, options, terminal, waiting)
    : loaded(kernels, text, file, options, terminal));
  const unknown = question.sentence.tokens.filter((word) => !hasVector(question.model, word));
  if (unknown.length > 0) {
    const list = [...new Set(unknown)].slice(0, 10).map((word) => quoted(word));
    const message = `the model has no vector for ${list.join(', ')}: it uses that of the unknown word, or of a signature`;
    terminal.stderr.write(`warning: ${message}\n`);
  }
  const together = decidesTogether(question.model);
  if (together !== undefined) terminal.stderr.write(`warning: ${together}\n`);
  return question;
}

/** Whether the loss of a model is a sum over its words, or over its one label. */
export function readsByWord({ heads: [{ kind }] }: Model): boolean {
  return kind.kind === 'softmax' || kind.kind === 'sentence';
}

/** A note for models that choose labels jointly: inspection uses the logits of each word. */
function decidesTogether(model: Model): string | undefined {
  const [config] = model.config.heads;
  const { mask, schemes } = decodingOf(config);
  if (config.kind !== 'crf' && mask === undefined) return undefined;
  const how = config.kind === 'crf' ? 'by a CRF' : 'along permitted transitions';
  const labels = schemes ? `, in the labels it learned, ${schemes.learned}` : '';
  const seed = config.kind === 'crf' ? '; gradients are those of logits, or of margins with --loss-seed margin' : '';
  return `the model chooses labels jointly, ${how}: here each word is read separately${labels}${seed}. bptt tag may choose other labels`;
}

/** @throws ArgumentError if a head or a member is given without a model file */
function refuseHead({ head, member }: ModelOptions): void {
  if (member !== undefined)
    throw new ArgumentError('--member applies only to the model file of an ensemble: leave it out');
  if (head !== undefined)
    throw new ArgumentError('--head applies only to a model file with several heads: leave it out');
}

const DRAWN = {
  untrained: '--untrained',
  train: '--train',
  hidden: '--hidden',
  embedding: '--embedding',
  layers: '--layers',
  bidirectional: '--bidirectional',
  forgetBias: '--forget-bias',
  init: '--init',
  seed: '--seed',
} as const;

async function loaded(
  kernels: Kernels,
  text: string,
  file: string,
  options: ModelOptions & SentenceOptions,
  terminal: Terminal,
): Promise<Question> {
  const given = (Object.keys(DRAWN) as (keyof typeof DRAWN)[]).find((name) => options[name] !== undefined);
  if (given)
    throw new ArgumentError(
      `${DRAWN[given]} applies only to an untrained model, and ${file} is a model: leave one out`,
    );
  const bytes = await readBytes(file);
  if (isPyTorch(bytes)) {
    refuseHead(options);
    const tokens = sentenceOf(text, options);
    const model = await openPyTorch(file, bytes, tokens, options);
    const { drawn } = model;
    if (drawn.length > 0) {
      const message = `${file} has no ${drawn.join(' and no ')}: drawn at random, so labels and losses are meaningless; gradients are those of the layers`;
      terminal.stderr.write(`warning: ${visible(message)}\n`);
    }
    return askedOf(kernels, model, tokens, options);
  }
  refuseForOthers(options);
  if (options.cell !== undefined && Object.hasOwn(cells, options.cell)) {
    throw new ArgumentError(
      `--cell ${options.cell} applies only to an untrained model, and ${file} has its own: leave it out`,
    );
  }
  const own = await openOwnCell(options.cell, terminal);
  const read = named(file, () => loadModel(bytes, own));
  const model = chosenHead(chosenMember(read, options, file), options, terminal);
  return askedOf(kernels, model, sentenceOf(text, options, model), options);
}

/** The selected member of an ensemble. @throws ArgumentError if none is selected, or it does not exist */
function chosenMember(model: Model, { member }: ModelOptions, file: string): Model {
  const { members } = model;
  if (!members) {
    if (member === undefined) return model;
    throw new ArgumentError(`--member ${member}: ${inputName(file)} is not an ensemble: leave it out`);
  }
  if (member !== undefined && member < members.length) return memberOf(model, member);
  const asked = member === undefined ? '' : `--member ${member}: `;
  throw new ArgumentError(
    `${asked}${inputName(file)} is an ensemble of ${members.length}models: choose one with --member 0 to ${members.length - 1}`,
  );
}

/** The model with only the inspected head; reports the choice if there are several. @throws ArgumentError on an unknown name */
function chosenHead(model: Model, { head }: ModelOptions, terminal: Terminal): Model {
  const names = model.config.heads.map(({ name }) => name);
  if (names.length === 1 && (head === undefined || head === names[0])) return model;
  if (head !== undefined && !names.includes(head)) {
    throw new ArgumentError(`--head ${head}: this model has ${names.join(', ')}: choose one of them`);
  }
  const chosen = head ?? names[0];
  if (head === undefined) {
    const message = `the model has the heads ${names.join(', ')}: ${chosen} is read; choose another with --head`;
    terminal.stderr.write(`warning: ${visible(message)}\n`);
  }
  return withHead(model, chosen);
}

/** The model in a file and the sentence, with gold labels if they are given or the grammar provides them. */
function askedOf(kernels: Kernels, model: Model, tokens: readonly string[], options: SentenceOptions): Question {
  const [{ kind, labels: known }] = model.heads;
  if (kind.unit === 'sentence') {
    const category = options.tags?.trim();
    if (category !== undefined) expectKnown([category], known.labels);
    const sentence = { tokens, ...(category !== undefined && { category }) };
    return { kernels, model, sentence, gold: category === undefined ? 'predicted' : 'tags', notes: [] };
  }
  const found = goldOf(tokens, options);
  if (found.gold === 'tags') expectKnown(found.labels ?? [], known.labels);
  const foreign = found.gold === 'grammar' && found.labels?.some((label) => !known.labels.includes(label));
  const { gold, labels } = foreign ? { gold: 'predicted' as const, labels: undefined } : found;
  return { kernels, model, sentence: { tokens, ...(labels && { labels }) }, gold, notes: [] };
}

/** Rejects gold labels that a model does not have. @throws DataError */
function expectKnown(labels: readonly string[], known: readonly string[]): void {
  const unknown = labels.find((label) => !known.includes(label));
  if (unknown !== undefined) throw new DataError(unknownLabel('--tags', unknown, known).message);
}

async function drawn(
  kernels: Kernels,
  text: string,
  options: ModelOptions & SentenceOptions,
  terminal: Terminal,
  waiting: Waiting,
): Promise<Question> {
  refuseForOthers(options);
  refuseHead(options);
  const tokens = sentenceOf(text, options);
  const { gold, labels } = goldOf(tokens, options);
  const cell = await openCell(options.cell ?? 'lstm', terminal);
  if (options.train && options.untrained)
    throw new ArgumentError('--train and --untrained cannot be combined: leave one out');
  const sentence = { tokens, ...(labels && { labels }) };
  const model = options.train ? await trained(kernels, cell, options, waiting) : draw(cell, sentence, options);
  if (gold === 'tags') expectKnown(labels ?? [], model.heads[0].labels.labels);
  return { kernels, model, sentence, gold, notes: notesOf(options) };
}
