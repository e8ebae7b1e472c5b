/** Statistics for people: tables that fit the terminal, 80 columns elsewhere. */
import { describeReading } from '../../labeling/data/formats/index.js';
import { counted, grouped } from '../../tensor/print.js';
import { quoted, visible } from '../../tensor/visible.js';
import type { Paper } from '../reading/paper.js';
import { shortened, wrapped } from '../reading/paper.js';
import { percent } from '../report.js';
import { headed } from '../score-tables.js';
import type { Place, Repetitions } from './duplicates.js';
import type { CorpusLabels, CorpusStatistics, Shared, Statistics } from './statistics.js';
import type { Suspicion } from './suspicious.js';

/** Maximum number of labels listed per kind, unless all are requested. */
const MOST_LABELS = 40;
/** Width of histogram bars in columns. */
const BAR = 30;

/** A location in printed form. */
type At = (place: Place) => string;

/**
 * The printed output, part by part.
 *
 * @param files names of all files: locations are printed without their common folder
 * @param all whether every label is listed
 */
export function statisticsText(paper: Paper, statistics: Statistics, files: readonly string[], all: boolean): string[] {
  const { corpora, shared, suspicious } = statistics;
  const folder = sharedFolder(files);
  const at: At = ({ file, line }) => `${file.slice(folder.length)}${line === null ? '' : `:${line}`}`;
  return [
    corpora.flatMap(({ name, file, input }) => wrapped(paper, `${name}  ${visible(file)}: ${describeReading(input)}`)).join('\n'), // prettier-ignore
    sizeTable(paper, corpora),
    lengthTable(paper, corpora),
    histogram(paper, corpora),
    ...corpora[0].labels.flatMap((_, k) => labelTables(paper, corpora, k, all)),
    ...unseen(paper, corpora, at),
    repetitions(paper, corpora, shared, at),
    ...suspicions(paper, suspicious, at),
  ];
}

/** The common folder of paths, with its slash; empty if there is none. */
function sharedFolder(paths: readonly string[]): string {
  const folders = paths.map((path) => path.slice(0, path.lastIndexOf('/') + 1));
  let folder = folders[0];
  while (!folders.every((each) => each.startsWith(folder))) folder = folder.slice(0, folder.lastIndexOf('/', folder.length - 2) + 1); // prettier-ignore
  return folder;
}

function sizeTable(paper: Paper, corpora: readonly CorpusStatistics[]): string {
  const documents = corpora.some((corpus) => corpus.documents !== null);
  const unknown = corpora.length > 1;
  const head = [
    ...['corpus', 'sentences', 'tokens', ...(documents ? ['documents'] : []), 'words', 'seen once'],
    ...(unknown ? ['OOV tokens', 'OOV words'] : []),
  ];
  const rows = corpora.map(({ name, sentences, tokens, documents: marked, types, singletons, unknown: own }) => [
    ...[name, grouped(sentences), grouped(tokens), ...(documents ? [marked === null ? '-' : grouped(marked)] : [])],
    ...[grouped(types), grouped(singletons)],
    ...(unknown ? [own ? percent(own.tokenShare) : '-', own ? percent(own.typeShare) : '-'] : []),
  ]);
  return headed(paper, [head, ...rows], 'lrrrrrrr');
}

function lengthTable(paper: Paper, corpora: readonly CorpusStatistics[]): string {
  const rows = corpora.map(({ name, lengths: { min, lowerQuartile, median, upperQuartile, max, mean } }) => [
    name,
    ...[min, lowerQuartile, median, upperQuartile, max].map(grouped),
    mean.toFixed(1),
  ]);
  return headed(paper, [['tokens a sentence', 'min', '25 %', 'median', '75 %', 'max', 'mean'], ...rows], 'lrrrrrr');
}

/** Number of sentences by length, for each corpus, with bars for the first one. */
function histogram(paper: Paper, corpora: readonly CorpusStatistics[]): string {
  const [first] = corpora;
  const needed = first.histogram.map((_, b) => corpora.some((corpus) => corpus.histogram[b].count > 0));
  const most = Math.max(...first.histogram.map(({ count }) => count));
  const rows = first.histogram.flatMap(({ from, to, count }, b) => {
    if (to === null && !needed[b]) return [];
    const name = to === null ? `${grouped(from)} or more` : from === to ? grouped(to) : `${grouped(from)} to ${grouped(to)}`; // prettier-ignore
    const bar = '█'.repeat(count === 0 ? 0 : Math.max(1, Math.round((BAR * count) / most)));
    return [[name, ...corpora.map(({ histogram: bins }) => grouped(bins[b].count)), bar]];
  });
  const head = ['tokens a sentence', ...corpora.map(({ name }) => name), corpora.length > 1 ? `of ${first.name}` : ''];
  return headed(paper, [head, ...rows], `l${'r'.repeat(corpora.length)}l`);
}

/** Counts and shares of labels in each corpus; before them the types of spans, if there are any. */
function labelTables(paper: Paper, corpora: readonly CorpusStatistics[], k: number, all: boolean): string[] {
  const kinds = corpora.map(({ labels }) => labels[k]);
  const [{ name, of, scheme, evidence }] = kinds;
  const names = corpora.map((corpus) => corpus.name);
  const title = of === 'sentence' ? 'label of the sentence' : visible(name);
  const counts = countTable(paper, names, all, title, kinds.map(({ labels }) => labels.map(({ label, ...each }) => ({ name: label, ...each })))); // prettier-ignore
  const missing = kinds.flatMap(({ unlabeled }, c) =>
    unlabeled > 0 ? [`${corpora[c].name}: ${counted(unlabeled, of)} without a label`] : [],
  );
  const labels = [counts, ...missing.flatMap((line) => wrapped(paper, line))].join('\n');
  if (scheme === null) return [labels];
  const spans = countTable(paper, names, all, 'span', kinds.map(({ spans: own }) => (own ?? []).map(({ type, ...each }) => ({ name: type, ...each })))); // prettier-ignore
  return [[spans, ...schemeLines(kinds, corpora, evidence).flatMap((line) => wrapped(paper, line))].join('\n'), labels];
}

