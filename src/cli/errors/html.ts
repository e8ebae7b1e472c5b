/** Text in the page. The data is untrusted: markup in it is escaped, and invisible characters are spelled out. */
import { escape } from '../../inspect/views/svg.js';
import { cutShort, visible } from '../../tensor/visible.js';

/** Joiners and non-joiners shape adjacent letters and the parts of an emoji: their effect is visible on a page. */
const JOINERS = /([\u200c\u200d])/;

/** Makes text visible: controls, directional marks and other invisible characters are written as `<U+202E>`. */
export function seen(raw: string): string {
  return raw
    .split(JOINERS)
    .map((part) => (JOINERS.test(part) ? part : visible(part)))
    .join('');
}

/** Text from the data, between tags or in a quoted attribute. */
export const data = (raw: string, longest = Infinity): string => escape(seen(cutShort(raw, longest)));

/** Text of this program, likewise. */
export const text = (raw: string | number): string => escape(String(raw));

/** A piece of data within other text, with isolated direction. */
export const isolated = (raw: string, longest?: number): string => `<bdi>${data(raw, longest)}</bdi>`;

/** Content that may be wider than the page, scrollable by keyboard. */
export const scrolling = (name: string, inside: string): string =>
  `<div class="wide" tabindex="0" role="region" aria-label="${text(name)}">${inside}</div>`;

/** A cell must already be markup; number columns are right-aligned. */
export type Cell = string | { readonly number: string };

/** A table. @param head column names, text of this program */
export function tableOf(caption: string, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = head.map((_, c) => rows.length > 0 && rows.every((row) => typeof row[c] !== 'string'));
  const names = head.map((name, c) => `<th scope="col"${numeric[c] ? ' class="n"' : ''}>${text(name)}</th>`);
  const cell = (value: Cell, c: number): string => {
    if (c === 0 && typeof value === 'string') return `<th scope="row">${value}</th>`;
    return typeof value === 'string' ? `<td>${value}</td>` : `<td class="n">${text(value.number)}</td>`;
  };
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`);
  return `<table><caption>${text(caption)}</caption><thead><tr>${names.join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

/** Content that opens on click. */
export const folded = (summary: string, inside: string): string =>
  `<details><summary>${text(summary)}</summary>${inside}</details>`;
