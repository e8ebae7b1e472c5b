/**
 * V14, norms: which parameter, when? A row for each parameter and gate and a column for each word; the color is the norm of the
 * contribution of that use to the gradient. Next to each row is the norm of the whole gradient. Norms do not add up.
 */
import { ArgumentError } from '../../tensor/errors.js';
import type { Trace } from '../trace.js';
import { blockSize, largest, spanAt, spanLabel, spansOf } from './aggregate.js';
import { gutterFor } from './grid.js';
import { heatmap } from './heatmap.js';
import type { Cell } from './grid.js';
import { gradient, legend } from './legend.js';
import { dataOf, must, together } from './mark.js';
import type { Mark } from './mark.js';
import { decadesAround, magnitudes } from './paint.js';
import type { ColorScale } from './paint.js';
import { indexIn } from './select.js';
import type { Selection } from './select.js';
import { en, say } from './strings/index.js';
import { el, escape } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import { exponent, short } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { modelLine, quoted, tokensOf } from './words.js';

/** The entries shown: each gate separately if a parameter has gates, else the whole parameter. */
function entriesOf(trace: Trace): number[] {
  if (trace.ledger.length === 0) throw new ArgumentError('norms: the trace has no ledger: request it from inspect');
  const gated = new Set(trace.ledger.filter(({ gate }) => gate !== null).map(({ param }) => param));
  return trace.ledger.flatMap(({ param, gate }, i) => (gate === null && gated.has(param) ? [] : [i]));
}

/** A row's name without the prefix that all rows share. */
const nameOf = (trace: Trace, i: number): string => {
  const { param, gate } = trace.ledger[i];
  const short_ =
    trace.layers.length === 1 && trace.layers[0].reverse === undefined
      ? param.replace(/^layers\.0\.forward\./, '')
      : param;
  return gate === null ? short_ : `${short_} ${gate}`;
};

function matrix(trace: Trace, selection: Selection, style: Style, scale: ColorScale): Block {
  const entries = entriesOf(trace);
  const tokens = tokensOf(trace);
  const columns = spansOf(tokens.length);
  const size = [Math.max(9, Math.min(34, Math.floor(640 / columns.length))), 20] as const;
  const cell = (r: number, c: number): Cell => {
    const marks = Array.from({ length: columns[c].to - columns[c].from }, (_, i) =>
      must(trace, 'ledger', entries[r], 'uses', columns[c].from + i),
    );
    const mark = largest(marks, ({ value }) => value) as Mark;
    const word = quoted(tokens[columns[c].from + marks.indexOf(mark)]);
    const label = say(style.strings, 'norms.cell', { param: nameOf(trace, entries[r]), word, norm: short(mark.value) });
    const text = mark.value === 0 ? '0' : `e${exponent(mark.value)}`;
    return { value: mark.value, data: dataOf(mark), label, text: Number.isFinite(mark.value) ? text : undefined };
  };
  const names = entries.map((i) => nameOf(trace, i));
  const gutter = gutterFor(names);
  const word = indexIn('word', selection.word, tokens.length, 'last');
  const row = entries.findIndex(
    (i) => trace.ledger[i].param === selection.param && trace.ledger[i].gate === (selection.gate ?? null),
  );
  const selected = row < 0 ? undefined : ([row, spanAt(columns, word)] as const);
  const label = style.strings['norms.title'];
  const foot = columns.map((span) => spanLabel(span, tokens));
  const grid = heatmap({ label, rows: names, columns: foot, cell, scale, size, selected, gutter }, style);
  const x = gutter + columns.length * size[0];
  const totals = entries.map((i, r) => {
    const mark = must(trace, 'ledger', i, 'norm');
    return el(
      'text',
      { x: x + 12, y: r * size[1] + size[1] / 2, 'dominant-baseline': 'central', 'font-size': 11, ...dataOf(mark) },
      escape(short(mark.value)),
    );
  });
  const head = el(
    'text',
    { x: x + 12, y: -5, 'font-size': 11, fill: style.muted },
    escape(style.strings['norms.total']),
  );
  return { ...grid, width: grid.width + 90, body: grid.body + head + together(style, totals) };
}

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'norms');
  const { strings } = style;
  const values = entriesOf(trace).flatMap((i) => trace.ledger[i].uses);
  const scale = magnitudes(style, decadesAround(values), strings['norms.legend']);
  const size = blockSize(spansOf(trace.words.length));
  return {
    style,
    title: strings['norms.title'],
    line: modelLine(trace, strings),
    summary: summary(trace, selection, look),
    content: [
      matrix(trace, selection, style, scale),
      legend(scale, style, { broken: values.some((each) => !Number.isFinite(each)) }),
    ],
    notes: [strings['norms.note'], ...(size > 1 ? [say(strings, 'legend.blocks.word', { size })] : [])],
    definitions: gradient(style, scale),
  };
}

function summary(trace: Trace, _selection: Selection = {}, { strings = en }: Look = {}): string {
  const entries = entriesOf(trace);
  const top = largest(entries, (i) => trace.ledger[i].norm) as number;
  const { uses, norm } = trace.ledger[top];
  const word = largest(
    uses.map((_, k) => k),
    (k) => uses[k],
  ) as number;
  return say(strings, 'norms.summary', {
    param: nameOf(trace, top),
    norm: short(norm),
    word: quoted(tokensOf(trace)[word]),
    use: short(uses[word]),
  });
}

function table(trace: Trace): Table {
  const rows = entriesOf(trace).flatMap((i) => {
    const { param, gate, norm, uses } = trace.ledger[i];
    return uses.map((use, k) => [param, gate ?? '', k, trace.words[k].text, use, norm]);
  });
  return { columns: ['parameter', 'gate', 'step', 'word', 'norm of the use', 'norm of the gradient'], rows };
}

/** V14: which parameter, when? */
export const norms: View = viewOf('norms', draw, summary, table);
