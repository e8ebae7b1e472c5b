/**
 * V4, backward stepper: what is added at this step? For one word, unit by unit: the gradient that does not come through time, the
 * gradient from the next step, and their sum; then the slopes of the gates and the gradients at their pre-activations; then the
 * gradient passed to the previous step.
 */
import type { SplitGradient, StepTrace, Trace } from '../trace.js';
import { gradient, legend, paragraph } from './legend.js';
import { dataOf, must } from './mark.js';
import type { Path } from './mark.js';
import { roundLimit, signedNumbers } from './paint.js';
import type { ColorScale } from './paint.js';
import { linear } from './scale.js';
import { indexIn, placeOf, wordBefore } from './select.js';
import type { Place, Selection } from './select.js';
import { en, say } from './strings/index.js';
import { below, beside, el, escape } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import { short } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';
import { unitBlock, vectors } from './vectors.js';
import type { Row } from './vectors.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { modelLine, placeLine, quoted, tokensOf } from './words.js';

/** All gradients of a step. */
function gradientsOf({ gradients }: StepTrace): number[] {
  const states = Object.values(gradients.states).flatMap(({ direct, recurrent, total }) => [direct, recurrent, total]);
  return [...states, ...Object.values(gradients.preActivations)].flat();
}

/** One scale for all words, so that steps can be compared. */
const gradientScale = (place: Place, style: Style): ColorScale =>
  signedNumbers(style, roundLimit(place.trace.steps.flatMap(gradientsOf)), style.strings['stepper.legend']);

/** Slopes lie between 0 and 1. */
const slopeScale = (style: Style): ColorScale => ({
  scale: linear([0, 1]),
  map: style.magnitude,
  signed: false,
  label: style.strings['stepper.slopes'],
  format: (value) => short(value, 2),
});

const PARTS = ['direct', 'recurrent', 'total'] as const;

/** The texts of the three rows of a state. */
const partRows = (path: Path, state: string, style: Style): Row[] =>
  PARTS.map((part) => ({
    name: say(style.strings, `stepper.${part}`, { state }),
    path: [...path, 'gradients', 'states', state, part],
  }));

/** Norms next to the rows, and a sentence on how the two parts relate. */
function normsBeside(trace: Trace, path: Path, state: string, x: number): string {
  return PARTS.map((part, r) => {
    const mark = must(trace, ...path, 'gradients', 'states', state, 'norms', part);
    const at = { x: x + 12, y: r * 22 + 11, 'dominant-baseline': 'central', 'font-size': 12 };
    return el('text', { ...at, ...dataOf(mark) }, escape(`‖·‖ = ${short(mark.value)}`));
  }).join('');
}

/** How two parts relate, from the cosine between them. */
function meeting({ cosine, norms }: SplitGradient, style: Pick<Style, 'strings'>): string {
  if (norms.recurrent === 0) return style.strings['stepper.alone.direct'];
  if (norms.direct === 0) return style.strings['stepper.alone.recurrent'];
  const how = cosine < -0.1 ? 'cancel' : cosine > 0.1 ? 'agree' : 'cross';
  return say(style.strings, `stepper.${how}`, { cosine: short(cosine, 2) });
}

function stateBlock(
  trace: Trace,
  place: Place,
  word: number,
  state: string,
  style: Style,
  scale: ColorScale,
  unit?: number,
): Block {
  const path: Path = [...place.path, 'steps', word];
  const rows = partRows(path, state, style);
  const gutter = GUTTER;
  const label = say(style.strings, 'stepper.group', { state });
  const grid = vectors(trace, rows, style, scale, { label, gutter, unit, bare: true });
  const split = place.trace.steps[word].gradients.states[state];
  const body = grid.body + normsBeside(trace, path, state, grid.width);
  const note = paragraph(meeting(split, style), style, 600);
  return below(4, { ...grid, width: grid.width + 120, body }, note);
}

const GUTTER = 150;

