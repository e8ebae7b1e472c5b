/** Precision, recall and F1 of counts. */

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

/** What was counted. */
export interface Counts {
  correct: number;
  predicted: number;
  gold: number;
}

/** No counts yet. */
export const noCounts = (): Counts => ({ correct: 0, predicted: 0, gold: 0 });

/** A quotient; 0 where the denominator is. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** The scores of counts. */
export function precisionRecall({ correct, predicted, gold }: Counts): PrecisionRecall {
  // 2PR/(P + R) with P = correct/predicted and R = correct/gold, cleared of fractions.
  const f1 = ratio(2 * correct, predicted + gold);
  return { precision: ratio(correct, predicted), recall: ratio(correct, gold), f1, correct, predicted, gold };
}

/** The mean over classes, each as heavy as the next. */
export function macroAverage(classes: readonly PrecisionRecall[]): MacroAverage {
  const mean = (name: keyof MacroAverage): number =>
    ratio(
      classes.reduce((sum, each) => sum + each[name], 0),
      classes.length,
    );
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}
