/**
 * Labels a sentence whose tokens arrive one after another.
 *
 *   forward-only model    a token's row is final when the token arrives: the states are carried over, nothing is computed twice
 *   bidirectional model   a token's row is computed once n more tokens have arrived, where n is the look-ahead. The stack runs over the
 *                         token and those n: its forward directions resume from their state after the previous token, its reverse
 *                         directions start at the last of the n. So, however deep the stack, a row depends on at most n tokens after
 *                         its own, and costs n + 1 steps. The tokens left at the end share one run
 *
 * The rows do not depend on how the tokens are divided into pieces. With a look-ahead of at least the length of the sentence, and in
 * forward-only models always, they are those of `tag`, to the bit. What heads make of the rows: `InferenceHeadKind.stretch`.
 */
import { packingOf } from '../../autograd/packing.js';
import type { Kernels } from '../../kernels/types.js';
import type { StackStates } from '../../layers/inference.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError, UnsupportedError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { allocate, flatCopy, rows } from '../../tensor/view.js';
import { expectSwitches, expectWords } from '../checks.js';
import type { HeadPass, Prediction, StreamedLabels } from './heads/head.js';
import { membersOf } from './heads/head.js';
import type { Inference } from './inference.js';
import { together } from './inference.js';
import type { Model } from './model.js';
import { expectFinite, readForInference } from './predict.js';

/** Options for labeling a sentence that arrives in pieces. */
export interface StreamOptions {
  /**
   * How many tokens after its own a label of a bidirectional model may depend on; the label is available once they have arrived. `Infinity`
   * waits for the end. A forward-only model needs no look-ahead and ignores this option. No default.
   */
  readonly lookAhead?: number;
  /**
   * Whether to return the probability of each label too; default false. Unavailable for a CRF, constrained decoding and converted labels.
   */
  readonly probabilities?: boolean;
}

/** The output of a head for sentences. */
type Category = Pick<Prediction, 'category' | 'categoryProbability'>;

/** What is new about a sentence. The fields of `StreamedLabels` are those of the first head for tokens. */
export interface StreamUpdate extends StreamedLabels, Category {
  /** The output of each head by name, if the model has several. A head for sentences gives its category at the end. */
  readonly heads?: Readonly<Record<string, StreamedLabels | Pick<Prediction, 'category' | 'categoryProbability'>>>;
}

/** A sentence whose tokens arrive one after another. It holds no memory on the backend, so it can be dropped at any time. */
export interface TagStream {
  /**
   * Adds tokens.
   *
   * @returns labels, starting at the first token whose label was not yet final: replace those from `from` on. Tokens that wait for the
   *   look-ahead have no label yet
   * @throws ArgumentError if `tokens` is not a list of strings, or the sentence has ended; NonFiniteError as `tag` does
   */
  push(tokens: readonly string[]): StreamUpdate;
  /** Ends the sentence: waiting tokens are labeled, every label becomes final, and the category is set. @throws as `push` does */
  end(): StreamUpdate;
}

const KEYS = keysOf<StreamOptions>({ lookAhead: true, probabilities: true });

/** Implements `Tagger.open`. @param members one per member of an ensemble */
export function openStream(
  kernels: Kernels,
  model: Model,
  members: readonly Inference[],
  options: StreamOptions = {},
): TagStream {
  const rowsOf = bodyStream(kernels, model, members, lookAheadOf(model, options));
  const { heads } = model;
  const wanted = { probabilities: options.probabilities ?? false, spans: false };
  const kept: Tensor[][] = members.map(() => []); // rows of the whole sentence, kept if a head needs them
  let left: readonly unknown[] = [];
  let closed = false;

  const passOf = (h: number, tops: readonly Tensor[]): HeadPass => {
    const packing = packingOf([tops[0].shape[0]]);
    const [pass] = together(tops.map((top, k) => [members[k].decide(h, top, packing)]));
    for (const { logits } of membersOf(pass)) expectFinite(model, logits);
    return pass;
  };
  const ask = (h: number, fresh: readonly Tensor[], ended: boolean): Said => {
    const { kind, labels } = heads[h];
    if (kind.unit === 'token') return kind.stretch!(kernels, labels, passOf(h, fresh), ended, left[h], wanted);
    const whole = ended ? kept.map(joined) : [];
    const count = whole[0]?.shape[0];
    return { said: count ? kind.predict(kernels, labels, passOf(h, whole), packingOf([count]), wanted)[0] : {} };
  };
  const advance = (tokens: readonly string[], ended: boolean): StreamUpdate => {
    expectWords('open', 'tokens', tokens);
    if (closed) throw new ArgumentError('open: the sentence has ended: open another one');
    closed = true; // stays closed if an error is thrown
    const fresh = rowsOf(tokens, ended);
    if (heads.some(({ kind }) => kind.unit === 'sentence')) kept.forEach((own, k) => own.push(fresh[k]));
    const said = kernels.frame(() => heads.map((_, h) => ask(h, fresh, ended)), true);
    left = said.map(({ state }) => state);
    closed = ended;
    return updateOf(model, said.map((each) => each.said)); // prettier-ignore
  };
  advance([], false); // rejects immediately whatever needs the whole sentence
  return { push: (tokens) => advance(tokens, false), end: () => advance([], true) };
}

