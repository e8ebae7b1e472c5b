/**
 * V7, ledger: which moments built this weight's update? The gradient of a parameter is a sum over (loss, use); each cell is the share of
 * one addend along the sum, so that all of them add up to 100 %. Under it, for one weight, its addends one by one.
 */
import { ArgumentError } from '../../tensor/errors.js';
import type { LedgerTrace, Trace } from '../trace.js';
import { blockSize, spanAt, spanLabel, spansOf } from './aggregate.js';
import { gutterFor } from './grid.js';
import { heatmap } from './heatmap.js';
import type { Cell } from './grid.js';
import { gradient, legend } from './legend.js';
import { dataOf, must, read, sumOf } from './mark.js';
import type { Path } from './mark.js';
import { roundLimit, signedNumbers } from './paint.js';
import type { ColorScale } from './paint.js';
import { indexIn } from './select.js';
import type { Selection } from './select.js';
import { en, say } from './strings/index.js';
import { el, escape } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import { percent, roundPercent, short, withSign } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { waterfall } from './waterfall.js';
import { lossesOf, modelLine, quoted, tokensOf } from './words.js';

/** The selected parameter and its path; default the recurrent weights of the last layer. */
function entryOf(trace: Trace, selection: Selection): { readonly entry: LedgerTrace; readonly path: Path } {
  const whole = trace.ledger.filter(({ gate }) => gate === null);
  const recurrent = whole.filter(({ param }) => param.endsWith('.Wh'));
  const param = selection.param ?? (recurrent[recurrent.length - 1] ?? whole[0])?.param;
  const at = trace.ledger.findIndex((each) => each.param === param && each.gate === (selection.gate ?? null));
  if (at >= 0 && trace.ledger[at].norm === 0)
    throw new ArgumentError(`ledger: the gradient of ${String(param)} is 0 at this sentence: it has no shares to draw`);
  if (at >= 0) return { entry: trace.ledger[at], path: ['ledger', at] };
  const known = [...new Set(trace.ledger.map((each) => each.param))].join(', ') || 'no ledger: request it from inspect';
  throw new ArgumentError(
    `selection.param: the ledger has no ${String(param)} with gate ${String(selection.gate ?? null)}; it has ${known}`,
  );
}

/** A parameter as it is shown: `layers.0.forward.Wh, gate f`. */
const nameOf = ({ param, gate }: LedgerTrace, { strings }: Pick<Style, 'strings'>): string =>
  gate === null ? param : say(strings, 'ledger.gate', { param, gate });

function matrix(trace: Trace, selection: Selection, style: Style, scale: ColorScale): Block {
  const { path, entry } = entryOf(trace, selection);
  const [losses, tokens] = [lossesOf(trace, style.strings), tokensOf(trace)];
  const [rows, columns] = [spansOf(losses.length), spansOf(tokens.length)];
  const size = Math.max(9, Math.min(34, Math.floor(640 / columns.length)));
  const cell = (r: number, c: number): Cell | 'zero' => {
    const [of, at] = [rows[r], columns[c]];
    const some = entry.shares
      .slice(of.from, of.to)
      .some((row) => row.slice(at.from, at.to).some((each) => each !== null));
    if (!some) return 'zero';
    const single = blockSize(rows) === 1 && blockSize(columns) === 1;
    const mark = single ? must(trace, ...path, 'shares', of.from, at.from) : undefined;
    const sum = mark
      ? { value: mark.value, data: dataOf(mark) }
      : sumOf(trace, [...path, 'shares'], [of.from, of.to], [at.from, at.to]);
    const words = {
      loss: quoted(spanLabel(of, losses)),
      word: quoted(spanLabel(at, tokens)),
      share: percent(sum.value),
    };
    return { ...sum, label: say(style.strings, 'ledger.cell', words), text: shareInCell(sum.value) };
  };
  const m = indexIn('loss', selection.loss, losses.length, 'last');
  const k = indexIn('word', selection.word, tokens.length, 'last');
  const names = rows.map((span) => spanLabel(span, losses));
  const label = say(style.strings, 'ledger.table', { param: nameOf(entry, style) });
  const selected = [spanAt(rows, m), spanAt(columns, k)] as const;
  const foot = columns.map((span) => spanLabel(span, tokens));
  return heatmap(
    { label, rows: names, columns: foot, cell, scale, size: [size, size], selected, gutter: gutterFor(names) },
    style,
  );
}