function gateBlocks(trace: Trace, place: Place, word: number, style: Style, scale: ColorScale): Block[] {
  const path: Path = [...place.path, 'steps', word];
  const step = place.trace.steps[word];
  const { strings } = style;
  const slopes = Object.keys(step.slopes).map((gate) => ({
    name: say(strings, 'stepper.slope', { gate }),
    path: [...path, 'slopes', gate],
  }));
  const arguments_ = Object.keys(step.gradients.preActivations).map((gate) => ({
    name: say(strings, 'stepper.preactivation', { gate }),
    path: [...path, 'gradients', 'preActivations', gate],
  }));
  const blocks: Block[] = [];
  const options = { gutter: GUTTER, bare: true };
  if (slopes.length > 0)
    blocks.push(vectors(trace, slopes, style, slopeScale(style), { ...options, label: strings['stepper.slopes'] }));
  if (arguments_.length > 0)
    blocks.push(
      vectors(trace, arguments_, style, scale, { ...options, label: strings['stepper.preactivations'], bare: false }),
    );
  return blocks;
}

/** What is passed on: the recurrent part of the gradient at the states of the previous step. */
function onwards(trace: Trace, place: Place, word: number, style: Style, scale: ColorScale): Block[] {
  const before = wordBefore(trace, place.name, word);
  const { strings } = style;
  if (before === undefined) return [paragraph(strings['stepper.first'], style, 600)];
  const rows = trace.model.states.map((state) => ({
    name: say(strings, 'stepper.onward', { state }),
    path: [...place.path, 'steps', before, 'gradients', 'states', state, 'recurrent'],
  }));
  const title = say(strings, 'stepper.onwards', { word: quoted(tokensOf(trace)[before]) });
  return [
    below(
      6,
      paragraph(title, style, 600, style.ink),
      vectors(trace, rows, style, scale, { label: title, gutter: GUTTER, bare: true }),
    ),
  ];
}

function draw(trace: Trace, selection: Selection, look: Look): Drawing {
  const style = styleOf(look, 'stepper');
  const { strings } = style;
  const place = placeOf(trace, selection);
  const word = indexIn('word', selection.word, trace.words.length, 'first');
  const H = place.trace.hidden;
  const unit = selection.unit === undefined ? undefined : indexIn('unit', selection.unit, H, 'first');
  const scale = gradientScale(place, style);
  const states = trace.model.states.map((state) => stateBlock(trace, place, word, state, style, scale, unit));
  const broken = { broken: gradientsOf(place.trace.steps[word]).some((each) => !Number.isFinite(each)) };
  const blocks = unitBlock(H) > 1 ? [say(strings, 'units.blocks', { size: unitBlock(H) })] : [];
  return {
    style,
    title: say(strings, 'stepper.title', { word: quoted(tokensOf(trace)[word]) }),
    line: `${modelLine(trace, strings)}; ${placeLine(place, strings)}`,
    summary: summary(trace, selection, look),
    content: [
      below(
        14,
        ...states,
        ...gateBlocks(trace, place, word, style, scale),
        ...onwards(trace, place, word, style, scale),
      ),
      beside(24, legend(scale, style, broken, 'bar', 260), legend(slopeScale(style), style, {}, 'slopes', 260)),
    ],
    notes: [strings['stepper.note'], ...blocks],
    definitions: gradient(style, scale) + gradient(style, slopeScale(style), 'slopes'),
  };
}

function summary(trace: Trace, selection: Selection = {}, { strings = en }: Look = {}): string {
  const place = placeOf(trace, selection);
  const word = indexIn('word', selection.word, trace.words.length, 'first');
  const split = place.trace.steps[word].gradients.states.h;
  const { direct, recurrent, total } = split.norms;
  const values = {
    word: quoted(tokensOf(trace)[word]),
    direct: short(direct),
    recurrent: short(recurrent),
    total: short(total),
  };
  return `${say(strings, 'stepper.summary', values)} ${meeting(split, { strings })}`;
}

function table(trace: Trace, selection: Selection = {}): Table {
  const place = placeOf(trace, selection);
  const word = indexIn('word', selection.word, trace.words.length, 'first');
  const { gradients, slopes } = place.trace.steps[word];
  const rows: (string | number)[][] = [];
  const add = (quantity: string, values: readonly number[]): void =>
    values.forEach((value, unit) => rows.push([word, trace.words[word].text, quantity, unit, value]));
  for (const [state, split] of Object.entries(gradients.states))
    for (const part of PARTS) add(`d${state} ${part}`, split[part]);
  for (const [gate, values] of Object.entries(slopes)) add(`slope ${gate}`, values);
  for (const [gate, values] of Object.entries(gradients.preActivations)) add(`da_${gate}`, values);
  return { columns: ['step', 'word', 'quantity', 'unit', 'value'], rows };
}

/** V4: what is added at this step? */
export const stepper: View = viewOf('stepper', draw, summary, table);
