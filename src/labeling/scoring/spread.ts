/** Scores of several training runs that differ only in their seed: mean and standard deviation. */
import { expectList, expectNumber, expectRecord } from '../../tensor/arguments.js';
import { ArgumentError } from '../../tensor/errors.js';
import type { ModelScores } from './evaluate.js';
import type { Scores } from './scorer.js';

/** Mean and sample standard deviation, √(Σ (x − x̄)² / (n − 1)). */
export interface Spread {
  readonly mean: number;
  /** 0 for a single value. */
  readonly sd: number;
}

/** The spread of the scores of one label column. Null if a run has no such score. */
export interface HeadSpread {
  readonly accuracy: Spread;
  readonly oovAccuracy: Spread | null;
  readonly spanF1: Spread | null;
  readonly macroF1: Spread;
}

/** The spread of all scores: of the first head, and, if there are several, of each head and of all together. */
export interface ScoreSpread extends HeadSpread {
  readonly heads?: Readonly<Record<string, HeadSpread>>;
  readonly together?: Spread;
}

/** Computes mean and standard deviation. @throws ArgumentError without a value, or on one that is not finite */
export function spreadOf(values: readonly number[]): Spread {
  expectList('spreadOf', 'values', values, 'numbers');
  if (values.length === 0) throw new ArgumentError('spreadOf: values must hold at least one number; got none');
  values.forEach((value, i) => expectNumber('spreadOf', `values[${i}]`, value));
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) * (x - mean), 0);
  return { mean, sd: values.length === 1 ? 0 : Math.sqrt(squares / (values.length - 1)) };
}

/** Computes the spread of the scores of several models on one corpus. @throws ArgumentError without any */
export function scoreSpread(scores: readonly ModelScores[]): ScoreSpread {
  expectList('scoreSpread', 'scores', scores, 'scores, as evaluate returns');
  if (scores.length === 0)
    throw new ArgumentError('scoreSpread: scores must hold those of at least one model; got none');
  scores.forEach((each, i) => expectRecord('scoreSpread', `scores[${i}]`, each, 'scores, as evaluate returns'));
  const [first] = scores;
  const own = headSpread(scores);
  if (first.heads === undefined) return own;
  const names = Object.keys(first.heads);
  const together = scores.flatMap((each) => (each.together ? [each.together.accuracy] : []));
  return {
    ...own,
    heads: Object.fromEntries(names.map((name) => [name, headSpread(scores.map(({ heads }) => heads![name]))])),
    ...(together.length === scores.length && { together: spreadOf(together) }),
  };
}

function headSpread(scores: readonly Scores[]): HeadSpread {
  const where = (name: 'oovAccuracy' | 'spanF1'): Spread | null => {
    const values = scores.flatMap((each) => (each[name] === null ? [] : [each[name]]));
    return values.length === scores.length ? spreadOf(values) : null;
  };
  return {
    accuracy: spreadOf(scores.map(({ accuracy }) => accuracy)),
    oovAccuracy: where('oovAccuracy'),
    spanF1: where('spanF1'),
    macroF1: spreadOf(scores.map(({ macroF1 }) => macroF1)),
  };
}
