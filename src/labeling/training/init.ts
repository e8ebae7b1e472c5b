/**
 * Training that continues from a model: how the model changes with the new sentences. New vocabulary entries and labels are appended, so
 * that every row and every column of the model keeps its position and its values; whatever is new is initialized from the seed, as in any
 * training run.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import { flatten } from '../../autograd/grads.js';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { counted } from '../../tensor/print.js';
import { quoted } from '../../tensor/visible.js';
import type { LabelVocabulary } from '../data/labels.js';
import { buildLabels, labelsFromJson } from '../data/labels.js';
import type { OnNote } from '../data/notes.js';
import type { Scheme } from '../data/schemes.js';
import { detectScheme, permittedTransitions, SCHEMES } from '../data/schemes.js';
import type { Sentence } from '../data/sentence.js';
import { convertPartial } from '../data/unlabeled.js';
import type { GrownEncoder } from '../model/encoders/encoder.js';
import { encoderKinds } from '../model/encoders/index.js';
import { decodingOf, maskText } from '../model/heads/decoding.js';
import type { HeadConfig } from '../model/heads/head.js';
import { inColumn } from '../model/heads/head.js';
import type { Model } from '../model/model.js';
import type { EncoderKind } from '../model/encoders/encoder.js';
import type { BodyConfig, InitialParams, ModelConfig } from '../model/network.js';
import { headKindsOf, kindOf } from '../model/network.js';
import { expectSomeLabel } from '../scoring/evaluate.js';
import { architectureOf, ARCHITECTURE, expectArchitecture, REMEMBERED } from './architecture.js';
import { isPartOf } from './freeze.js';
import type { PlannedHead } from './heads.js';
import { goldOfHead, sourceOf } from './heads.js';
import type { Settings, TrainOptions } from './options.js';
import type { Corpora, Parts } from './run.js';
import { NO_SPANS, noteRepairs } from './spans.js';
import type { Spans } from './spans.js';

/**
 * Fills in the options that determine the architecture.
 *
 * @throws ArgumentError on an option that contradicts the model, or a model that cannot be trained further
 */
export function withArchitecture(options: TrainOptions, init: Model): TrainOptions {
  const known = architectureOf(init);
  if (init.members) {
    throw new ArgumentError(
      'train: init must be a single model; got an ensemble: pass one of its members, memberOf(model, 0), or train a new ensemble',
    );
  }
  if (init.quantized) {
    throw new ArgumentError(
      'train: init must have the weights it was trained with; got weights rounded to int8: pass the model before quantization',
    );
  }
  expectArchitecture(options, known);
  const names = [...ARCHITECTURE, ...REMEMBERED].filter((name) => name !== 'heads' && !Array.isArray(known[name]));
  const filled = names.flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]]));
  const own = init.own.cell && { cell: init.own.cell };
  return { ...(Object.fromEntries(filled) as TrainOptions), ...own, ...options, ...own };
}

/** The heads of a model, in the form that training uses. */
export function headsOfModel(init: Model): PlannedHead[] {
  return headKindsOf(init).map((kind, h) => {
    const { name, column } = init.config.heads[h];
    return { kind, place: { name, ...(column !== undefined && { column: String(column) }) } };
  });
}

/** The encoders of a model, with what training needs. */
export function encodersOfModel({ config, own }: Model): EncoderKind[] {
  return config.encoders.map(({ kind }) => kindOf('encoder', kind, encoderKinds, own.encoders));
}

/**
 * Adapts a model to training sentences.
 *
 * @throws ArgumentError if a frozen head would have to grow, or vectors have another size; DataError on labels that are missing, or not in
 *   the scheme that the model learned
 */
export function partsOfInit(
  init: Model,
  { train, sources }: Corpora,
  options: Pick<TrainOptions, 'minCount' | 'vectors' | 'freeze'>,
  settings: Settings,
  heads: readonly PlannedHead[],
  onNote?: OnNote,
): Parts {
  const encoders = grownEncoders(init, train, options);
  const grownHeads = heads.map((head, h) => {
    const source = sourceOf(head.place, sources?.train);
    const spans = spansOfHead(init.config.heads[h], init.heads[h].labels, train, source, onNote);
    const gold = goldOfHead(head, train, sources?.train);
    expectSomeLabel(gold, head.kind.unit, source);
    const known = init.heads[h].labels;
    const added = buildLabels(gold.map(spans.learned)).labels.filter((label) => !known.has(label));
    expectFreeToGrow(init.config.heads[h], added, options.freeze);
    return { spans, added, labels: added.length === 0 ? known : labelsFromJson([...known.labels, ...added]) };
  });
  const config: ModelConfig = {
    encoders: encoders.map((each) => each.config),
    body: bodyOf(init.config.body, settings),
    heads: grownHeads.map(({ labels, spans }, h) => {
      return { ...init.config.heads[h], size: labels.size, ...spans.decoding(labels.labels) } as HeadConfig;
    }),
  };
  const named = (all: readonly { readonly added: readonly string[] }[], names: readonly string[]) =>
    Object.fromEntries(all.flatMap(({ added }, i) => (added.length > 0 ? [[names[i], added]] : [])));
  const initial = Object.fromEntries(encoders.flatMap(({ config: { kind }, initial: own }) => (own ? [[kind, own]] : []))); // prettier-ignore
  return {
    config,
    readers: encoders.map(({ reader }) => reader),
    initial,
    labels: grownHeads.map(({ labels }) => labels),
    spans: grownHeads.map(({ spans }) => spans),
    start: startOf(init, initial),
    grown: {
      encoders: named(encoders, encoders.map((each) => each.config.kind)), // prettier-ignore
      labels: named(grownHeads, config.heads.map(({ name }) => name)), // prettier-ignore
    },
  };
}

