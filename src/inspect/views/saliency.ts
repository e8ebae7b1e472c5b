/**
 * V13, saliency next to the swap test: which word decided this label? A gradient describes the effect of a tiny change; a swap
 * shows the effect of another word. The columns are side by side, and the picture states when they rank different words first.
 * Integrated gradients are shown only if they are complete.
 */
import { ArgumentError } from '../../tensor/errors.js';
import type { SaliencyTrace, Trace } from '../trace.js';
import { blockSize, spanLabel, spansOf } from './aggregate.js';
import { gutterFor } from './grid.js';
import { paragraph } from './legend.js';
import { indexIn } from './select.js';
import type { Selection } from './select.js';
import { en, say } from './strings/index.js';
import { below, el } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import { short, withSign } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';
import { column, COLUMN, METHODS, names, shows, topOf } from './saliency-bars.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { lossesOf, modelLine, quoted, tokensOf } from './words.js';

function targetOf(trace: Trace, selection: Selection): number {
  if (trace.saliency.length === 0)
    throw new ArgumentError('saliency: the trace has none: request a target from inspect');
  return indexIn('target', selection.target, trace.saliency.length, 'last');
}

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'saliency');
  const { strings } = style;
  const at = targetOf(trace, selection);
  const entry = trace.saliency[at];
  const tokens = tokensOf(trace);
  const rows = spansOf(tokens.length).map((span) => ({ ...span, name: spanLabel(span, tokens) }));
  const gutter = gutterFor(rows.map(({ name }) => name));
  const left = names(rows, entry, style, selection.word, gutter);
  const columns = METHODS.map((method, i) =>
    el('g', { transform: `translate(${left.width + i * COLUMN} 0)` }, column(trace, at, method, rows, style).body),
  );
  const content: Block = {
    width: left.width + METHODS.length * COLUMN,
    height: left.height,
    body: left.body + columns.join(''),
  };
  const size = blockSize(rows);
  return {
    style,
    title: titleOf(trace, entry, look),
    line: modelLine(trace, strings),
    summary: summary(trace, selection, look),
    content: [...banner(trace, entry, style), content],
    notes: [strings['saliency.note'], ...(size > 1 ? [say(strings, 'saliency.blocks', { size })] : [])],
  };
}

function titleOf(trace: Trace, entry: SaliencyTrace, { strings = en }: Look): string {
  const word = quoted(lossesOf(trace, strings)[entry.target]);
  if (entry.contrast === null) return say(strings, 'saliency.title', { word, label: entry.label });
  return say(strings, 'saliency.title.contrast', { word, label: entry.label, contrast: entry.contrast });
}

/** A warning if the gradient and the swap rank different words first. */
function banner(trace: Trace, entry: SaliencyTrace, style: Style): Block[] {
  if (entry.agrees) return [];
  const tokens = tokensOf(trace);
  const words = {
    gradient: quoted(tokens[topOf(entry.methods.gradient)]),
    swap: quoted(tokens[topOf(entry.methods.swap)]),
  };
  const text = paragraph(say(style.strings, 'saliency.banner', words), style, 700, style.ink);
  const frame = el('rect', {
    x: 0.5,
    y: 0.5,
    width: 740,
    height: text.height + 15,
    rx: 4,
    fill: 'none',
    stroke: style.accent,
    'stroke-width': 1.5,
  });
  return [
    below(0, {
      width: 741,
      height: text.height + 16,
      body: frame + el('g', { transform: 'translate(12 7)' }, text.body),
    }),
  ];
}

function summary(trace: Trace, selection: Selection = {}, look: Look = {}): string {
  const strings = look.strings ?? en;
  const entry = trace.saliency[targetOf(trace, selection)];
  const { gradient, swap } = entry.methods;
  const tokens = tokensOf(trace);
  const [byGradient, bySwap] = [topOf(gradient), topOf(swap)];
  return say(strings, 'saliency.summary', {
    word: quoted(lossesOf(trace, strings)[entry.target]),
    label: entry.label,
    swap: quoted(tokens[bySwap]),
    change: withSign(swap[bySwap]),
    gradient: quoted(tokens[byGradient]),
    norm: short(gradient[byGradient]),
  });
}

function table(trace: Trace, selection: Selection = {}): Table {
  const entry = trace.saliency[targetOf(trace, selection)];
  const rows = trace.words.map(({ text }, k) => [
    k,
    text,
    entry.replacements[k],
    entry.rules[k],
    ...METHODS.map((method) => (shows(entry, method) ? (entry.methods[method]?.[k] ?? '') : '')),
  ]);
  return {
    columns: ['step', 'word', 'swapped for', 'rule', 'swap', 'gradient', 'input times gradient', 'integrated'],
    rows,
  };
}

/** V13: which word decided this label? */
export const saliency: View = viewOf('saliency', draw, summary, table);
