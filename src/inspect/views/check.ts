/**
 * V6, check: is it right? One derivative by three methods: the hand-written backward pass, forward mode, and central differences
 * with their own noise; then the error of plain differences by step size; then every checked derivative, by its difference.
 */
import { ArgumentError } from '../../tensor/errors.js';
import type { CheckElement, Trace } from '../trace.js';
import { curve } from './check-curve.js';
import { paragraph } from './legend.js';
import { dataOf, must, named, read, together } from './mark.js';
import { log10, logarithmic } from './scale.js';
import { indexIn } from './select.js';
import type { Selection } from './select.js';
import { en, say } from './strings/index.js';
import { below, el, escape } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import { fit, short } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { modelLine, weightName } from './words.js';

/** Maximum number of rows in the list; the worst come first. */
const MOST = 24;
const GLYPHS = { agree: '✓', 'below-noise': '≈', disagree: '✗' } as const;

/** The selected element; default the worst. */
function elementOf(trace: Trace, selection: Selection): number {
  const { elements, worst } = trace.checks;
  if (elements.length === 0) throw new ArgumentError('check: the trace has no checks: request some from inspect');
  return selection.check === undefined ? (worst ?? 0) : indexIn('check', selection.check, elements.length, 'first');
}

/** The three numbers of one element, with digits aligned. */
function card(trace: Trace, at: number, style: Style): Block {
  const { strings } = style;
  const element = trace.checks.elements[at];
  const row = (i: number, name: string, key: keyof CheckElement, after = ''): string => {
    const mark = read(trace, 'checks', 'elements', at, key);
    const y = 40 + i * 22;
    const number =
      mark === undefined ? strings['check.none'] : `${mark.value < 0 ? '' : ' '}${digits(mark.value)}${after}`;
    const data = mark && dataOf(mark);
    const mono = { x: 170, y, 'font-family': 'ui-monospace, monospace', 'xml:space': 'preserve' };
    return el('text', { x: 12, y }, escape(name)) + el('text', { ...mono, ...data }, escape(number));
  };
  const noise = element.noise === null ? '' : ` ± ${short(element.noise, 2)}`;
  const verdict = say(strings, 'check.verdict', {
    glyph: GLYPHS[element.verdict],
    verdict: strings[`check.${element.verdict}`],
    relative: short(element.relative, 2),
  });
  const body =
    el('rect', { x: 0.5, y: 0.5, width: 579, height: 126, rx: 6, fill: 'none', stroke: style.line }) +
    el('text', { x: 12, y: 18, 'font-weight': 600 }, escape(fit(weightName(element.where, strings), 12, 560))) +
    row(0, strings['check.analytic'], 'analytic') +
    row(1, strings['check.forward'], 'forwardMode') +
    row(2, strings['check.numeric'], 'numeric', noise) +
    el(
      'text',
      { x: 12, y: 112, 'font-weight': 600, fill: element.verdict === 'disagree' ? style.accent : style.ink },
      escape(verdict),
    );
  return { width: 580, height: 127, body };
}

/** All digits of a float64, with a typographic minus. */
const digits = (x: number): string => (Number.isFinite(x) ? x.toExponential(15).replace(/-/g, '−') : short(x));

/** The difference between the two values of one number, in units of the noise of central differences. */
function noiseBar(trace: Trace, at: number, style: Style): Block[] {
  const { numeric, noise, analytic } = trace.checks.elements[at];
  if (numeric === null || noise === null || !(noise > 0) || !Number.isFinite(numeric - analytic)) return [];
  const off = (numeric - analytic) / noise;
  const reach = Math.max(3, Math.ceil(Math.abs(off)));
  const x = (value: number): number => 290 + (value / reach) * 260;
  const mark = must(trace, 'checks', 'elements', at, 'numeric');
  const small = { y: 34, 'text-anchor': 'middle', 'font-size': 11, fill: style.muted };
  const body =
    el('rect', { x: x(-1), y: 6, width: x(1) - x(-1), height: 12, fill: style.line, 'fill-opacity': '0.5' }) +
    el('path', { d: `M30 12H550M290 2V22`, stroke: style.muted }) +
    el('circle', { cx: x(off), cy: 12, r: 5, fill: style.accent, ...dataOf(mark) }) +
    el('text', { ...small, x: 290 }, '0') +
    el('text', { ...small, x: x(1) }, escape(style.strings['check.plus'])) +
    el('text', { ...small, x: x(-1) }, escape(style.strings['check.minus']));
  return [below(4, paragraph(style.strings['check.noise'], style, 580), { width: 580, height: 38, body })];
}