/** The body of the model, with the dropout of this run. */
function bodyOf(
  { cell, ownCell, hidden, bidirectional, zoneout, residual, dense }: BodyConfig,
  { dropout, dropoutKind, recurrentDropout: p }: Settings,
): BodyConfig {
  return {
    ...{ cell, ...(ownCell && { ownCell }), hidden, bidirectional, dropout },
    ...(dropoutKind === 'variational' && { variational: true }),
    ...(p !== 0 && { recurrentDropout: p }),
    ...(zoneout && { zoneout }),
    ...(residual && { residual }),
    ...(dense !== undefined && { dense }),
  };
}

/** The parameters of a model, except those that its encoders have already supplied. */
function startOf({ params }: Model, initial: InitialParams): TensorRecord {
  const brought = Object.entries(initial).flatMap(([kind, part]) => Object.keys(part).map((name) => `encoders.${kind}.${name}`)); // prettier-ignore
  return Object.fromEntries(Object.entries(flatten(params)).filter(([name]) => !brought.includes(name)));
}

/** Grows the encoders by the words of the sentences; a frozen encoder would never learn its new rows, and stays as it is. */
function grownEncoders(
  init: Model,
  train: readonly Sentence[],
  { minCount, vectors, freeze = [] }: Pick<TrainOptions, 'minCount' | 'vectors' | 'freeze'>,
): GrownEncoder[] {
  return encodersOfModel(init).map((kind, e) => {
    const model = { reader: init.readers[e], config: init.config.encoders[e], params: init.params.encoders[kind.kind] };
    const names = kind.layer(model.config).sparse.map((name) => `encoders.${kind.kind}.${name}`);
    const isFrozen = names.some((name) => freeze.some((part) => isPartOf(part, name)));
    if (kind.grow === undefined || (isFrozen && kind.kind !== 'vectors'))
      return { reader: model.reader, config: model.config, added: [] };
    return kind.grow(model, train, { minCount, vectors });
  });
}

/** How many labels a message lists. */
const SHOWN = 10;

/** @throws ArgumentError if a head has new labels but is frozen */
function expectFreeToGrow({ name }: HeadConfig, added: readonly string[], freeze: readonly string[] = []): void {
  const part = freeze.find((each) => isPartOf(each, `heads.${name}.W`) || isPartOf(`heads.${name}`, each));
  if (added.length === 0 || part === undefined) return;
  const shown = added.slice(0, SHOWN).map((label) => quoted(label)).join(', '); // prettier-ignore
  throw new ArgumentError(
    `train: freeze (--freeze) names ${part}, and the head ${name} would have to learn ${counted(added.length, 'new label')}: ${shown}${added.length > SHOWN ? ', …' : ''}; leave ${part} out, or those labels`,
  );
}

/**
 * How a head treats span labels: the scheme that it learned, and the transitions that this scheme permits in the larger label set.
 *
 * @throws DataError if the labels are not in the scheme that the head returns
 */
function spansOfHead(
  config: HeadConfig,
  known: LabelVocabulary,
  train: readonly Sentence[],
  source: string | undefined,
  onNote?: OnNote,
): Spans {
  const { mask, schemes } = decodingOf(config);
  if (mask === undefined && schemes === undefined) return NO_SPANS;
  const own = train.map((each) => inColumn(config.column, each));
  const lists = own.map(({ labels = [] }) => labels);
  const detected = detectScheme(lists);
  const repairs = (scheme: Scheme): number => lists.reduce((sum, each) => sum + convertPartial(each, scheme, scheme).repairs, 0); // prettier-ignore
  const text = mask && maskText(mask);
  const masked = SCHEMES.filter((scheme) => maskText(permittedTransitions(scheme, known.labels)) === text);
  const candidates = schemes ? [schemes.data] : masked;
  const fitting = candidates.find((scheme) => scheme === detected.scheme) ?? candidates.find((scheme) => repairs(scheme) === 0); // prettier-ignore
  if (fitting === undefined || candidates.length === 0) throw otherScheme(detected, candidates, source);
  if (detected.scheme === fitting) noteRepairs(detected, own, source, onNote);
  const data = fitting;
  const learned = schemes?.learned ?? data;
  return {
    plan: { data, evidence: 'as the model has them', learned, constrained: mask !== undefined },
    learned: (sentence) =>
      sentence.labels ? { ...sentence, labels: convertPartial(sentence.labels, data, learned).labels } : sentence,
    decoding: (labels) => ({
      ...(mask && { permitted: maskText(permittedTransitions(learned, labels)) }),
      ...(schemes && { scheme: learned, data }),
    }),
  };
}

function otherScheme(
  { scheme, evidence }: ReturnType<typeof detectScheme>,
  candidates: readonly Scheme[],
  source: string | undefined,
): DataError {
  const found = scheme === null ? 'no spans' : `${scheme} (${evidence})`;
  const learned = candidates.length === 0 ? 'other transitions' : candidates.join(' or ');
  return new DataError(
    `${source === undefined ? '' : `${source}: `}its labels are ${found}, and the model has ${learned}: convert them with bptt convert`,
  );
}
