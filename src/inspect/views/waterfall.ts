/** One weight's gradient as a sum: its addends in the order of the backward pass, each bar starting where the previous one ended. */
import type { ElementTrace, Trace } from '../trace.js';
import { blockSize, spanLabel, spansOf } from './aggregate.js';
import { columnNames } from './heatmap.js';
import { dataOf, must, named, sumOf, together } from './mark.js';
import { linear } from './scale.js';
import { say } from './strings/index.js';
import { el, escape } from './svg.js';
import type { Block } from './svg.js';
import { quoted, tokensOf } from './words.js';
import { short, withSign, wrap } from './text.js';
import type { Style } from './theme.js';

const HEIGHT = 130;
const TOP = 34;
const GUTTER = 64;
/** The least width at which the heading is broken into lines. */
const NARROWEST = 320;

/** Whether words are read first to last, so that the backward pass runs last to first. */
const readsForward = ({ param }: ElementTrace): boolean => !param.includes('.reverse.');

/** The bars of one weight. Above 48 words, neighbors share a bar with the sum of their addends. */
export function waterfall(trace: Trace, element: number, style: Style): Block {
  const weight = trace.elements[element];
  const order = spansOf(trace.words.length).map((span) => ({
    span,
    sum: sumOfUses(trace, element, span.from, span.to),
  }));
  if (readsForward(weight)) order.reverse();
  const total = must(trace, 'elements', element, 'total');
  const levels = runningSums(order.map(({ sum }) => sum.value));
  const finite = [...levels, 0, total.value].filter(Number.isFinite);
  const scale = linear([Math.min(...finite), Math.max(...finite)], [TOP + HEIGHT, TOP]);
  const width = Math.max(14, Math.min(52, Math.floor(640 / (order.length + 1))));
  const tokens = tokensOf(trace);
  const bars = order.map(({ span, sum }, i) => {
    const word = quoted(spanLabel(span, tokens));
    const label = say(style.strings, 'ledger.addend', { word, value: withSign(sum.value), sum: short(levels[i + 1]) });
    return bar(
      GUTTER + i * width,
      width,
      scale.at(levels[i]),
      scale.at(levels[i + 1]),
      { ...sum, label, total: false },
      style,
    );
  });
  const end = { value: total.value, data: dataOf(total), total: true };
  const label = say(style.strings, 'ledger.total', { value: short(total.value) });
  const whole = bar(GUTTER + order.length * width, width, scale.at(0), scale.at(total.value), { ...end, label }, style);
  const names = [...order.map(({ span }) => spanLabel(span, tokens)), style.strings['ledger.sum']];
  const foot = columnNames(names, style, GUTTER, TOP + HEIGHT + 4, width);
  const title = say(style.strings, 'ledger.element', {
    param: weight.param,
    index: weight.index.join(', '),
    value: short(total.value, 5),
  });
  const across = GUTTER + (order.length + 1) * width;
  const heading = wrap(title, 12, Math.max(across, NARROWEST));
  const above = (heading.length - 1) * 16;
  const body = axis(scale.at(0), GUTTER, across, style) + together(style, bars) + whole + foot.body;
  const lines = heading.map((line, i) => el('text', { y: 11 + 16 * i, 'font-size': 12 }, escape(line))).join('');
  const chart = el('g', { transform: above > 0 ? `translate(0 ${above})` : undefined }, body);
  return { width: across, height: above + TOP + HEIGHT + foot.height, body: lines + chart };
}

/** The addend of a word, or the sum of the addends of a block. */
function sumOfUses(trace: Trace, element: number, from: number, to: number) {
  const path = ['elements', element, 'uses'];
  if (blockSize(spansOf(trace.words.length)) > 1) return sumOf(trace, path, [from, to]);
  const mark = must(trace, ...path, from);
  return { value: mark.value, data: dataOf(mark) };
}

/** 0, followed by the running sums. */
function runningSums(values: readonly number[]): number[] {
  const sums = [0];
  for (const each of values) sums.push(sums[sums.length - 1] + each);
  return sums;
}

function axis(y: number, from: number, to: number, style: Style): string {
  const at = {
    x: from - 8,
    y,
    'text-anchor': 'end',
    'dominant-baseline': 'central',
    'font-size': 11,
    fill: style.muted,
  };
  return el('path', { d: `M${from} ${Math.round(y)}H${Math.round(to)}`, stroke: style.line }) + el('text', at, '0');
}

interface Addend {
  readonly value: number;
  readonly data: Readonly<Record<string, string | number | undefined>>;
  readonly label: string;
  readonly total: boolean;
}

/** One bar between two levels, with its number above; a number that is not finite is shown only by its glyph. */
function bar(
  x: number,
  width: number,
  from: number,
  to: number,
  { value, data, label, total }: Addend,
  style: Style,
): string {
  const title = named(style, label);
  const middle = { x: x + width / 2, 'text-anchor': 'middle', 'font-size': 10 };
  if (!Number.isFinite(value) || !Number.isFinite(from))
    return el('text', { ...middle, y: TOP + HEIGHT, ...data }, escape(short(value)), title);
  const [top, height] = [Math.min(from, to), Math.max(1, Math.abs(to - from))];
  const map = style.sign.bytes;
  const at = total ? -1 : value < 0 ? 40 : 215;
  const fill = at < 0 ? style.ink : `rgb(${map[3 * at]},${map[3 * at + 1]},${map[3 * at + 2]})`;
  const rect = el('rect', { x: x + 2, y: top, width: width - 4, height, fill, ...data }, title);
  const wide = width >= 34 || total;
  const text = wide ? withSign(value, 2) : value < 0 ? '−' : value > 0 ? '+' : '';
  return rect + el('text', { ...middle, y: top - 4, 'aria-hidden': 'true' }, escape(text));
}
