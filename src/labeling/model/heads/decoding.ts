/**
 * Joint decoding of the labels of a sentence: the transitions that a span scheme permits, the labels that a model learned, and the labels
 * that it returns. These settings are plain data in the configuration of a head (`DecodingConfig`), so they are saved in the model file and
 * reach worker threads. A token head without them takes the most probable label of every token.
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { Packing } from '../../../autograd/packing.js';
import type { Kernels } from '../../../kernels/types.js';
import type { CrfMarginals, CrfPrefix } from '../../../layers/crf-decode.js';
import { crfMarginals, crfPrefixPath, crfSpanProbability, crfViterbi } from '../../../layers/crf-decode.js';
import type { CrfMask, CrfParams } from '../../../layers/crf-lattice.js';
import { softmaxRows } from '../../../layers/softmax-loss.js';
import { expectRecord } from '../../../tensor/arguments.js';
import { ArgumentError, UnsupportedError } from '../../../tensor/errors.js';
import { log } from '../../../tensor/math.js';
import { argmaxRows } from '../../../tensor/rows.js';
import type { Tensor } from '../../../tensor/types.js';
import { dtypeOf, elementAt } from '../../../tensor/view.js';
import { quoted } from '../../../tensor/visible.js';
import type { LabelVocabulary } from '../../data/labels.js';
import type { Scheme } from '../../data/schemes.js';
import { convertLabels, isLabelOf, permitsEveryLength, permittedTransitions, SCHEMES } from '../../data/schemes.js';
import type { Sentence } from '../../data/sentence.js';
import { continuesSpan, insideOf, spanSchemeOf, spansOf } from '../../scoring/spans.js';
import { convertedProbability } from './converted.js';
import type { HeadConfig, HeadPass, HeadPlace, PredictedSpan, Prediction, StreamedLabels, Wanted } from './head.js';
import { meanOf, membersOf, placeFields } from './head.js';

/** The decoding part of a configuration; each field may be absent. */
export interface DecodingConfig {
  /** The permitted transitions between its labels, as written by `maskText`. */
  readonly permitted?: string;
  /** The scheme of the labels that the model learns; requires `data`. */
  readonly scheme?: string;
  /** The scheme of the data: labels are read and returned in it. */
  readonly data?: string;
}

/** A parsed configuration. */
export interface Decoding {
  readonly mask?: CrfMask;
  readonly schemes?: { readonly learned: Scheme; readonly data: Scheme };
}

/**
 * Writes a mask as text: one bit for every label that may begin, every pair, and every label that may end; four bits to a hexadecimal
 * digit.
 */
export function maskText({ start, transitions, end }: CrfMask): string {
  const bits = [...Array.from(start), ...Array.from(transitions), ...Array.from(end)].map((bit) => (bit === 0 ? 0 : 1));
  const digit = (at: number): string =>
    (8 * bits[at] + 4 * (bits[at + 1] ?? 0) + 2 * (bits[at + 2] ?? 0) + (bits[at + 3] ?? 0)).toString(16);
  return Array.from({ length: Math.ceil(bits.length / 4) }, (_, i) => digit(4 * i)).join('');
}

/** Parses a mask. @throws ArgumentError on a text that is not a mask for K labels, or leaves some length without a path */
export function maskOf(text: string, K: number): CrfMask {
  const size = K * K + 2 * K;
  if (text.length !== Math.ceil(size / 4) || !/^[0-9a-f]*$/.test(text)) {
    throw new ArgumentError(
      `model: permitted must have ${Math.ceil(size / 4)} hexadecimal digits for ${K} labels; got ${text.length} characters`,
    );
  }
  const bits = Uint8Array.from({ length: size }, (_, i) => (parseInt(text[i >> 2], 16) >> (3 - (i & 3))) & 1);
  const mask = {
    start: bits.subarray(0, K),
    transitions: bits.subarray(K, K + K * K),
    end: bits.subarray(K + K * K),
  };
  if (permitsEveryLength(mask)) return mask;
  throw new ArgumentError('model: permitted must allow a path for sentences of every length; it does not');
}

