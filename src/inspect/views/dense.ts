/**
 * The cells of a grid for a page. Cells of one color are one path in units of cells: `M3,5h2` is row 5, columns 3 and 4; without
 * spaces it needs no quotes. Their numbers are stored at the row names (`dataOfRow`), relative to the `data-base` that they
 * share.
 */
import { dataOfCells, hatchId, insideSize, labelSize, looksOf, rowName } from './grid.js';
import type { Cells, Grid } from './grid.js';
import { packedRow, underBase } from './mark.js';
import { el, escape, px } from './svg.js';
import type { Attributes } from './svg.js';
import type { Style } from './theme.js';

/** Pieces of markup by color. */
type ByColor = Map<string, string>;

const add = (pieces: ByColor, color: string, piece: string): void =>
  void pieces.set(color, (pieces.get(color) ?? '') + piece);

/** Draws the rows. */
export function denseRows(grid: Grid, style: Style, rows: readonly Cells[], gutter: number): string {
  const [w, h] = grid.size;
  const [runs, texts, signs]: ByColor[] = [new Map(), new Map(), new Map()];
  const hatch = `url(#${hatchId(style)})`;
  let [own, zeros] = ['', ''];
  rows.forEach((row, r) => {
    const data = dataOfCells(row);
    let [from, fill] = [0, ''];
    const end = (c: number, next: string): void => {
      if (next === fill) return;
      if (fill === hatch) zeros += `M${px(gutter + from * w)} ${px((r + 0.5) * h)}h${px((c - from) * w)}`;
      else if (fill !== '') add(runs, fill, `M${from},${r}h${c - from}`);
      [from, fill] = [c, next];
    };
    row.forEach((cell, c) => {
      if (cell === undefined) return end(c, '');
      if (cell === 'zero') return end(c, hatch);
      const at = { x: gutter + c * w, y: r * h, width: w, height: h };
      const looks = looksOf(grid, style, cell, at);
      end(c, looks.fill);
      if (looks.sign !== '') add(signs, looks.ink, looks.sign);
      const middle = { x: at.x + w / 2, y: at.y + h / 2 };
      if (looks.text !== '') add(texts, looks.ink, el('text', middle, escape(looks.text)));
      if (data === undefined) own += el('g', { ...cell.data, 'data-cell': `${r} ${c}` });
    });
    end(row.length, '');
  });
  const centered: Attributes = { 'text-anchor': 'middle', 'dominant-baseline': 'central' };
  const size = insideSize({ width: w, height: h });
  return (
    names(grid, rows, gutter) +
    el(
      'g',
      { class: 'cells', transform: `translate(${px(gutter)} ${px(h / 2)})scale(${w} ${h})` },
      own,
      ...[...runs].map(([stroke, d]) => el('path', { d, stroke })),
    ) +
    (zeros === '' ? '' : el('path', { stroke: hatch, 'stroke-width': h, d: zeros })) +
    [...texts].map(([fill, all]) => el('g', { ...centered, 'font-size': size, fill }, all)).join('') +
    [...signs].map(([stroke, d]) => el('path', { d, stroke, fill: 'none' })).join('')
  );
}

/** The row names, which carry the numbers of the cells. */
function names(grid: Grid, rows: readonly Cells[], gutter: number): string {
  const h = grid.size[1];
  const { base, own } = underBase(rows.map((row) => packedRow(dataOfCells(row))));
  const texts = grid.rows.map((name, r) =>
    el('text', { x: gutter - 6, y: (r + 0.5) * h, ...own[r] }, escape(rowName(name, h, gutter))),
  );
  const right = { 'text-anchor': 'end', 'dominant-baseline': 'central', 'font-size': labelSize(h) };
  return el('g', { ...right, ...base }, ...texts);
}