/** A head's output, and the state that it carries to the next stretch. */
interface Said {
  readonly said: Partial<StreamedLabels & Category>;
  readonly state?: unknown;
}

/** Turns tokens into the rows that they complete, for every member, in newly allocated arrays. */
function bodyStream(
  kernels: Kernels,
  { readers }: Model,
  members: readonly Inference[],
  ahead: number,
): (tokens: readonly string[], ended: boolean) => Tensor[] {
  let waiting: readonly string[] = [];
  let states: readonly StackStates[] = [];

  /** Runs the stack over tokens of which the first `count` are decided. */
  const run = (window: readonly string[], count: number): Tensor[] => {
    const features = readers.map((reader) => readForInference(reader, window));
    const packing = packingOf([window.length]);
    const step = () =>
      members.map((each, k) => {
        const { top, states: after } = each.advance(features, packing, states[k], window.length - count);
        return { after, own: joined([rows(top, 0, count)]) };
      });
    const ran = kernels.frame(step, true);
    states = ran.map(({ after }) => after);
    waiting = waiting.slice(count);
    return ran.map(({ own }) => own);
  };
  return (tokens, ended) => {
    waiting = [...waiting, ...tokens];
    const all: Tensor[][] = [];
    while (ahead >= 0 && waiting.length > ahead) all.push(run(waiting.slice(0, ahead + 1), 1));
    const last = ended || ahead < 0 ? waiting : [];
    if (last.length > 0 || all.length === 0) all.push(run(last, last.length));
    return members.map((_, k) => joined(all.map((own) => own[k]))); // prettier-ignore
  };
}

function updateOf({ heads, config }: Model, said: readonly Partial<StreamedLabels & Category>[]): StreamUpdate {
  const first = (unit: string) => said[heads.findIndex(({ kind }) => kind.unit === unit)] as object | undefined;
  return {
    ...{ from: 0, labels: [], settled: 0 },
    ...first('sentence'),
    ...first('token'),
    ...(heads.length > 1 && { heads: Object.fromEntries(said.map((each, h) => [config.heads[h].name, each])) }),
  } as StreamUpdate;
}

/** Stacks rows into a newly allocated array. */
function joined(parts: readonly Tensor[]): Tensor {
  const all = allocate([parts.reduce((sum, { shape }) => sum + shape[0], 0), parts[0].shape[1]], parts[0]);
  let at = 0;
  for (const part of parts) {
    all.data.set(flatCopy(part), at);
    at += part.shape[0] * part.shape[1];
  }
  return all;
}

/** The look-ahead; −1 for a forward-only model, whose tokens wait for nothing. @throws ArgumentError or UnsupportedError naming the obstacle */
function lookAheadOf({ network, config, heads }: Model, options: StreamOptions): number {
  expectSwitches('open', options, 'probabilities');
  expectKnownKeys('open', 'options', options, KEYS);
  const encoder = network.encoders.find((each) => !each.contextFree);
  if (encoder)
    throw new UnsupportedError(`open: the encoder '${encoder.config.kind}' reads whole sentences: use tag()`);
  const head = heads.findIndex(({ kind }) => kind.unit === 'token' && !kind.stretch);
  if (head >= 0)
    throw new UnsupportedError(
      `open: the head '${config.heads[head].name}' labels whole sentences: give its kind a stretch, or use tag()`,
    );
  const { lookAhead } = options;
  const { bidirectional } = config.body;
  if (lookAhead === undefined && !bidirectional) return -1;
  if (lookAhead === Infinity || (Number.isInteger(lookAhead) && lookAhead! >= 0))
    return bidirectional ? lookAhead! : -1;
  throw new ArgumentError(
    `open: lookAhead must be an integer of at least 0, or Infinity, as this model is bidirectional; got ${show(lookAhead)}: pass how many tokens a label may wait for`,
  );
}
