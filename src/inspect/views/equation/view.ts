/**
 * V5, equation: where does this number come from? The view shows the selected number, its formula in symbols and in numbers, and
 * below it its operands, each with its own formula. Opening an operand gives the same view with another `ref`; `trail` holds the
 * path there.
 */
import type { Trace } from '../../trace.js';
import { paragraph } from '../legend.js';
import { dataOf } from '../mark.js';
import type { Selection } from '../select.js';
import { en, say } from '../strings/index.js';
import { below, el, escape } from '../svg.js';
import type { Block } from '../svg.js';
import type { Table } from '../table.js';
import { fit, short, widthOf } from '../text.js';
import { styleOf } from '../theme.js';
import type { Look, Style } from '../theme.js';
import { viewOf } from '../view.js';
import type { Drawing, View } from '../view.js';
import { modelLine } from '../words.js';
import { inNumbers, inSymbols, operandsOf } from './expression.js';
import { openNumber } from './open.js';
import type { Opened } from './open.js';

const WIDTH = 680;
/** Maximum number of listed factors, and of written lines of a formula. */
const MOST = 24;
const LINES = 4;
const MONO = 'ui-monospace, SFMono-Regular, Menlo, DejaVu Sans Mono, monospace';

/** The opened number; default one recurrent weight, or the loss. */
const refOf = (trace: Trace, { ref }: Selection): string => ref ?? trace.elements[0]?.ref ?? '/loss';

/** Characters per line of a formula, in a monospaced typeface of 13 pixels. */
const CHARACTERS = Math.floor((WIDTH - 24) / (13 * 0.62));

/** A formula over several lines, broken between its terms; terms that do not fit are counted. */
function formulaLines(text: string, style: Style): string[] {
  const lines: string[] = [];
  let rest = text.split(' + ');
  while (rest.length > 0 && lines.length < LINES) {
    let line = `${lines.length === 0 ? '=' : '  +'} ${rest[0]}`;
    rest = rest.slice(1);
    while (rest.length > 0 && line.length + rest[0].length + 3 <= CHARACTERS) {
      line += ` + ${rest[0]}`;
      rest = rest.slice(1);
    }
    lines.push(line.length > CHARACTERS ? `${line.slice(0, CHARACTERS - 1)}…` : line);
  }
  return rest.length === 0 ? lines : [...lines, `  ${say(style.strings, 'equation.more', { n: rest.length })}`];
}

/** The number, its formula, its formula in numbers, its value. */
function main({ mark, symbol, formula }: Opened, style: Style): Block {
  const value = `= ${short(mark.value, 6)}`;
  const lines =
    formula === undefined
      ? [value]
      : [...formulaLines(inSymbols(formula), style), ...formulaLines(inNumbers(formula), style), value];
  const rows = lines.map((line, i) => {
    const last = i === lines.length - 1;
    const data = last ? dataOf(mark) : {};
    const text = { x: 16, y: 44 + i * 20, 'font-size': 13, 'font-family': MONO, 'font-weight': last ? 700 : undefined };
    return el('text', { ...text, 'xml:space': 'preserve', ...data }, escape(line));
  });
  const name = el('text', { y: 18, 'font-size': 16, 'font-weight': 700, 'font-family': MONO }, escape(symbol));
  const height = 44 + lines.length * 20;
  const bar = el('path', { d: `M4 30V${height - 12}`, stroke: style.accent, 'stroke-width': 2 });
  return { width: WIDTH, height: height - 8, body: name + bar + rows.join('') };
}

/** The path so far: each number opened before. */
function trail(trace: Trace, { trail: refs = [] }: Selection, style: Style): Block[] {
  if (refs.length === 0) return [];
  const rows = refs.map((ref, i) => {
    const { symbol, mark } = openNumber(trace, ref);
    const text = `${i === 0 ? '' : '› '}${symbol} = ${short(mark.value, 4)}`;
    return el(
      'text',
      { x: 16 + i * 14, y: 14 + i * 18, 'font-family': MONO, 'font-size': 12, ...dataOf(mark) },
      escape(text),
    );
  });
  return [
    below(4, paragraph(style.strings['equation.trail'], style, WIDTH), {
      width: WIDTH,
      height: refs.length * 18,
      body: rows.join(''),
    }),
  ];
}

