/** The content of the page, for programs. */
import { detailsOf } from '../report.js';
import type { ErrorsContent } from './page.js';

/** One object: all counts, and the sentences that the page would contain. */
export function errorsJson(
  { model, file, heads, together, limit }: ErrorsContent,
  warnings: readonly object[],
): object {
  return {
    ...{ model, file },
    heads: heads.map((head) => {
      const { name, scores, calibration, sentences, wrong, ...counts } = head;
      const listed = wrong.slice(0, limit);
      return {
        ...{ name, unit: scores.unit, scores: detailsOf(scores), confusion: scores.confusion },
        ...{ calibration: calibration.labels, spanCalibration: calibration.spans },
        ...counts,
        ...{ sentences, wrongSentences: wrong.length, listed: listed.length, list: listed },
      };
    }),
    ...(together && { together }),
    warnings,
  };
}
