/** Scores of predicted labels against gold ones, counted sentence by sentence. All scores are fractions in [0, 1]. */
import { expectOneOf, expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectTypes, expectWords } from '../checks.js';
import { compareCodePoints } from '../data/lists.js';
import { spanSchemeOf, spansOf, withoutOutlier, type Span } from './spans.js';

/** Precision, recall and their harmonic mean; a quotient with denominator 0 counts as 0. */
export interface PrecisionRecall {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Right predictions. */
  readonly correct: number;
  /** All predictions. */
  readonly predicted: number;
  /** All gold items (the support). */
  readonly gold: number;
}

/** How often each label was taken for each. */
export interface Confusion {
  /** Every label that occurred, in code-point order. */
  readonly labels: readonly string[];
  /** `counts[g][p]`: tokens with gold label `labels[g]` and predicted label `labels[p]`. */
  readonly counts: readonly (readonly number[])[];
}

/** Scores by the conlleval rule: a span is right if its type and both its ends are. */
export interface SpanScores extends PrecisionRecall {
  readonly types: Readonly<Record<string, PrecisionRecall>>;
  /**
   * Labels that were added and are neither `O` nor a position and a type (`0`, `o`, `b-per`), in code-point order: they count
   * as outside of every span. Empty where `spans: true` asked for the plain rule, by which such a label is a type of its own.
   */
  readonly outside: readonly string[];
}

/** Everything that was counted. */
export interface Scores {
  /** What was judged: every token's label, or every sentence's. `tokens`, `correct` and so on count such decisions. */
  readonly unit: 'token' | 'sentence';
  readonly sentences: number;
  readonly tokens: number;
  readonly correct: number;
  /** Right tokens among all; 0 without tokens. */
  readonly accuracy: number;
  readonly knownTokens: number;
  /** Accuracy over the tokens seen in training; null without any, or where nobody said which they are. */
  readonly knownAccuracy: number | null;
  readonly oovTokens: number;
  /** Accuracy over the tokens never seen in training; null without any, or where nobody said which they are. */
  readonly oovAccuracy: number | null;
  readonly labels: Readonly<Record<string, PrecisionRecall>>;
  /** Unweighted mean of F1 over the labels that occurred, as gold or as prediction; 0 without any. */
  readonly macroF1: number;
  readonly confusion: Confusion;
  /** Null where the gold labels annotate no spans, as parts of speech do not. */
  readonly spans: SpanScores | null;
  /** F1 over all spans, or null. */
  readonly spanF1: number | null;
}

/** What a scorer is told in advance. */
export interface ScorerOptions {
  /** Whether a token occurred in training, for the split into known and OOV; usually `vocabulary.known`. */
  known?: (token: string) => boolean;
  /** Whether labels are spans. Default: decided by `labels`. */
  spans?: boolean;
  /** All labels of the task, which decide whether there are spans (`spanSchemeOf`). Default: the gold labels that were added. */
  labels?: readonly string[];
  /** What is judged; default: tokens. */
  unit?: 'token' | 'sentence';
}

const KEYS = keysOf<ScorerOptions>({ known: true, spans: true, labels: true, unit: true });

/** Counts one sentence after another. */
export interface Scorer {
  /** @throws ArgumentError where the three are not of one length */
  add(tokens: readonly string[], gold: readonly string[], predicted: readonly string[]): void;
  /** Scores of everything added so far. */
  scores(): Scores;
}

/** A scorer with nothing counted. */
export function createScorer(options: ScorerOptions = {}): Scorer {
  expectKnownKeys('createScorer', 'options', options, KEYS);
  expectTypes('createScorer', options, { known: 'function', spans: 'boolean' });
  if (options.labels !== undefined) expectWords('createScorer', 'labels', options.labels);
  const { known, spans, labels: task, unit = 'token' } = options;
  expectOneOf('createScorer', 'unit', unit, ['token', 'sentence']);
  const confusion = new Map<string, Map<string, number>>();
  // Which rule holds is known in the end only: by the plain one a label such as `PER` is inside, by the other one outside.
  const plain = new Map<string, Counts>();
  const typed = new Map<string, Counts>();
  const total = { sentences: 0, known: { correct: 0, tokens: 0 }, oov: { correct: 0, tokens: 0 } };
  return {
    add(tokens, gold, predicted) {
      for (const [name, list] of Object.entries({ tokens, gold, predicted })) expectWords('scorer', name, list);
      checkLengths(tokens, gold, predicted);
      total.sentences++;
      gold.forEach((label, i) => {
        const row = confusion.get(label) ?? new Map<string, number>();
        confusion.set(label, row.set(predicted[i], (row.get(predicted[i]) ?? 0) + 1));
        const side = known && !known(tokens[i]) ? total.oov : total.known;
        side.tokens++;
        if (label === predicted[i]) side.correct++;
      });
      countSpans(plain, spansOf(gold), spansOf(predicted));
      countSpans(typed, spansOf(gold.map(withoutOutlier)), spansOf(predicted.map(withoutOutlier)));
    },
    scores() {
      const byLabel = labelScores(confusion);
      const { kind } = spanSchemeOf(task ?? confusion.keys());
      const isTyped = spans === undefined && kind === 'typed';
      const outside = isTyped ? byLabel.confusion.labels.filter((label) => withoutOutlier(label) !== label) : [];
      const scored = (spans ?? kind !== null) ? { ...spanScores(isTyped ? typed : plain), outside } : null;
      return {
        unit,
        ...accuracies(total, known !== undefined),
        ...byLabel,
        spans: scored,
        spanF1: scored && scored.f1,
      };
    },
  };
}