/** Reads the decoding part of a head's configuration. @throws ArgumentError on an invalid mask or scheme */
export function decodingOf(config: HeadConfig): Decoding {
  const { permitted, scheme, data, size } = config as HeadConfig & DecodingConfig;
  const known = (name: 'scheme' | 'data', value: unknown): Scheme => {
    const found = SCHEMES.find((each) => each === value);
    if (found !== undefined) return found;
    throw new ArgumentError(`model: ${name} must be one of ${SCHEMES.join(', ')}; got ${JSON.stringify(value)}`);
  };
  if (permitted !== undefined && typeof permitted !== 'string')
    throw new ArgumentError('model: permitted must be a string');
  return {
    ...(permitted !== undefined && { mask: maskOf(permitted, size) }),
    ...((scheme !== undefined || data !== undefined) && {
      schemes: { learned: known('scheme', scheme), data: known('data', data) },
    }),
  };
}

/** Returns the configuration of a token head of this kind with K labels. */
export function tokenHeadConfig(
  kind: 'crf' | 'softmax',
  K: number,
  decoding: DecodingConfig = {},
  place: HeadPlace = {},
): HeadConfig {
  const { name, ...column } = placeFields(place, 'labels');
  return { kind, name, size: K, ...column, ...decodingFields(decoding) };
}

/**
 * Requires that the labels agree with the configuration: they are in the learned scheme, and the permitted transitions are those of that
 * scheme, or without a scheme those of any one scheme.
 *
 * @throws ArgumentError naming the field, and the label if one is at fault
 */
export function expectAgreement(config: HeadConfig, labels: readonly string[]): void {
  const { schemes, mask } = decodingOf(config);
  const foreign = schemes && labels.find((label) => !isLabelOf(schemes.learned, label));
  if (foreign !== undefined) {
    throw new ArgumentError(
      `model: scheme ${schemes!.learned} must have every label of the head ${config.name}; it has no ${quoted(foreign)}`,
    );
  }
  if (mask === undefined) return;
  const text = maskText(mask);
  const own = schemes ? [schemes.learned] : SCHEMES;
  if (own.some((scheme) => maskText(permittedTransitions(scheme, labels)) === text)) return;
  throw new ArgumentError(
    `model: permitted must be the transitions that ${schemes ? `the scheme ${schemes.learned} permits` : 'a scheme permits'} between the labels of the head ${config.name}; it is not`,
  );
}

/** The decoding fields of a configuration. */
function decodingFields(decoding: DecodingConfig): DecodingConfig {
  expectRecord('model', 'decoding', decoding, '{ permitted, scheme, data }');
  const { permitted, scheme, data } = decoding;
  return {
    ...(permitted !== undefined && { permitted }),
    ...(scheme !== undefined && { scheme }),
    ...(data !== undefined && { data }),
  };
}

/** Converts sentences to the labels that a model learns: repaired, and in its scheme. Without a scheme the labels stay as they are. */
export function learnedBy(config: HeadConfig): (sentence: Sentence) => Sentence {
  const { schemes } = decodingOf(config);
  return (sentence) => {
    if (schemes === undefined || sentence.labels === undefined) return sentence;
    return { ...sentence, labels: convertLabels(sentence.labels, schemes.data, schemes.learned).labels };
  };
}

/** What the forward pass of a token head returns. */
export interface TokenPass extends HeadPass {
  /** `[N, H]` */
  readonly y: Tensor;
  readonly decoding: Decoding;
  /** Transition scores, if the head has any. */
  readonly crf?: CrfParams;
}

