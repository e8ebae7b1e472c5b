/**
 * V3, reach: which loss reaches how far? A triangle of words by words: row m is a loss, column k a word, and the color shows how
 * much of the gradient at the loss's own word arrives at word k. Next to each row is the distance at which less than 1 % is left,
 * and under each column the norm of the gradient of all losses together.
 */
import type { Trace } from '../trace.js';
import { blockSize, spansOf } from './aggregate.js';
import { gradient, legend } from './legend.js';
import { must, read } from './mark.js';
import { indexIn, reachOf } from './select.js';
import type { Selection } from './select.js';
import { count, en, say } from './strings/index.js';
import type { Strings } from './strings/index.js';
import { percent, short } from './text.js';
import type { Table } from './table.js';
import { styleOf } from './theme.js';
import type { Look } from './theme.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { conventionsLine, lossesOf, modelLine, quoted, tokensOf } from './words.js';

import { distance, reachMatrix, reachScales } from './reach-matrix.js';
/** Special marks that the legend must explain. */
export function reachExtras(trace: Trace, selection: Selection): { readonly zero: boolean; readonly broken: boolean } {
  const values = reachOf(trace, selection).reach.norms.flat();
  return { zero: values.includes(null), broken: values.some((each) => each !== null && !Number.isFinite(each)) };
}

/** The small print of reach and of comparisons of it. */
export function reachNotes(trace: Trace, selection: Selection, strings: Strings): string[] {
  const { reach, variable } = reachOf(trace, selection);
  const size = blockSize(spansOf(trace.words.length));
  const inCells = strings[selection.normalization === 'absolute' ? 'reach.cells.absolute' : 'reach.cells'];
  const rules = size > 1 ? [say(strings, 'legend.blocks', { size })] : [inCells, strings['reach.length.note']];
  return [...rules, conventionsLine(trace, strings, variable, reach.size)];
}

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'reach');
  const scales = reachScales([trace], selection, style);
  const matrix = reachMatrix(trace, selection, style, scales);
  return {
    style,
    title: style.strings['reach.title'],
    line: modelLine(trace, style.strings),
    summary: summary(trace, selection, look),
    content: [matrix, legend(scales.color, style, reachExtras(trace, selection))],
    notes: reachNotes(trace, selection, style.strings),
    definitions: gradient(style, scales.color),
  };
}

function summary(trace: Trace, selection: Selection = {}, { strings = en }: Look = {}): string {
  const { path } = reachOf(trace, selection);
  const m = indexIn('loss', selection.loss, trace.losses.length, 'last');
  const k = indexIn('word', selection.word, trace.words.length, 'first');
  const [loss, word] = [quoted(lossesOf(trace, strings)[m]), quoted(tokensOf(trace)[k])];
  const norm = read(trace, ...path, 'norms', m, k);
  if (norm === undefined) return say(strings, 'reach.summary.zero', { loss, word });
  const share = percent(must(trace, ...path, 'retention', m, k).value);
  const away = count(strings, 'words', distance(trace, selection, m, k));
  return say(strings, 'reach.summary', { loss, word, distance: away, share, norm: short(norm.value) });
}

function table(trace: Trace, selection: Selection = {}, { strings = en }: Look = {}): Table {
  const { reach, variable } = reachOf(trace, selection);
  const losses = lossesOf(trace, strings);
  const rows = reach.norms.flatMap((row, m) =>
    row.flatMap((norm, k) =>
      norm === null ? [] : [[m, losses[m], k, trace.words[k].text, norm, reach.retention[m][k] as number]],
    ),
  );
  return { columns: ['loss', 'loss word', 'step', 'step word', `norm ${variable}`, 'retention'], rows };
}

/** V3: which loss reaches how far? */
export const reach: View = viewOf('reach', draw, summary, table);
