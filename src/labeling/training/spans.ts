/** How training treats labels that annotate spans: their scheme, the scheme that is learned, the transitions that it permits. */
import type { CrfMask } from '../../layers/crf-lattice.js';
import { IGNORED } from '../../layers/softmax-loss.js';
import { DataError } from '../../tensor/errors.js';
import { counted, grouped } from '../../tensor/print.js';
import type { OnNote } from '../data/notes.js';
import type { DetectedScheme, Scheme } from '../data/schemes.js';
import { detectScheme, permitsEveryLength, permittedTransitions } from '../data/schemes.js';
import type { Sentence } from '../data/sentence.js';
import { convertPartial } from '../data/unlabeled.js';
import type { DecodingConfig } from '../model/heads/decoding.js';
import { decodingOf, maskText } from '../model/heads/decoding.js';
import type { HeadConfig } from '../model/heads/head.js';

/** Leaves labels as they are. */
export const NO_SPANS: Spans = { learned: (each) => each, decoding: () => ({}) };

/** The training options for spans. */
export interface SpanSettings {
  /** Kind of the head. */
  readonly head: string;
  readonly scheme?: Scheme;
  readonly decode?: 'free' | 'constrained';
}

/** The decisions about the labels of a training run. */
export interface SpanPlan {
  /** Name of the head, if the model has several. */
  readonly head?: string;
  /** The scheme of the training data, in which labels are returned, and the evidence for it. */
  readonly data: Scheme;
  readonly evidence: string;
  /** The scheme that is learned. */
  readonly learned: Scheme;
  /** Whether only transitions that the scheme permits are taken. */
  readonly constrained: boolean;
}

/** The plan, if there is one, and its implementation. */
export interface Spans {
  readonly plan?: SpanPlan;
  /** Converts a sentence to the labels that are learned: repaired, and in the learned scheme. */
  learned(sentence: Sentence): Sentence;
  /** The decoding part of the configuration of a head with these labels. */
  decoding(labels: readonly string[]): DecodingConfig;
}

/**
 * Decides about the labels of training sentences. By default a CRF is constrained if the labels annotate spans; a softmax is constrained
 * only on request.
 *
 * @param source name of the input, for messages
 * @throws DataError if a scheme, or constrained decoding, is requested and the labels annotate no spans
 */
export function spansOfTraining(
  train: readonly Sentence[],
  settings: SpanSettings,
  source?: string,
  onNote?: OnNote,
): Spans {
  const none: Spans = { learned: (sentence) => sentence, decoding: () => ({}) };
  const { head, scheme, decode = head === 'crf' ? 'constrained' : 'free' } = settings;
  const detected = detectScheme(train.map(({ labels = [] }) => labels));
  if (scheme === undefined && decode === 'free') {
    noteBreaks(detected, train, source, onNote);
    return none;
  }
  if (detected.scheme === null) {
    if (scheme === undefined && settings.decode === undefined) return none;
    const [asked, option] =
      scheme === undefined ? ['constrained decoding', '--decode'] : [`the scheme ${scheme}`, '--scheme, --preset ner'];
    throw new DataError(
      `${source === undefined ? '' : `${source}: `}${asked} needs span labels, such as B-PER and O; these labels are not spans: leave it out (${option}), or choose another column (--column)`,
    );
  }
  noteRepairs(detected, train, source, onNote);
  const data = detected.scheme;
  const learned = scheme ?? data;
  const constrained = decode === 'constrained';
  return {
    plan: { data, evidence: detected.evidence, learned, constrained },
    learned: (sentence) =>
      sentence.labels ? { ...sentence, labels: convertPartial(sentence.labels, data, learned).labels } : sentence,
    decoding(labels) {
      const mask = permittedTransitions(learned, labels);
      const closed = constrained && !permitsEveryLength(mask);
      if (closed) onNote?.({ kind: 'unconstrained', message: unconstrained(learned, source) });
      return {
        ...(constrained && !closed && { permitted: maskText(mask) }),
        ...(learned !== data && { scheme: learned, data }),
      };
    },
  };
}

/** Notes that labels violate their scheme, if they do, and are learned in repaired form. */
export function noteRepairs(
  detected: DetectedScheme,
  train: readonly Sentence[],
  source?: string,
  onNote?: OnNote,
): void {
  const what = 'they are learned as conlleval reads them; correct them, or rewrite them with bptt convert';
  noteBroken('scheme-repairs', what, detected, train, source, onNote);
}

/** Notes the same for labels that are learned as they are: usually files of two schemes combined. */
function noteBreaks(detected: DetectedScheme, train: readonly Sentence[], source?: string, onNote?: OnNote): void {
  if (detected.scheme === null) return;
  const anew = `rewrite them with bptt convert --scheme ${detected.scheme.toLowerCase()}, or choose what is learned (--scheme)`;
  noteBroken('scheme-breaks', `they are learned as they are; ${anew}`, detected, train, source, onNote);
}

function noteBroken(
  kind: string,
  what: string,
  { scheme, evidence, repairs, first = 0 }: DetectedScheme,
  train: readonly Sentence[],
  source?: string,
  onNote?: OnNote,
): void {
  if (repairs === 0) return;
  const { line } = train[first];
  const why = kind === 'scheme-breaks' ? ` (${evidence})` : ''; // otherwise the plan has reported it
  const message =
    `${source === undefined ? '' : `${source}: `}${counted(repairs, 'label')} ${repairs === 1 ? 'breaks' : 'break'} the scheme ${scheme}${why}` +
    `${line === undefined ? '' : `, the first in the sentence at line ${grouped(line)}`}: ${what}`;
  onNote?.({ kind, message, ...(source !== undefined && { source }), ...(line !== undefined && { line }), count: repairs }); // prettier-ignore
}

function unconstrained(scheme: Scheme, source?: string): string {
  return (
    `${source === undefined ? '' : `${source}: `}no label of ${scheme} may occur alone here (there is no O, and no span of one token), so ` +
    'sentences of some lengths would have no path: transitions are not constrained'
  );
}

/**
 * Requires that every sentence has a permitted label sequence: missing labels are filled with labels of the training data. Sentences with
 * all labels are permitted by construction.
 *
 * @param targets ids of the labels of each sentence; −1 for a missing label
 * @throws DataError naming the sentence
 */
export function expectPaths(
  head: HeadConfig,
  targets: readonly Int32Array[],
  train: readonly Sentence[],
  source?: string,
): void {
  const { mask } = decodingOf(head);
  if (head.kind !== 'crf' || mask === undefined) return;
  const blocked = targets.findIndex((own) => own.includes(IGNORED) && !hasPath(mask, own));
  if (blocked < 0) return;
  const { line } = train[blocked];
  const place = [source, line === undefined ? `sentence ${grouped(blocked + 1)}` : `sentence at line ${grouped(line)}`];
  throw new DataError(
    `${place.filter((part) => part !== undefined).join(': ')}: no labels of the training data fit its unlabeled tokens: the scheme permits none next to the given labels; label them, or allow all transitions (--decode free)`,
  );
}

function hasPath({ start, transitions, end }: CrfMask, targets: Int32Array): boolean {
  const K = start.length;
  const all = Array.from({ length: K }, (_, j) => j);
  let open: number[] = [];
  targets.forEach((target, t) => {
    const states = target === IGNORED ? all : [target];
    const before = open;
    open = states.filter((j) => (t === 0 ? start[j] !== 0 : before.some((i) => transitions[i * K + j] !== 0)));
  });
  return targets.length === 0 || open.some((j) => end[j] !== 0);
}
