/** The terminal form of a curve: for each step, the error of a plain central difference as a mark on a logarithmic axis. */
import type { Trace } from '../../inspect/index.js';
import { log } from '../../tensor/index.js';
import { tableOf } from './matrix.js';
import { short } from './numbers.js';
import { left, wrapped } from './paper.js';
import type { Paper } from './paper.js';

/** Decades of the axis, and its width in columns. */
const [LOW, HIGH, COLUMNS] = [-16, 2, 37];

/** The column of a relative error, clamped to the axis. */
export function columnOf(error: number): number {
  const decade = error > 0 ? log(error) / log(10) : LOW;
  return Math.round(((Math.min(HIGH, Math.max(LOW, decade)) - LOW) / (HIGH - LOW)) * (COLUMNS - 1));
}

/** The curve; empty if the trace has none. */
export function curveLines({ checks: { curve, elements } }: Trace, paper: Paper): string[] {
  if (curve === undefined) return [];
  const { where, analytic, forwardMode, relative } = elements[curve.element];
  const best = curve.errors.indexOf(Math.min(...curve.errors));
  const rows = curve.steps.map((_, i) => {
    const marks: [number, string][] = [
      [columnOf(curve.truncation[i]), paper.own('t')],
      [columnOf(curve.rounding[i]), paper.own('r')],
      [columnOf(curve.errors[i]), paper.paint(i === best ? 'good' : 'bold', '*')],
    ];
    const axis = Array.from({ length: COLUMNS }, () => paper.paint('dim', paper.own('·')));
    for (const [column, mark] of marks) axis[column] = mark;
    return [paper.own(`1e−${i + 1}`), paper.own(short(curve.errors[i])), axis.join(''), i === best ? 'best' : ''];
  });
  const scale = `${left(`1e${LOW}`, COLUMNS - 3)}1e${HIGH}`;
  const head = ['step', 'error', paper.own(scale.replace('-', '−')), ''];
  const forward =
    forwardMode === null ? '' : paper.own(`; forward mode, which has no step, differs by ${short(relative)}`);
  return [
    ...wrapped(paper, paper.own(`how wrong plain central differences of ${where} are, by their step, next to ${short(analytic)} by hand${forward}`)), // prettier-ignore
    ...tableOf(paper, [head, ...rows], 'rrll'),
    ...wrapped(paper, paper.own('* error  t truncation, ∝ step²  r rounding of the loss, ∝ 1/step')),
  ];
}
