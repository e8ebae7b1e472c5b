/** Precision, recall and F1, computed from counts. */

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

/** Unweighted means over classes; 0 without any. */
export type MacroAverage = Pick<PrecisionRecall, 'precision' | 'recall' | 'f1'>;

/** Counts of items. */
export interface Counts {
  correct: number;
  predicted: number;
  gold: number;
}

/** Zero counts. */
export const noCounts = (): Counts => ({ correct: 0, predicted: 0, gold: 0 });

/** Returns a quotient; 0 if the denominator is 0. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Computes the scores of counts. */
export function precisionRecall({ correct, predicted, gold }: Counts): PrecisionRecall {
  // 2PR/(P + R) with P = correct/predicted and R = correct/gold, cleared of fractions.
  const f1 = ratio(2 * correct, predicted + gold);
  return { precision: ratio(correct, predicted), recall: ratio(correct, gold), f1, correct, predicted, gold };
}

/** Computes the mean over classes, with equal weights. */
export function macroAverage(classes: readonly PrecisionRecall[]): MacroAverage {
  const mean = (name: keyof MacroAverage): number =>
    ratio(
      classes.reduce((sum, each) => sum + each[name], 0),
      classes.length,
    );
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}