/**
 * Predicts the label of every token of a batch, in packed order, and its probability. With transition scores or a mask, the labels are
 * those of the best path, and a probability is that of the label given the whole sentence; otherwise each token is decided independently.
 * If the labels are returned in another scheme than the learned one, the probability is that of the returned label.
 *
 * An ensemble is a mixture of its members with equal weights: every probability, of a label or of a span, is the mean of the members'
 * probabilities. Its labels maximize (1), where p̄[t,j] is the mean over the members of p(y_t = j), a softmax or a marginal of a CRF:
 *
 *              (1)  Σ_t log p̄[t, y_t]                  over all paths, or those that the mask permits
 *
 * Without a mask, that is the most probable label of every token for any head. Sources: the mean, a linear opinion pool (Stone
 * 1961), over networks of different seeds: Lakshminarayanan, Pritzel & Blundell (NIPS 2017); (1): posterior-Viterbi decoding, Fariselli,
 * Martelli & Casadio (BMC Bioinformatics 6, S12, 2005).
 */
export function predictTokens(
  kernels: Kernels,
  labels: LabelVocabulary,
  pass: HeadPass,
  packing: Packing,
  { probabilities, spans }: Wanted,
): Partial<Prediction>[] {
  const { logits, decoding, crf } = pass as TokenPass;
  const { mask, schemes } = decoding;
  const all = membersOf(pass as TokenPass);
  const single = all.length === 1;
  const none = noScores(kernels, logits);
  const chain = crf ?? (mask && none);
  const needed = spans || (probabilities && (chain || schemes)) || (!single && crf);
  const marginals = needed ? all.map((one) => crfMarginals(kernels, one.crf ?? none, one.logits, packing, { mask })) : undefined; // prettier-ignore
  const tokens = marginals?.map((each) => each.tokens);
  const softmaxes = (): Tensor[] => all.map((one) => softmaxRows(kernels, one.logits));
  const p = probabilities ? meanOf(kernels, tokens ?? softmaxes()) : undefined;
  const scores = single ? logits : meanOf(kernels, crf ? tokens! : softmaxes(), logOf);
  const path = single ? chain : mask && none;
  const best = path ? crfViterbi(kernels, path, scores, packing, { mask }).labels : argmaxRows(scores); // (1)
  const sure = spans && marginals ? spanFinder(labels.labels, marginals) : undefined;
  const converted = probabilities && schemes && marginals ? convertedProbability(labels.labels, schemes, marginals) : undefined; // prettier-ignore
  return Array.from({ length: packing.batch }, (_, b) => {
    const rows = rowsOf(packing, b);
    const chosen = rows.map((row) => labels.labels[best[row]]);
    const given = schemes ? convertLabels(chosen, schemes.learned, schemes.data).labels : chosen;
    return {
      labels: given,
      ...(p && { probabilities: Float64Array.from(rows, (row, t) => converted?.(b, t, rows.length, given[t]) ?? elementAt(p, row, best[row])) }), // prettier-ignore
      ...(sure && { spans: sure(b, rows.map((row) => best[row])) }), // prettier-ignore
    };
  });
}

/** The state that one stretch of a sentence passes to the next. */
interface Stretched {
  /** The number of tokens whose returned label is final. */
  readonly from: number;
  /** Final learned labels, starting with the token before `from`. */
  readonly known: readonly number[];
  readonly prefix?: CrfPrefix;
}

/**
 * Labels a sentence that arrives in stretches; see `InferenceHeadKind.stretch`. A label that is decided independently is final at once.
 * With transition scores or a mask, the labels are those of the best path so far, and the part that all paths agree on is final. In another
 * scheme than the learned one, a label is final once the next one is.
 *
 * @throws UnsupportedError if a requested result depends on the whole sentence
 */
