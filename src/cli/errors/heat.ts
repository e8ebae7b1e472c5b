/** Heat maps as tables: confused labels, and types of spans by outcome. */
import { MISTAKE_KINDS } from '../../labeling/scoring/span-mistakes.js';
import { counted, grouped } from '../../tensor/print.js';
import type { HeadErrors } from './collect.js';
import { isolated, scrolling, text } from './html.js';
import { KIND_NAMES } from './names.js';
import type { Names } from './names.js';
import { shadeOf } from './style.js';

/** Maximum number of labels in a heat map; above it, the least confused ones share one row and one column. */
export const MOST_LABELS = 30;

/** Maximum length of a name at the edge of a heat map. */
const NAME = 24;

/** Above this number of columns, their names are rotated. */
const UPRIGHT = 6;

/** A row or a column: one label, or several. */
interface Group {
  readonly name: string;
  readonly members: readonly number[];
}

/** The confusion matrix of labels. @param names names in the filter, for which a cell selects a gold and a predicted label */
export function confusionMap({ scores: { confusion, unit } }: HeadErrors, names: Names | null): string {
  const { labels, counts } = confusion;
  const groups = groupsOf(labels, counts);
  const totals = labels.map((_, g) => counts[g].reduce((sum, count) => sum + count, 0));
  const sum = (gold: Group, predicted: Group): number =>
    gold.members.reduce((all, g) => all + predicted.members.reduce((own, p) => own + counts[g][p], 0), 0);
  const rows = groups.map((gold, g) => {
    const total = gold.members.reduce((all, member) => all + totals[member], 0);
    const cells = groups.map((predicted, p) => {
      const count = sum(gold, predicted);
      if (count === 0) return '<td></td>';
      const choice = names && g !== p && gold.members.length + predicted.members.length === 2 ? ` data-gold="${names.gold.indexOf(gold.name)}" data-predicted="${names.predicted.indexOf(predicted.name)}"` : ''; // prettier-ignore
      const shade = g === p && gold.members.length > 1 ? '' : shadeOf(g === p ? 'right' : 'wrong', count / total);
      return `<td class="${shade}"${choice}>${grouped(count)}</td>`;
    });
    return `<tr><th scope="row">${groupName(gold)}</th>${cells.join('')}</tr>`;
  });
  const columns = groups.map((group) => columnHead(groupName(group), groups.length));
  const shared = groups.find(({ members }) => members.length > 1);
  const more = shared ? ` The ${counted(shared.members.length, 'label')} that are confused least share a row and a column; the cell where these meet counts right and wrong ones, and has no shade.` : ''; // prettier-ignore
  const caption = `${unit === 'token' ? 'Tokens' : 'Sentences'} by gold label (down) and predicted label (across). The shade is the share of the gold label, on a scale of square roots: blue where both are one label, orange where they differ.${more}`;
  const head = `<thead><tr><th scope="col">gold \\ predicted</th>${columns.join('')}</tr></thead>`;
  return heatTable('Confusion of labels', caption, head, rows);
}

function heatTable(name: string, caption: string, head: string, rows: readonly string[]): string {
  const table = `<table class="heat" aria-label="${text(name)}">${head}<tbody>${rows.join('')}</tbody></table>`;
  return `<p class="small">${text(caption)}</p>${scrolling(name, table)}`;
}

const columnHead = (name: string, columns: number): string =>
  `<th scope="col"${columns > UPRIGHT ? ' class="v"' : ''}>${name}</th>`;

const groupName = ({ name, members }: Group): string =>
  members.length === 1 ? isolated(name, NAME) : `${counted(members.length, 'other')}`;

/** Every label separately, or the most confused ones and the rest together. */
function groupsOf(labels: readonly string[], counts: readonly (readonly number[])[]): Group[] {
  const all = labels.map((name, g) => ({ name, members: [g] }));
  if (labels.length <= MOST_LABELS) return all;
  const confused = labels.map((_, g) => labels.reduce((sum, _p, p) => sum + (g === p ? 0 : counts[g][p] + counts[p][g]), 0)); // prettier-ignore
  const ranked = labels.map((_, g) => g).sort((a, b) => confused[b] - confused[a] || counts[b][b] - counts[a][a]);
  const kept = new Set(ranked.slice(0, MOST_LABELS - 1));
  const rest = labels.flatMap((_, g) => (kept.has(g) ? [] : [g]));
  return [...all.filter((_, g) => kept.has(g)), { name: '', members: rest }];
}

/** Types of spans down, their outcomes across. */
export function typeMap({ types }: HeadErrors, names: Names): string {
  const rows = types.map(({ name, right, kinds }) => {
    const gold = right + kinds.type + kinds.boundary + kinds['type-and-boundary'] + kinds.missed;
    const cells = MISTAKE_KINDS.map((kind) => {
      const count = kinds[kind];
      if (count === 0) return '<td></td>';
      const isExtra = kind === 'spurious';
      const side = isExtra ? `data-predicted="${names.predicted.indexOf(name)}"` : `data-gold="${names.gold.indexOf(name)}"`; // prettier-ignore
      const share = count / (isExtra ? count + gold : gold);
      return `<td class="${shadeOf('wrong', share)}" data-kind="${kind}" ${side}>${grouped(count)}</td>`;
    });
    const found = right === 0 ? '<td></td>' : `<td class="${shadeOf('right', right / gold)}">${grouped(right)}</td>`;
    return `<tr><th scope="row">${name === '' ? 'span' : isolated(name, NAME)}</th>${found}${cells.join('')}</tr>`;
  });
  const columns = ['right', ...MISTAKE_KINDS.map((kind) => KIND_NAMES[kind])].map((name) => `<th scope="col">${text(name)}</th>`); // prettier-ignore
  const caption =
    'Gold spans by type and by what became of them; spurious spans, which no gold span overlaps, by their predicted type. The shade is the share of the gold spans of the type.';
  const head = `<thead><tr><th scope="col">type</th>${columns.join('')}</tr></thead>`;
  return heatTable('Spans by type', caption, head, rows);
}
