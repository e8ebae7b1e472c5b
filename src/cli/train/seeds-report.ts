/** Output for training with several seeds: a row for each, and mean ± standard deviation. */
import type { ModelScores } from '../../labeling/scoring/evaluate.js';
import type { Scores } from '../../labeling/scoring/scorer.js';
import type { HeadSpread, ScoreSpread, Spread } from '../../labeling/scoring/spread.js';
import type { EnsembleResult } from '../../labeling/training/ensemble.js';
import type { SeedRun, SeedsResult } from '../../labeling/training/seeds.js';
import { grouped } from '../../tensor/print.js';
import { visible } from '../../tensor/visible.js';
import { headSummary } from '../head-report.js';
import { outsideText } from './outside-report.js';
import { formatDuration } from '../progress.js';
import { percent } from '../report.js';
import { sizeOfModel } from './outcome.js';

/** The scores that training prints, by name. */
type Measures<V> = readonly (readonly [name: string, value: V | null])[];

interface Measured<V> {
  readonly accuracy: V;
  readonly oovAccuracy: V | null;
  readonly spanF1: V | null;
  readonly macroF1: V;
}

function measuresOf<V>(unit: Scores['unit'], scores: Measured<V>): Measures<V> {
  const { accuracy, oovAccuracy, spanF1, macroF1 } = scores;
  const more: Measures<V> = unit === 'sentence' ? [['macro F1', macroF1]] : [['OOV', oovAccuracy], ['span F1', spanF1]]; // prettier-ignore
  return [['accuracy', accuracy], ...more];
}

/**
 * One corpus in one line: with several heads, each by name, then all together.
 *
 * @param shape the scores of one run, which determine the available fields
 */
function lineOf<V>(
  shape: ModelScores,
  scores: Measured<V> & { readonly heads?: Readonly<Record<string, Measured<V>>> },
  together: V | undefined,
  write: (value: V) => string,
): string {
  const said = (measures: Measures<V>): string =>
    measures.flatMap(([name, value]) => (value === null ? [] : [`${name} ${write(value)}`])).join('  ');
  if (shape.heads === undefined || scores.heads === undefined) return said(measuresOf(shape.unit, scores));
  const heads = Object.entries(shape.heads).map(([name, { unit }]) => `${name} ${said(measuresOf(unit, scores.heads![name]))}`); // prettier-ignore
  return [...heads, ...(together === undefined ? [] : [`all right ${write(together)}`])].join('   ');
}

/** `seed 3  best epoch 8 of 12  dev accuracy 93.12 %  OOV 71.40 %`; the corpora on separate lines if there are two. */
export function seedRow(run: SeedRun): string {
  const parts = (['dev', 'test'] as const).flatMap((part) => {
    const scores = run[part];
    return scores ? [`${part} ${lineOf<number>(scores, scores, scores.together?.accuracy, percent)}`] : [];
  });
  const outside = (run.outsideBias ?? []).map(outsideText);
  return [`seed ${run.seed}`, `epoch ${run.bestEpoch} of ${run.epochs}`, ...outside, ...parts].join('   ');
}

const plusMinus = ({ mean, sd }: Spread): string => `${(100 * mean).toFixed(2)} ± ${(100 * sd).toFixed(2)} %`;

/** The final report. @param out path of the best model; null if it was not saved */
export function describeSeeds(result: SeedsResult, out: string | null): string {
  const { runs, best, bestSeed } = result;
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  const lines = (['dev', 'test'] as const).flatMap((part) => {
    const [spread, shape] = [result[part], runs[0]?.[part]];
    if (!spread || !shape) return [];
    return [`${part.padEnd(8)}${lineOf<Spread>(shape, spread, spread.together, plusMinus)}`];
  });
  const why = best.dev === null ? 'the first, since there is no dev' : 'the best dev score';
  return [
    ...runs.map(seedRow),
    `mean ± standard deviation of ${runs.length} seeds, ${formatDuration(seconds)}`,
    ...lines,
    `model   ${out === null ? 'not saved' : visible(out)}, of seed ${bestSeed} (${why}), ${sizeOfModel(best)}`,
  ].join('\n');
}

/** The final report of an ensemble: its members, their mean, and their joint score. */
export function describeEnsemble(
  { dev, test, members }: EnsembleResult,
  parameters: number,
  out: string | null,
): string {
  const { runs } = members;
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  const parts = Object.entries({ dev, test }).flatMap(([part, scores]) => {
    const [spread, shape] = [members[part as 'dev' | 'test'], runs[0]?.[part as 'dev' | 'test']];
    if (!scores || !spread || !shape) return [];
    return [
      `${part.padEnd(8)}${lineOf<number>(scores, scores, scores.together?.accuracy, percent)}`,
      `  each  ${lineOf<Spread>(shape, spread, spread.together, plusMinus)}`,
    ];
  });
  return [
    ...runs.map(seedRow),
    `ensemble of ${runs.length}, the mean of their probabilities, ${formatDuration(seconds)}`,
    ...parts,
    `model   ${out === null ? 'not saved' : visible(out)}, ${grouped(parameters)} parameters`,
  ].join('\n');
}

/** The fields of `--json` for several seeds, in addition to those of the best run. */
export function seedsFields({ runs, dev, test, bestSeed }: SeedsResult): object {
  return {
    seed: bestSeed,
    runs: runs.map(({ dev: own, test: other, ...run }) => ({
      ...run,
      dev: headSummary(own),
      test: headSummary(other),
    })),
    spread: { dev: summaryOfSpread(dev, runs[0]?.dev), test: summaryOfSpread(test, runs[0]?.test) },
  };
}

/** The measures of words, or of sentences, as in the summary of scores. */
function summaryOfSpread(spread: ScoreSpread | null, shape: ModelScores | null | undefined): object | null {
  if (spread === null || !shape) return null;
  const own = (unit: Scores['unit'], { accuracy, oovAccuracy, spanF1, macroF1 }: HeadSpread): object =>
    unit === 'sentence' ? { accuracy, macroF1 } : { accuracy, oovAccuracy, spanF1 };
  const heads = Object.entries(spread.heads ?? {}).map(([name, each]) => [name, own(shape.heads![name].unit, each)]);
  return {
    ...own(shape.unit, spread),
    ...(spread.heads && { heads: Object.fromEntries(heads) }),
    ...(spread.together && { together: spread.together }),
  };
}
