/**
 * The self-check of a report that is opened with scripts enabled. It recomputes its numbers from the embedded weights, compares
 * every mark of every picture, and shows whether they are the same. If the script fails or is disabled, the page states that
 * nothing was recomputed.
 */
import type { Cell } from '../../cells/cell.js';
import type { Payload } from './payload.js';
import { recompute } from './recompute.js';

/** The required part of a DOM element: this file is compiled without browser types. */
export interface Node {
  readonly parentElement: Node | null;
  getAttribute(name: string): string | null;
}

/** One number of a page: its value, and its pointer into the trace. */
export interface PageMark {
  readonly shown: number;
  readonly ref: string;
  readonly block: string | null;
}

/** The numbers of a row by column, as text; `-` if there is none. */
function valuesOf(node: Node): string[] {
  const packed = node.getAttribute('data-f');
  if (packed === null) return (node.getAttribute('data-v') ?? '').split(' ');
  const view = new DataView(Uint8Array.from(atob(packed), (each) => each.charCodeAt(0)).buffer);
  const before = Array.from({ length: Number(node.getAttribute('data-from') ?? 0) }, () => '-');
  return [...before, ...Array.from({ length: view.byteLength / 8 }, (_, i) => String(view.getFloat64(8 * i, true)))];
}

/** Every number of an element with `data-v` or `data-f`: one, or one for each column of a row. */
export function marksOfNode(node: Node): PageMark[] {
  let base = '';
  for (let at: Node | null = node; at; at = at.parentElement) base = (at.getAttribute('data-base') ?? '') + base;
  const [ref, block, ats] = ['data-ref', 'data-block', 'data-at'].map((name) => node.getAttribute(name));
  const places = ats?.split(' ');
  return valuesOf(node).flatMap((text, column) => {
    if (text === '-') return [];
    const numbers = places === undefined ? [String(column)] : places[column].split('.');
    const filled = (pattern: string): string => pattern.replace(/\{\}/g, () => numbers.shift() ?? '');
    return [{ shown: Number(text), ref: filled(base + (ref ?? '')), block: block === null ? null : filled(block) }];
  });
}

/** The number at a JSON Pointer, or the sum of a block there; undefined if there is none. */
function numberAt(trace: unknown, { ref, block }: PageMark): number | undefined {
  let here = trace as Readonly<Record<string, unknown>> | undefined | null;
  for (const part of ref.split('/').slice(1))
    here = here?.[part.replace(/~1/g, '/').replace(/~0/g, '~')] as typeof here;
  if (block === null) return typeof here === 'number' ? here : undefined;
  if (here === undefined) return undefined;
  const cut = (list: unknown, bounds: string): unknown[] =>
    (list as unknown[]).slice(...(bounds.split(':').map(Number) as [number, number]));
  const [rows, columns] = block.split(',');
  const part = cut(here, rows).flatMap((row) => (columns === undefined ? [row] : cut(row, columns)));
  return part.reduce<number>((sum, each) => sum + (typeof each === 'number' ? each : 0), 0);
}

/** How the marks of a page compare with the recomputed numbers. */
export interface Agreement {
  /** Number of recomputed marks, and number of all marks. */
  readonly checked: number;
  readonly marks: number;
  /** Number of marks that differ, and the first of them. */
  readonly differing: number;
  readonly first: string | null;
  /** Largest difference, relative to the larger of the two values. */
  readonly worst: number;
}

/** Tolerance for sums in a different order: relative to the value, and relative to the terms that it may be a small difference of. */
const RELATIVE = 1e-9;
const ABSOLUTE = 1e-16;

/** Compares marks with a recomputed trace. */
export function compareWith(trace: unknown, marks: readonly PageMark[]): Agreement {
  let [checked, differing, worst] = [0, 0, 0];
  let first: string | null = null;
  for (const mark of marks) {
    const again = numberAt(trace, mark);
    if (again === undefined) continue;
    checked++;
    const { shown } = mark;
    if (shown === again || String(shown) === String(again)) continue;
    const size = Math.max(Math.abs(shown), Math.abs(again));
    const off = Math.abs(shown - again);
    if (off <= RELATIVE * size + ABSOLUTE) {
      worst = Math.max(worst, off / size);
      continue;
    }
    differing++;
    first ??= mark.ref;
    worst = Math.max(worst, Number.isFinite(off) ? off / size : 1);
  }
  return { checked, marks: marks.length, differing, first, worst };
}

/** Recomputes a payload and compares. @param cell the payload's cell */
export const agreementOf = (cell: Cell, payload: Payload, marks: readonly PageMark[]): Agreement =>
  compareWith(recompute(cell, payload), marks);

/** The required part of a DOM document. */
export interface Page {
  getElementById(id: string): (Node & { textContent: string; className: string }) | null;
  querySelectorAll(selector: string): Iterable<Node>;
}

/** Runs in a page: reads `#payload` and writes the result into `#verdict`, with the texts from its attributes. */
export function runInPage(page: Page, cell: Cell): void {
  const verdict = page.getElementById('verdict');
  const payload = page.getElementById('payload');
  if (!verdict || !payload) return;
  const say = (key: string, values: Readonly<Record<string, unknown>>): void => {
    verdict.textContent = (verdict.getAttribute(`data-${key}`) ?? '').replace(/\{(\w+)\}/g, (_, name: string) => String(values[name])); // prettier-ignore
    verdict.className = key;
  };
  try {
    const marks = [...page.querySelectorAll('[data-v],[data-f]')].flatMap(marksOfNode);
    const found = agreementOf(cell, JSON.parse(payload.textContent) as Payload, marks);
    const values = { ...found, worst: found.worst.toExponential(1) };
    say(found.differing > 0 || found.checked === 0 ? 'disagrees' : 'agrees', values);
  } catch (error) {
    say('failed', { error });
  }
}
