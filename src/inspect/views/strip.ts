/**
 * V1, strip: how is it doing on this sentence? Each word with its gold and its predicted label, the probability of the gold
 * label, and a bar for its loss; words that the model has no vector for are underlined.
 */
import type { Trace } from '../trace.js';
import { dataOf, must, named } from './mark.js';
import { roundLimit } from './paint.js';
import { linear } from './scale.js';
import type { Scale } from './scale.js';
import { indexIn } from './select.js';
import type { Selection } from './select.js';
import { en, say } from './strings/index.js';
import { below, el, escape } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import { fit, isolate, percent, short, widthOf } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { lossesOf, modelLine, quoted, tokensOf } from './words.js';

const WIDE = 760;
const MAX = 150;
const BAR = 48;
const HEIGHT = 132;

/** A loss, the word above it, and its position in a line. */
interface Column {
  readonly word: number | null;
  readonly loss: number | null;
  readonly width: number;
}

/** Words and losses side by side: a word with its loss, or words and one loss for the sentence. */
function columnsOf(trace: Trace, style: Style): Column[] {
  const tokens = tokensOf(trace);
  const columns: Column[] = tokens.map((token, word) => {
    const loss = trace.losses.findIndex((each) => each.word === word);
    return { word, loss: loss < 0 ? null : loss, width: widthFor(trace, loss < 0 ? null : loss, token) };
  });
  trace.losses.forEach(({ word }, loss) => {
    if (word === null) columns.push({ word, loss, width: widthFor(trace, loss, style.strings['place.sentence']) });
  });
  return columns;
}

function widthFor(trace: Trace, loss: number | null, name: string): number {
  const labels = loss === null ? [] : [trace.losses[loss].gold, `✗ ${trace.losses[loss].predicted}`];
  return Math.min(MAX, Math.max(48, widthOf(name, 14), ...labels.map((each) => widthOf(each, 11))) + 10);
}

/** Columns in lines of at most `WIDE` pixels. */
function linesOf(columns: readonly Column[]): Column[][] {
  const lines: Column[][] = [[]];
  let x = 0;
  for (const each of columns) {
    if (x > 0 && x + each.width > WIDE) {
      lines.push([]);
      x = 0;
    }
    lines[lines.length - 1].push(each);
    x += each.width;
  }
  return lines;
}

function lineOf(trace: Trace, selection: Selection, style: Style, scale: Scale, columns: readonly Column[]): Block {
  let x = 0;
  const parts = columns.map((column) => {
    const out = el('g', { transform: `translate(${x} 0)` }, columnOf(trace, selection, style, scale, column));
    x += column.width;
    return out;
  });
  return { width: x, height: HEIGHT, body: parts.join('') };
}

function columnOf(
  trace: Trace,
  selection: Selection,
  style: Style,
  scale: Scale,
  { word, loss, width }: Column,
): string {
  const { strings } = style;
  const middle = { x: width / 2, 'text-anchor': 'middle' };
  const name = word === null ? strings['place.sentence'] : tokensOf(trace)[word];
  const unknown = word !== null && !trace.words[word].known;
  const title = unknown ? el('title', {}, escape(say(strings, 'strip.unknown', { word: quoted(name) }))) : '';
  const text = escape(isolate(fit(name, 14, width - 6)));
  const italic = word === null ? 'italic' : undefined;
  const underline = unknown ? 'underline' : undefined;
  const top = el(
    'text',
    { ...middle, y: 14, 'font-size': 14, 'text-decoration': underline, 'font-style': italic },
    text,
    title,
  );
  const chosen = word !== null && word === selection.word;
  const frame = chosen
    ? el('rect', { x: 1, width: width - 2, height: HEIGHT - 6, fill: 'none', stroke: style.accent, 'stroke-width': 2 })
    : '';
  return top + (loss === null ? '' : lossPart(trace, style, scale, loss, width)) + frame;
}

/** Labels, probability and bar of one loss. */
function lossPart(trace: Trace, style: Style, scale: Scale, m: number, width: number): string {
  const { gold, predicted } = trace.losses[m];
  const right = gold === predicted;
  const at = (y: number, fill: string) => ({ x: width / 2, y, 'text-anchor': 'middle', 'font-size': 11, fill });
  const p = must(trace, 'losses', m, 'probability');
  const loss = must(trace, 'losses', m, 'loss');
  const label = say(style.strings, 'strip.cell', {
    word: quoted(lossesOf(trace, style.strings)[m]),
    gold,
    predicted,
    p: percent(p.value),
    loss: short(loss.value),
  });
  const height = Number.isFinite(loss.value) ? Math.max(0.5, scale.at(loss.value) * BAR) : BAR;
  const shape = {
    x: width / 2 - 12,
    y: HEIGHT - 24 - height,
    width: 24,
    height,
    fill: right ? style.muted : style.accent,
  };
  return (
    el('text', at(31, style.ink), escape(fit(gold, 11, width - 4))) +
    el(
      'text',
      at(46, right ? style.muted : style.accent),
      escape(fit(`${right ? '✓' : '✗'} ${predicted}`, 11, width - 2)),
    ) +
    el('text', { ...at(HEIGHT - 24 - height - 4, style.muted), ...dataOf(p) }, escape(`p ${short(p.value, 2)}`)) +
    el('rect', { ...shape, ...dataOf(loss) }, named(style, label)) +
    el('text', { ...at(HEIGHT - 11, style.ink), ...dataOf(loss) }, escape(short(loss.value)))
  );
}

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'strip');
  const { strings } = style;
  if (selection.word !== undefined) indexIn('word', selection.word, trace.words.length, 'first');
  const limit = roundLimit(trace.losses.map(({ loss }) => loss));
  const lines = linesOf(columnsOf(trace, style)).map((line) =>
    lineOf(trace, selection, style, linear([0, limit]), line),
  );
  const unknown = trace.words.some(({ known }) => !known) ? [strings['strip.unknown.note']] : [];
  return {
    style,
    title: strings['strip.title'],
    line: modelLine(trace, strings),
    summary: summary(trace, selection, look),
    content: [below(10, ...lines)],
    notes: [say(strings, 'strip.note', { limit: short(limit, 1) }), ...unknown],
  };
}

function summary(trace: Trace, _selection: Selection = {}, { strings = en }: Look = {}): string {
  if (trace.conventions.gold === 'predicted')
    return say(strings, 'strip.summary.predicted', { loss: short(trace.loss, 4) });
  const right = trace.losses.filter(({ gold, predicted }) => gold === predicted).length;
  return say(strings, 'strip.summary', { right, n: trace.losses.length, loss: short(trace.loss, 4) });
}

function table(trace: Trace, _selection: Selection = {}, { strings = en }: Look = {}): Table {
  const names = lossesOf(trace, strings);
  const rows = trace.losses.map(({ word, gold, predicted, probability, loss }, m) => [
    m,
    word === null ? names[m] : trace.words[word].text,
    word === null || trace.words[word].known ? 'yes' : 'no',
    gold,
    predicted,
    probability,
    loss,
  ]);
  return { columns: ['loss', 'word', 'known', 'gold', 'predicted', 'p(gold)', 'loss in nats'], rows };
}

/** V1: how is it doing on this sentence? */
export const strip: View = viewOf('strip', draw, summary, table);
