/** The reliability diagram: accuracy by confidence, as a picture and as a table. */
import type { Calibration } from '../../labeling/scoring/calibration.js';
import { grouped } from '../../tensor/print.js';
import { px } from '../../inspect/views/svg.js';
import { describeCalibration } from '../calibration-report.js';
import { percent } from '../report.js';
import { folded, scrolling, tableOf, text } from './html.js';

/** The square of the diagram, and the histogram of counts below it, in pixels. */
const SIDE = 260;
const LEFT = 44;
const TOP = 8;
const HISTOGRAM = 56;
const GAP = 12;

/** The diagram for a list of decisions, its description, and its numbers. @param what kind of decision: `labels` */
export function reliability(id: string, what: string, calibration: Calibration, level: number): string {
  const title = `Confidence of ${what}`;
  const heading = `<h${level}>${text(title)}</h${level}>`;
  if (calibration.count === 0) return `${heading}<p>Nothing was predicted.</p>`;
  const { bins, count } = calibration;
  const rows = bins.map((bin) => [
    `${bin.from.toFixed(3)} to ${bin.to.toFixed(3)}`,
    { number: grouped(bin.count) },
    { number: bin.confidence === null ? '–' : percent(bin.confidence) },
    { number: bin.accuracy === null ? '–' : percent(bin.accuracy) },
  ]);
  const formula = `The expected calibration error is the sum, over the ${bins.length} bins of equal width, of the share of the ${what} in the bin times |accuracy − mean confidence| of the bin; the maximum is the largest such difference (Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017).`; // prettier-ignore
  const caption = `${grouped(count)} ${what} in ${bins.length} bins of confidence`;
  const table = tableOf(caption, ['confidence', what, 'mean confidence', 'accuracy'], rows);
  return [
    heading,
    `<p>${text(sentenceOf(calibration))}</p><figure>${pictureOf(id, title, calibration)}</figure>`,
    `<p class="small">Each bar reaches the accuracy of its bin without its orange part, and with its light blue part. Orange: by how much the model is overconfident; light blue: by how much it is underconfident; dashed: perfect calibration; below: how many ${text(what)}. ${text(formula)}</p>`,
    folded('Numbers of the diagram', scrolling(`Numbers of the diagram: ${title}`, table)),
  ].join('\n');
}

/** The figures and their meaning. */
function sentenceOf(calibration: Calibration): string {
  const { confidence, accuracy } = calibration;
  const difference = (confidence ?? 0) - (accuracy ?? 0);
  const verdict = difference > 0 ? 'overconfident' : 'underconfident';
  const said = describeCalibration(calibration);
  return `${said[0].toUpperCase()}${said.slice(1)}${difference === 0 ? '' : `: overall ${verdict}`}.`;
}

const x = (share: number): number => LEFT + SIDE * share;
const y = (share: number): number => TOP + SIDE * (1 - share);

function pictureOf(id: string, title: string, calibration: Calibration): string {
  const { bins } = calibration;
  const base = TOP + SIDE + GAP + HISTOGRAM;
  const most = Math.max(...bins.map(({ count }) => count));
  const parts = bins.flatMap(({ from, to, count, accuracy, confidence }) => {
    if (accuracy === null || confidence === null) return [];
    const [left, width] = [x(from) + 1, SIDE * (to - from) - 2];
    const [low, high] = [Math.min(accuracy, confidence), Math.max(accuracy, confidence)];
    const tall = Math.max(1, (HISTOGRAM * count) / most);
    return [
      rect('bar', left, y(low), width, SIDE * low),
      rect(confidence > accuracy ? 'over' : 'under', left, y(high), width, SIDE * (high - low)),
      rect('count', left, base - tall, width, tall),
    ];
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    `<text x="${LEFT - 6}" y="${px(y(share) + 4)}" text-anchor="end">${100 * share}</text>`,
    `<text x="${px(x(share))}" y="${base + 14}" text-anchor="middle">${100 * share}</text>`,
  ]);
  const height = base + 34;
  return [
    `<svg viewBox="0 0 ${LEFT + SIDE + 16} ${height}" width="${LEFT + SIDE + 16}" height="${height}" role="img" aria-labelledby="${id}-title">`,
    `<title id="${id}-title">${text(`${title}: accuracy by confidence. ${sentenceOf(calibration)}`)}</title>`,
    ...parts,
    `<path class="ideal" d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}"/>`,
    `<path class="axis" d="M${x(0)} ${y(1)}V${y(0)}H${x(1)}M${x(0)} ${base}H${x(1)}"/>`,
    ...ticks,
    `<text x="${px(x(0.5))}" y="${base + 30}" text-anchor="middle">confidence (%)</text>`,
    `<text transform="translate(12 ${px(y(0.5))}) rotate(-90)" text-anchor="middle">accuracy (%)</text>`,
    '</svg>',
  ].join('');
}

const rect = (name: string, left: number, top: number, width: number, height: number): string =>
  `<rect class="${name}" x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height)}"/>`;
