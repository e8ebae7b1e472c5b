/**
 * V9, gates: who closed the door? For each gate, its values, units by words, next to the slopes of its function at these values:
 * a slope near 0 lets no gradient through. Gates between 0 and 1 share one scale, those between −1 and 1 another, and the slopes
 * a third. Below, the picture shows how often each unit is saturated, and which factor shrinks the gradient at each step.
 */
import { refTo, valueAt } from '../refs.js';
import type { StepTrace, Trace } from '../trace.js';
import { blockSize, largest, spanAt, spanLabel, spansOf } from './aggregate.js';
import type { Span } from './aggregate.js';
import { gutterFor } from './grid.js';
import { heatmap } from './heatmap.js';
import type { Cell } from './grid.js';
import { gradient, legend, paragraph } from './legend.js';
import { dataOf, must } from './mark.js';
import type { Path } from './mark.js';
import type { ColorScale } from './paint.js';
import { indexIn, oneOf, placeOf } from './select.js';
import type { Place, Selection } from './select.js';
import { en, say } from './strings/index.js';
import { below, beside, el, escape, place as put } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import { percent, short } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';
import { scalesOf } from './gate-scales.js';
import { factors } from './gates-factors.js';
import { scatter } from './gates-scatter.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { modelLine, placeLine, quoted, tokensOf } from './words.js';

/** One grid of units by words. */
function grid(
  trace: Trace,
  place: Place,
  kind: 'gates' | 'slopes',
  gate: string,
  style: Style,
  scale: ColorScale,
  selected: readonly [number, number],
  gutter: number,
  free = 0,
): Block {
  const tokens = tokensOf(trace);
  const units = spansOf(place.trace.hidden, 32);
  const columns = spansOf(tokens.length);
  const size = [Math.max(9, Math.min(26, Math.floor(360 / columns.length))), 12] as const;
  const cell = (r: number, c: number): Cell => {
    const found = largestIn([...place.path, 'steps'], kind, gate, trace, units[r], columns[c]);
    const values = {
      name: `${kind === 'gates' ? '' : `${style.strings['gates.slope']} `}${gate}`,
      unit: found.unit,
      word: quoted(tokens[found.word]),
      value: short(found.mark.value),
    };
    return { value: found.mark.value, data: dataOf(found.mark), label: say(style.strings, 'gates.cell', values) };
  };
  const label =
    kind === 'gates' ? say(style.strings, 'gates.panel', { gate }) : say(style.strings, 'gates.panel.slope', { gate });
  const rows = units.map(({ from }) => String(from));
  return heatmap(
    {
      label,
      rows,
      columns: columns.map((span) => spanLabel(span, tokens)),
      cell,
      scale,
      size,
      selected,
      gutter,
      free,
    },
    style,
  );
}

/** The number with the largest absolute value among units and words. */
function largestIn(path: Path, kind: 'gates' | 'slopes', gate: string, trace: Trace, units: Span, words: Span) {
  const steps = valueAt(trace, refTo(...path)) as readonly StepTrace[];
  const places = steps
    .slice(words.from, words.to)
    .flatMap((step, i) =>
      step[kind][gate]
        .slice(units.from, units.to)
        .map((value, j) => ({ value, word: words.from + i, unit: units.from + j })),
    );
  const found = largest(places, ({ value }) => value) as (typeof places)[number];
  return { ...found, mark: must(trace, ...path, found.word, kind, gate, found.unit) };
}