/** The operands of the number, each with its value and its own formula. */
function parts(trace: Trace, { formula }: Opened, style: Style): Block[] {
  if (formula === undefined) return [];
  const opens = (ref: string): number => (openNumber(trace, ref).formula === undefined ? 1 : 0);
  const operands = [...operandsOf(formula)].sort((a, b) => opens(a.mark.ref) - opens(b.mark.ref));
  const shown = operands.slice(0, MOST);
  const wide = Math.min(160, Math.max(...shown.map(({ symbol }) => widthOf(symbol, 12))) + 12);
  const rows = shown.map(({ symbol, mark }, i) => {
    const inner = openNumber(trace, mark.ref).formula;
    const y = 14 + i * 18;
    const at = { y, 'font-family': MONO, 'font-size': 12 };
    const own = inner === undefined ? '' : fit(`= ${inSymbols(inner)}`, 12, WIDTH - wide - 130);
    return (
      el('text', { ...at, x: 16, ...dataOf(mark) }, escape(fit(symbol, 12, wide))) +
      el('text', { ...at, x: 16 + wide + 90, 'text-anchor': 'end', ...dataOf(mark) }, escape(short(mark.value, 4))) +
      el('text', { ...at, x: 16 + wide + 104, fill: style.muted }, escape(own))
    );
  });
  const more =
    operands.length > MOST
      ? [paragraph(say(style.strings, 'equation.more', { n: operands.length - MOST }), style, WIDTH)]
      : [];
  const list: Block = { width: WIDTH, height: shown.length * 18 + 2, body: rows.join('') };
  return [below(4, paragraph(style.strings['equation.parts'], style, WIDTH), list, ...more)];
}

/** Whether a number is given, as weights are, rather than left unexplained. */
const isGiven = (ref: string): boolean => /\/weights\/|\/initial\/|^\/words\/\d+\/x\//.test(ref);

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'equation');
  const { strings } = style;
  const opened = openNumber(trace, refOf(trace, selection));
  const state = say(strings, 'equation.residual', { residual: short(opened.residual, 2) });
  const closed = strings[isGiven(opened.mark.ref) ? 'equation.given' : 'equation.closed'];
  return {
    style,
    title: say(strings, 'equation.title', { symbol: opened.symbol }),
    line: modelLine(trace, strings),
    summary: summary(trace, selection, look),
    content: [...trail(trace, selection, style), main(opened, style), ...parts(trace, opened, style)],
    notes: [opened.formula === undefined ? closed : state, strings['equation.note']],
  };
}

function summary(trace: Trace, selection: Selection = {}, { strings = en }: Look = {}): string {
  const { mark, symbol, formula } = openNumber(trace, refOf(trace, selection));
  const value = short(mark.value, 6);
  if (formula === undefined) return say(strings, 'equation.summary.given', { symbol, value });
  return say(strings, 'equation.summary', { symbol, formula: fit(inSymbols(formula), 12, 900), value });
}

function table(trace: Trace, selection: Selection = {}): Table {
  const { mark, symbol, formula } = openNumber(trace, refOf(trace, selection));
  const rows = (formula === undefined ? [] : operandsOf(formula)).map((each) => {
    const inner = openNumber(trace, each.mark.ref).formula;
    return [each.symbol, each.mark.value, each.mark.ref, inner === undefined ? '' : inSymbols(inner)];
  });
  const own = [symbol, mark.value, mark.ref, formula === undefined ? '' : inSymbols(formula)];
  return { columns: ['symbol', 'value', 'ref', 'formula'], rows: [own, ...rows] };
}

/** V5: where does this number come from? */
export const equation: View = viewOf('equation', draw, summary, table);