function schemeLines(kinds: readonly CorpusLabels[], corpora: readonly CorpusStatistics[], evidence: string): string[] {
  const first = `scheme ${kinds[0].scheme}: ${evidence}`;
  const others = kinds.flatMap(({ scheme, evidence: own }, c) =>
    scheme === kinds[0].scheme ? [] : [`scheme of ${corpora[c].name} ${scheme ?? 'none'}${scheme ? `: ${own}` : ''}`],
  );
  return [first, ...others];
}

interface Row {
  readonly name: string;
  readonly count: number;
  readonly share: number;
  readonly meanLength?: number;
}

/** Counts and shares by name, side by side for each corpus. @param all whether to list every name */
export function countTable(
  paper: Paper,
  corpora: readonly string[],
  all: boolean,
  title: string,
  lists: readonly (readonly Row[])[],
): string {
  const names = [...new Set(lists.flatMap((list) => list.map(({ name }) => name)))];
  const by = lists.map((list) => new Map(list.map((row) => [row.name, row])));
  const lengths = lists.some((list) => list.some(({ meanLength }) => meanLength !== undefined));
  const shown = all ? names : names.slice(0, MOST_LABELS);
  const rows = shown.map((name) => {
    const own = by.map((each) => each.get(name));
    const cells = own.flatMap((row) => [grouped(row?.count ?? 0), percent(row?.share ?? 0)]);
    const length = own.find((row) => row !== undefined)?.meanLength;
    return [name === '' ? '(no type)' : visible(name), ...cells, ...(lengths ? [length!.toFixed(2)] : [])];
  });
  const head = [...corpora.flatMap((name) => [name, 'share']), ...(lengths ? ['mean length'] : [])];
  const sums = ['all', ...lists.flatMap((list) => [grouped(list.reduce((sum, { count }) => sum + count, 0)), ''])];
  const table = headed(paper, [[title, ...head], ...rows, sums], 'l');
  if (shown.length === names.length) return table;
  return `${table}\n… and ${grouped(names.length - shown.length)} more: --show all, or --json`;
}

/** Labels that training lacks. */
function unseen(paper: Paper, corpora: readonly CorpusStatistics[], at: At): string[] {
  const rows = corpora.flatMap(({ name, labels }) =>
    labels.flatMap((kind) =>
      (kind.unseen ?? []).map(({ label, count, ...place }) => [visible(label), name, grouped(count), at(place)]),
    ),
  );
  if (rows.length === 0) return [];
  return [headed(paper, [['labels that train lacks', 'in', 'count', 'first'], ...rows], 'llrl')];
}

/** The location of another sentence; only the line if it is in the same file. */
const twinOf = (place: Place, same: Place, at: At): string =>
  same.file === place.file && same.line !== null ? `line ${same.line}` : at(same);

/** Repeated sentences. */
function repetitions(paper: Paper, corpora: readonly CorpusStatistics[], shared: readonly Shared[], at: At): string {
  const lists: [string, Repetitions][] = [
    ...corpora.map(({ name, duplicates }): [string, Repetitions] => [`${name}, again in ${name}`, duplicates]),
    ...shared.map((each): [string, Repetitions] => [`${each.corpus}, also in ${each.in}`, each]),
  ];
  const rows = lists.map(([name, { exact, folded, sentences }]) => [
    ...[name, grouped(exact), percent(exact / sentences)],
    ...[grouped(folded), percent(folded / sentences)],
  ]);
  const table = headed(paper, [['duplicate sentences', 'exact', 'share', 'NFC, no case', 'share'], ...rows], 'lrrrr');
  const listed = lists.flatMap(([name, { folded, shown }]) => {
    const lines = shown.map(({ exact, same, text, ...place }) => {
      return shortened(
        paper,
        `  ${at(place)} ${exact ? '=' : '≈'} ${twinOf(place, same, at)}: ${quoted(text, paper.width)}`,
        paper.width,
      );
    });
    return lines.length === 0 ? [] : [`${name}:`, ...lines, ...more(folded - shown.length)];
  });
  return [table, ...listed].join('\n');
}

const more = (rest: number): string[] => (rest > 0 ? [`  … and ${grouped(rest)} more: --show all`] : []);

/** Suspicious lines, kind by kind. */
function suspicions(paper: Paper, found: readonly Suspicion[], at: At): string[] {
  if (found.length === 0) return ['no suspicious lines'];
  const total = found.reduce((sum, { count }) => sum + count, 0);
  const head = paper.paint('bold', `suspicious: ${grouped(total)}`);
  const kinds = found.map(({ kind, rule, count, shown }) =>
    [
      ...wrapped(paper, `${kind}: ${grouped(count)} (${rule})`),
      ...shown.flatMap(({ detail, same, ...place }) =>
        wrapped(
          paper,
          `  ${at(place)}: ${visible(detail)}${same === undefined ? '' : ` in ${twinOf(place, same, at)}`}`,
          '    ',
        ),
      ),
      ...more(count - shown.length),
    ].join('\n'),
  );
  return [head, ...kinds];
}