/** A signed share for a cell: `+15`, `−0.3`, in percent. */
const shareInCell = (share: number): string => {
  const size = Math.abs(100 * share);
  return size >= 9.95
    ? withSign(Math.round(100 * share), 2)
    : size >= 0.095
      ? withSign(Number((100 * share).toFixed(1)), size < 1 ? 1 : 2)
      : share > 0
        ? '+'
        : share < 0
          ? '−'
          : '0';
};

/** A bar from 0 (all cancel) to 1 (all agree). */
function cancellationBar(trace: Trace, path: Path, style: Style): Block {
  const mark = must(trace, ...path, 'cancellation');
  const width = 320;
  const { strings } = style;
  const at = Number.isFinite(mark.value) ? mark.value * width : 0;
  const text = { 'font-size': 11, fill: style.muted };
  const body =
    el('text', { y: 11, 'font-size': 11 }, escape(say(strings, 'ledger.cancellation', { value: short(mark.value) }))) +
    el('rect', { y: 17, width, height: 10, fill: style.empty, stroke: style.line }) +
    el('rect', { y: 17, width: at, height: 10, fill: style.muted, ...dataOf(mark) }) +
    el('text', { ...text, y: 40 }, escape(strings['ledger.cancel'])) +
    el('text', { ...text, x: width, y: 40, 'text-anchor': 'end' }, escape(strings['ledger.agree']));
  return { width: width + 20, height: 44, body };
}

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'ledger');
  const { strings } = style;
  const { entry, path } = entryOf(trace, selection);
  const numbers = entry.shares.flat().filter((each) => each !== null);
  const limit = roundLimit([...numbers, 1]);
  const scale = { ...signedNumbers(style, limit, strings['ledger.legend']), format: roundPercent };
  const extras = { zero: entry.shares.flat().includes(null), broken: numbers.some((each) => !Number.isFinite(each)) };
  const element = trace.elements.findIndex(({ param }) => param === entry.param);
  const size = blockSize(spansOf(trace.words.length));
  const blocks = size > 1 ? [say(strings, 'legend.blocks.sum', { size })] : [strings['ledger.cells']];
  return {
    style,
    title: say(strings, 'ledger.title', { param: nameOf(entry, style) }),
    line: modelLine(trace, strings),
    summary: summary(trace, selection, look),
    content: [
      matrix(trace, selection, style, scale),
      legend(scale, style, extras),
      cancellationBar(trace, path, style),
      ...(element < 0 ? [] : [waterfall(trace, element, style)]),
    ],
    notes: [strings['ledger.note'], ...blocks],
    definitions: gradient(style, scale),
  };
}

function summary(trace: Trace, selection: Selection = {}, look: Look = {}): string {
  const strings = look.strings ?? en;
  const { entry, path } = entryOf(trace, selection);
  const m = indexIn('loss', selection.loss, trace.losses.length, 'last');
  const k = indexIn('word', selection.word, trace.words.length, 'last');
  const share = read(trace, ...path, 'shares', m, k);
  return say(strings, 'ledger.summary', {
    loss: quoted(lossesOf(trace, strings)[m]),
    word: quoted(tokensOf(trace)[k]),
    share: share === undefined ? strings['legend.zero'] : percent(share.value),
    param: nameOf(entry, { strings }),
    total: percent(entry.total),
    cancellation: short(entry.cancellation),
  });
}

function table(trace: Trace, selection: Selection = {}, { strings = en }: Look = {}): Table {
  const { entry } = entryOf(trace, selection);
  const losses = lossesOf(trace, strings);
  const rows = entry.shares.flatMap((row, m) =>
    row.flatMap((share, k) =>
      share === null ? [] : [[m, losses[m], k, trace.words[k].text, share, entry.norms[m][k] as number]],
    ),
  );
  return { columns: ['loss', 'loss word', 'step', 'step word', 'share', 'norm'], rows };
}

/** V7: which moments built this weight's update? */
export const ledger: View = viewOf('ledger', draw, summary, table);