export function stretchTokens(
  kernels: Kernels,
  labels: LabelVocabulary,
  pass: HeadPass,
  ended: boolean,
  before: unknown,
  { probabilities }: Pick<Wanted, 'probabilities'>,
): { readonly said: StreamedLabels; readonly state: Stretched } {
  const { logits, decoding, crf } = pass as TokenPass;
  const { mask, schemes } = decoding;
  const all = membersOf(pass as TokenPass);
  const chain = crf ?? (mask && noScores(kernels, logits));
  const whole = crf && all.length > 1 ? 'labels of an ensemble of CRFs' : probabilities && (chain || schemes) ? 'probabilities of labels that depend on each other' : undefined; // prettier-ignore
  if (whole) throw new UnsupportedError(`open: ${whole} need the whole sentence: use tag()`);
  const softmaxes = probabilities || all.length > 1 ? all.map((one) => softmaxRows(kernels, one.logits)) : [];
  const scores = all.length > 1 ? meanOf(kernels, softmaxes, logOf) : logits;
  const { from, known, prefix } = (before ?? { from: 0, known: [] }) as Stretched;
  const path = chain && crfPrefixPath(chain, scores, mask, ended, prefix);
  const chosen = [...known, ...(path?.labels ?? argmaxRows(scores))];
  const first = Math.max(0, from - 1); // the position of chosen[0]
  const decided = path ? known.length + path.settled : chosen.length;
  const settled = first + decided - (schemes && !ended && decided > 0 ? 1 : 0);
  const names = chosen.map((id) => labels.labels[id]);
  const given = schemes ? convertLabels(names, schemes.learned, schemes.data).labels : names;
  const p = probabilities ? meanOf(kernels, softmaxes) : undefined;
  return {
    said: {
      ...{ from, labels: given.slice(from - first), settled },
      ...(p && { probabilities: Float64Array.from(chosen.slice(known.length), (id, t) => elementAt(p, t, id)) }),
    },
    state: { from: settled, known: chosen.slice(Math.max(first, settled - 1) - first, decided), ...(path && { prefix: path.prefix }) }, // prettier-ignore
  };
}

/**
 * Finds the spans in the chosen labels of a sequence, each with its probability: that its tokens have these labels, that the first label
 * does not continue the one before it, and that the label after the span continues nothing.
 */
function spanFinder(
  labels: readonly string[],
  marginals: readonly CrfMarginals[],
): (sequence: number, chosen: readonly number[]) => PredictedSpan[] {
  const { kind } = spanSchemeOf(labels);
  if (kind === null) return () => [];
  const names = labels.map(insideOf(kind));
  const all = names.map((_, id) => id);
  return (sequence, chosen) =>
    spansOf(chosen.map((id) => names[id])).map((span) => {
      const own = chosen.slice(span.start, span.end).map((id) => [id]);
      const [first, last] = [names[chosen[span.start]], names[chosen[span.end - 1]]];
      const inFront = span.start > 0 ? [all.filter((id) => !continuesSpan(names[id], first))] : [];
      const behind = span.end < chosen.length ? [all.filter((id) => !continuesSpan(last, names[id]))] : [];
      const stretch = { sequence, start: span.start - inFront.length, labels: [...inFront, ...own, ...behind] };
      const probability = marginals.reduce((sum, own) => sum + crfSpanProbability(own, stretch), 0) / marginals.length;
      return { ...span, probability };
    });
}

/** `log p`; values that round to 0 get the log of the smallest normal float32, so that every path keeps a finite score. */
const logOf = (p: number): number => log(Math.max(p, 2 ** -126));

/** A chain without scores, for which only the mask decides. */
function noScores(kernels: Kernels, { shape, data }: Tensor): CrfParams {
  const K = shape[1];
  const zeros = (size: number[]): Tensor => kernels.zeros(size, dtypeOf(data));
  return { transitions: zeros([K, K]), start: zeros([K]), end: zeros([K]) };
}

/** The transition scores among the parameters of a head. */
export function chainOf({ transitions, start, end }: TensorRecord): CrfParams {
  return { transitions, start, end };
}

/** The packed rows of sequence b, in the order of its steps. */
const rowsOf = ({ lengths, offsets }: Packing, b: number): number[] =>
  Array.from({ length: lengths[b] }, (_, t) => offsets[t] + b);