/** What was right, of known tokens and of the others. */
interface Totals {
  readonly sentences: number;
  readonly known: { readonly correct: number; readonly tokens: number };
  readonly oov: { readonly correct: number; readonly tokens: number };
}

function accuracies({ sentences, known, oov }: Totals, split: boolean) {
  const correct = known.correct + oov.correct;
  const tokens = known.tokens + oov.tokens;
  return {
    sentences,
    tokens,
    correct,
    accuracy: ratio(correct, tokens),
    knownTokens: split ? known.tokens : 0,
    knownAccuracy: split && known.tokens > 0 ? known.correct / known.tokens : null,
    oovTokens: oov.tokens,
    oovAccuracy: oov.tokens > 0 ? oov.correct / oov.tokens : null,
  };
}

interface Counts {
  correct: number;
  predicted: number;
  gold: number;
}

function checkLengths(tokens: readonly string[], gold: readonly string[], predicted: readonly string[]): void {
  if (gold.length === tokens.length && predicted.length === tokens.length) return;
  const got = `${gold.length} gold and ${predicted.length} predicted`;
  throw new ArgumentError(`labels must be one per token, ${tokens.length}; got ${got}`);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function precisionRecall({ correct, predicted, gold }: Counts): PrecisionRecall {
  // 2PR/(P + R) with P = correct/predicted and R = correct/gold, cleared of fractions.
  const f1 = ratio(2 * correct, predicted + gold);
  return { precision: ratio(correct, predicted), recall: ratio(correct, gold), f1, correct, predicted, gold };
}

function countSpans(counts: Map<string, Counts>, gold: readonly Span[], predicted: readonly Span[]): void {
  const of = (type: string) => {
    const entry = counts.get(type) ?? { correct: 0, predicted: 0, gold: 0 };
    counts.set(type, entry);
    return entry;
  };
  const atStart = new Map(gold.map((span) => [span.start, span]));
  for (const span of gold) of(span.type).gold++;
  for (const span of predicted) {
    of(span.type).predicted++;
    const match = atStart.get(span.start);
    if (match && match.end === span.end && match.type === span.type) of(span.type).correct++;
  }
}

function spanScores(counts: ReadonlyMap<string, Counts>): Omit<SpanScores, 'outside'> {
  const total: Counts = { correct: 0, predicted: 0, gold: 0 };
  for (const { correct, predicted, gold } of counts.values()) {
    total.correct += correct;
    total.predicted += predicted;
    total.gold += gold;
  }
  const ordered = [...counts].sort(([v], [w]) => compareCodePoints(v, w));
  const types = Object.fromEntries(ordered.map(([type, count]) => [type, precisionRecall(count)]));
  return { ...precisionRecall(total), types };
}

function labelScores(
  confusion: ReadonlyMap<string, ReadonlyMap<string, number>>,
): Pick<Scores, 'labels' | 'macroF1' | 'confusion'> {
  const names = new Set(confusion.keys());
  for (const row of confusion.values()) for (const label of row.keys()) names.add(label);
  const labels = [...names].sort(compareCodePoints);
  const counts = labels.map((gold) => labels.map((predicted) => confusion.get(gold)?.get(predicted) ?? 0));
  const entries = labels.map((label, k) => {
    const gold = counts[k].reduce((sum, n) => sum + n, 0);
    const predicted = counts.reduce((sum, row) => sum + row[k], 0);
    return [label, precisionRecall({ correct: counts[k][k], predicted, gold })] as const;
  });
  const macroF1 = ratio(
    entries.reduce((sum, [, { f1 }]) => sum + f1, 0),
    entries.length,
  );
  return { labels: Object.fromEntries(entries), macroF1, confusion: { labels, counts } };
}