/** The line above a gate: its name and the shares that are nearly open or closed. */
function titleOf(trace: Trace, place: Place, gate: string, style: Style): Block {
  const at = [...place.path, 'saturation', gate];
  const [open, closed] = ['open', 'closed'].map((end) => must(trace, ...at, end));
  const name = el('text', { y: 13, 'font-size': 14, 'font-weight': 600 }, escape(gate));
  const part = (x: number, key: 'gates.open' | 'gates.closed', mark: typeof open): string =>
    el(
      'text',
      { x, y: 13, 'font-size': 11, fill: style.muted, ...dataOf(mark) },
      escape(say(style.strings, key, { share: percent(mark.value) })),
    );
  return { width: 400, height: 20, body: name + part(28, 'gates.open', open) + part(200, 'gates.closed', closed) };
}

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'gates');
  const { strings } = style;
  const place = placeOf(trace, selection);
  const names = selection.gate === undefined ? trace.model.gates : [oneOf('gate', selection.gate, trace.model.gates)];
  const scales = scalesOf(trace, place, names, style);
  const word = indexIn('word', selection.word, trace.words.length, 'first');
  const unit = indexIn('unit', selection.unit, place.trace.hidden, 'first');
  const units = spansOf(place.trace.hidden, 32);
  const selected = [spanAt(units, unit), spanAt(spansOf(trace.words.length), word)] as const;
  const gutter = gutterFor([...units.map(({ from }) => String(from)), '000']);
  const rows = names.map((gate) => {
    const scale = scales.gates.get(gate) as ColorScale;
    const values = grid(trace, place, 'gates', gate, style, scale, selected, gutter);
    if (place.trace.steps[0].slopes[gate] === undefined) return below(6, titleOf(trace, place, gate, style), values);
    const beyond = style.dense ? 8 : gutter; // the row names are already next to the values
    const slopes = grid(trace, place, 'slopes', gate, style, scales.slope, selected, beyond, values.width);
    return below(6, titleOf(trace, place, gate, style), beside(24, values, slopes));
  });
  const keys = scales.all.map((scale, i) => legend(scale, style, {}, `bar${i}`, 220));
  const blocks = blockSize(units) > 1 || blockSize(spansOf(trace.words.length)) > 1;
  const size = Math.max(blockSize(units), blockSize(spansOf(trace.words.length)));
  // 11 kB in a report of 12 words and 16 units, which has room for 4: there its note names the command that draws them.
  const shrinking = style.dense ? { content: [], definitions: '' } : factors(trace, place, style, word);
  const saturated = style.dense ? [] : scatter(trace, place, names, style);
  return {
    style,
    title: strings['gates.title'],
    line: `${modelLine(trace, strings)}; ${placeLine(place, strings)}`,
    summary: summary(trace, selection, look),
    content: [headings(rows[0].width, style), ...rows, beside(16, ...keys), ...saturated, ...shrinking.content],
    notes: [
      strings['gates.note'],
      ...(style.dense ? [strings['gates.more']] : []),
      ...(blocks ? [say(strings, 'gates.blocks', { size })] : []),
    ],
    definitions: scales.all.map((scale, i) => gradient(style, scale, `bar${i}`)).join('') + shrinking.definitions,
  };
}

/** Titles of the two columns of grids. */
function headings(width: number, style: Style): Block {
  const [left, right] = (['gates.values', 'gates.slopes'] as const).map((key) =>
    paragraph(style.strings[key], style, width / 2),
  );
  return { width, height: left.height, body: put(left, 0, 0) + put(right, width / 2 + 12, 0) };
}

function summary(trace: Trace, selection: Selection = {}, { strings = en }: Look = {}): string {
  const place = placeOf(trace, selection);
  const word = indexIn('word', selection.word, trace.words.length, 'first');
  const unit = indexIn('unit', selection.unit, place.trace.hidden, 'first');
  const step = place.trace.steps[word];
  const parts = trace.model.gates.map((gate) => `${gate} ${short(step.gates[gate][unit])}`);
  return say(strings, 'gates.summary', { unit, word: quoted(tokensOf(trace)[word]), parts: parts.join(', ') });
}

function table(trace: Trace, selection: Selection = {}): Table {
  const place = placeOf(trace, selection);
  const names = selection.gate === undefined ? trace.model.gates : [oneOf('gate', selection.gate, trace.model.gates)];
  const rows = names.flatMap((gate) =>
    place.trace.steps.flatMap(({ gates: values, slopes }, k) =>
      values[gate].map((value, unit) => [gate, k, trace.words[k].text, unit, value, slopes[gate]?.[unit] ?? '']),
    ),
  );
  const shares = names.flatMap((gate) =>
    (['open', 'closed'] as const).flatMap((end) =>
      (place.trace.saturation[gate].units?.[end] ?? []).map((value, unit) => [
        `${gate} ${end}`,
        '',
        '',
        unit,
        value,
        '',
      ]),
    ),
  );
  const shrinking = (place.trace.factors ?? []).flatMap((found, k) =>
    (['drop', 'slopes', 'values', 'weights', 'carried'] as const).map((name) => [
      `factor ${name}`,
      ...[k, trace.words[k].text, '', found[name] ?? '', ''],
    ]),
  );
  return { columns: ['gate', 'step', 'word', 'unit', 'value', 'slope'], rows: [...rows, ...shares, ...shrinking] };
}

/** V9: who closed the door? */
export const gates: View = viewOf('gates', draw, summary, table);