const ROW = 18;

/** Every element as a dot on a logarithmic axis of relative differences. */
function list(trace: Trace, at: number, style: Style): Block {
  const { elements } = trace.checks;
  const order = elements.map((_, i) => i).sort((a, b) => rank(elements[b]) - rank(elements[a]));
  const shown = order.slice(0, MOST);
  const scale = logarithmic([1e-17, 1], [330, 560]);
  const rows = shown.map((i, r) => {
    const { verdict } = elements[i];
    const where = weightName(elements[i].where, style.strings);
    const mark = must(trace, 'checks', 'elements', i, 'relative');
    const y = r * ROW + ROW / 2;
    const at0 = { y, 'dominant-baseline': 'central', 'font-size': 11 };
    const value = Math.min(1, Math.max(1e-17, Number.isFinite(mark.value) ? mark.value : 1));
    const weight = i === at ? 600 : undefined;
    const fill = verdict === 'disagree' ? style.accent : style.muted;
    return (
      el('text', { ...at0, x: 4, fill }, GLYPHS[verdict]) +
      el('text', { ...at0, x: 22, 'font-weight': weight }, escape(fit(where, 11, 290))) +
      el('path', { d: `M330 ${y}H560`, stroke: style.line }) +
      el(
        'circle',
        { cx: scale.at(value), cy: y, r: 4, fill, ...dataOf(mark) },
        named(style, `${where}: ${short(mark.value)}`),
      )
    );
  });
  const y = shown.length * ROW + 14;
  const ticks = [1e-17, 1e-13, 1e-9, 1e-5, 1].map((value) =>
    el(
      'text',
      { x: scale.at(value), y, 'text-anchor': 'middle', 'font-size': 11, fill: style.muted },
      escape(value === 1 ? '1' : `1e−${-log10(value)}`),
    ),
  );
  const more =
    elements.length > MOST
      ? [paragraph(say(style.strings, 'check.more', { shown: MOST, n: elements.length }), style, 580)]
      : [];
  return below(
    8,
    paragraph(style.strings['check.list'], style, 580),
    { width: 590, height: y + 2, body: together(style, rows) + ticks.join('') },
    ...more,
  );
}

/** Worst first: wrong derivatives, then by relative difference. */
const rank = ({ verdict, relative }: CheckElement): number =>
  (verdict === 'disagree' ? 2 : 0) + (Number.isFinite(relative) ? Math.min(1, relative) : 1);

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'check');
  const at = elementOf(trace, selection);
  const { fault } = trace.checks;
  return {
    style,
    title: style.strings['check.title'],
    line: modelLine(trace, style.strings),
    summary: summary(trace, selection, look),
    content: [
      card(trace, at, style),
      ...noiseBar(trace, at, style),
      ...curve(trace, at, style),
      list(trace, at, style),
    ],
    notes: [...(fault === null ? [] : [fault.message]), style.strings['check.note']],
  };
}

function summary(trace: Trace, selection: Selection = {}, { strings = en }: Look = {}): string {
  const { checked, agrees, elements } = trace.checks;
  const { where, relative } = elements[elementOf(trace, selection)];
  const values = {
    checked,
    disagree: elements.filter(({ verdict }) => verdict === 'disagree').length,
    where: weightName(where, strings),
    relative: short(relative, 2),
  };
  return say(strings, agrees ? 'check.summary.agree' : 'check.summary.disagree', values);
}

function table(trace: Trace): Table {
  const rows = trace.checks.elements.map(({ where, analytic, forwardMode, numeric, noise, relative, verdict }) => [
    where,
    analytic,
    forwardMode ?? '',
    numeric ?? '',
    noise ?? '',
    relative,
    verdict,
  ]);
  const columns = ['where', 'hand-written', 'forward mode', 'central difference', 'noise', 'relative', 'verdict'];
  const { curve: found } = trace.checks;
  if (found === undefined) return { columns, rows };
  const { where, analytic } = trace.checks.elements[found.element];
  const steps = found.steps.map((step, i) => [where, analytic, ...blank(5), step, found.errors[i], found.truncation[i], found.rounding[i]]); // prettier-ignore
  return {
    columns: [...columns, 'step', 'error at the step', 'truncation', 'rounding'],
    rows: [...rows.map((row) => [...row, ...blank(4)]), ...steps],
  };
}

const blank = (n: number): string[] => new Array<string>(n).fill('');

/** V6: is it right? */
export const check: View = viewOf('check', draw, summary, table);
