/**
 * The errors of a model as one self-contained HTML file. The page contains everything; its script only hides what the filters
 * exclude. A Content-Security-Policy allows only that script and that style sheet, by their hashes, so that no network request is
 * made and the contents of sentences and labels are never interpreted as markup.
 */
import { createHash } from 'node:crypto';
import type { ModelScores } from '../../labeling/scoring/evaluate.js';
import type { Scores } from '../../labeling/scoring/scorer.js';
import { counted, grouped } from '../../tensor/print.js';
import { describeTogether } from '../head-report.js';
import { modeOf, percent } from '../report.js';
import type { HeadErrors, Pair } from './collect.js';
import { SCRIPT } from './filter.js';
import { confusionMap, typeMap } from './heat.js';
import { data, folded, isolated, scrolling, tableOf, text } from './html.js';
import type { Cell } from './html.js';
import { KIND_NAMES, namesOf, NONE } from './names.js';
import { reliability } from './reliability.js';
import { filterForm, lengthName, sentenceList } from './sentences.js';
import { styleSheet } from './style.js';

/** Input of the page. */
export interface ErrorsContent {
  readonly model: string;
  readonly file: string;
  readonly version: string;
  readonly heads: readonly HeadErrors[];
  readonly together?: ModelScores['together'];
  /** Maximum number of sentences per head on the page. */
  readonly limit: number;
  /** Warnings from reading and scoring. */
  readonly notes: readonly string[];
}

/** Maximum number of listed label pairs; the others are counted. */
const MOST_PAIRS = 100;

/** Returns the whole page. */
export function errorsPage(content: ErrorsContent): string {
  const { model, file, version, heads, together, notes } = content;
  const style = styleSheet();
  const policy = `default-src 'none';style-src 'sha256-${hashOf(style)}';script-src 'sha256-${hashOf(SCRIPT)}';base-uri 'none';form-action 'none'`;
  const several = heads.length > 1;
  return [
    '<!doctype html>',
    '<html lang="en"><head>',
    `<meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="${text(policy)}"/>`,
    '<meta name="viewport" content="width=device-width,initial-scale=1"/><meta name="color-scheme" content="light dark"/>',
    `<title>Errors of ${data(model, 80)} on ${data(file, 80)}</title><style>${style}</style></head>`,
    `<body><main><h1>Errors of ${isolated(model)} on ${isolated(file)}</h1>`,
    `<p class="small">Made by bptt ${text(version)} (bptt errors).</p>`,
    ...notes.map((note) => `<p class="note">${data(note)}</p>`),
    ...(several ? [headLinks(heads)] : []),
    ...(together ? [`<p>${text(`All heads together: ${describeTogether(together)}`)}</p>`] : []),
    ...heads.map((head, h) => headPart(head, `h${h}`, several, content.limit)),
    `</main><script>${SCRIPT}</script></body></html>\n`,
  ].join('\n');
}

const hashOf = (source: string): string => createHash('sha256').update(source, 'utf8').digest('base64');

const headLinks = (heads: readonly HeadErrors[]): string =>
  `<nav aria-label="Heads">${heads.map(({ name }, h) => `<a href="#h${h}">${data(name)}</a>`).join(' ')}</nav>`;

/** The section of one head. @param several whether there are several heads, so that it needs a heading */
function headPart(head: HeadErrors, id: string, several: boolean, limit: number): string {
  const level = several ? 3 : 2;
  const heading = (title: string, own: string): string => `<h${level} id="${id}-${own}">${text(title)}</h${level}>`;
  const names = namesOf(head);
  const { scores, calibration } = head;
  return [
    `<section class="head" id="${id}"${several ? ` aria-labelledby="${id}-name"` : ' aria-label="Errors"'}>`,
    ...(several ? [`<h2 id="${id}-name">Head ${isolated(head.name)}</h2>`] : []),
    partLinks(id),
    heading('Scores', 'scores'),
    scoresOf(head),
    unknownLabels(head),
    heading('Errors by type', 'types'),
    ...(scores.spans ? [typeMap(head, names)] : []),
    pairTable(head),
    heading('Confused labels', 'labels'),
    confusionMap(head, scores.spans ? null : names),
    heading('Errors by length and by known words', 'lengths'),
    lengthTable(head),
    wordTable(head),
    heading('Calibration', 'calibration'),
    reliability(`${id}-c`, scores.unit === 'token' ? 'labels' : 'labels of sentences', calibration.labels, level + 1),
    ...(calibration.spans ? [reliability(`${id}-s`, 'predicted spans', calibration.spans, level + 1)] : []),
    heading('Each error in its sentence', 'sentences'),
    sentencesOf(head, id, limit),
    '</section>',
  ].join('\n');
}

function partLinks(id: string): string {
  const parts = { types: 'types', labels: 'labels', lengths: 'lengths and words', calibration: 'calibration', sentences: 'sentences' }; // prettier-ignore
  const links = Object.entries(parts).map(([own, name]) => `<a href="#${id}-${own}">${name}</a>`);
  return `<nav aria-label="Parts">${links.join(' ')}</nav>`;
}

function sentencesOf(head: HeadErrors, id: string, limit: number): string {
  const { wrong, sentences, errors, scores } = head;
  if (wrong.length === 0) return `<p>No errors in ${counted(sentences, 'sentence')}.</p>`;
  const names = namesOf(head);
  const shown = wrong.slice(0, limit);
  const left = wrong.length - shown.length;
  const rest = wrong.slice(limit).reduce((sum, each) => sum + each.errors.length, 0);
  const said = `${counted(errors, 'error')} in ${grouped(wrong.length)} of ${counted(sentences, 'sentence')}.`;
  const cut = left === 0 ? '' : ` The page has the first ${grouped(limit)} of these sentences; ${grouped(left)} more, with ${counted(rest, 'error')}, are counted above and not listed (--limit).`; // prettier-ignore
  const legend = scores.unit === 'token' ? ' Below each wrong word stand its <span class="gold">gold label</span> and its <span class="predicted">predicted label</span>, in this order.' : ''; // prettier-ignore
  return [
    `<p${left > 0 ? ' class="note"' : ''}>${text(said + cut)}</p><p class="small">${text('In the order of the file.')}${legend}</p>`,
    filterForm(id, head, names),
    sentenceList(head, names, shown),
  ].join('\n');
}

function scoresOf({ scores, errors, wrong, sentences, calibration }: HeadErrors): string {
  const { unit, accuracy, tokens, unlabeled, spans, knownAccuracy, oovAccuracy, macroF1 } = scores;
  const rate = (value: number | null): string => (value === null ? '–' : percent(value));
  const figures: [string, string][] = [
    ['Accuracy', rate(accuracy)],
    ...(unit === 'token' ? ([['Accuracy, known words', rate(knownAccuracy)], ['Accuracy, unknown words', rate(oovAccuracy)]] as [string, string][]) : []), // prettier-ignore
    ...(spans ? ([[`Span F1 (${modeOf(spans)})`, rate(spans.f1)], ['Span precision', rate(spans.precision)], ['Span recall', rate(spans.recall)]] as [string, string][]) : []), // prettier-ignore
    ['Macro F1 of labels', rate(macroF1)],
    ['Expected calibration error', rate(calibration.labels.ece)],
    ['Errors', grouped(errors)],
    ['Sentences with errors', `${grouped(wrong.length)} of ${grouped(sentences)}`],
    ...(unit === 'token' ? ([['Tokens', grouped(tokens)]] as [string, string][]) : []),
    ...(unlabeled > 0 ? ([['Left out, without label', grouped(unlabeled)]] as [string, string][]) : []),
  ];
  const list = figures.map(([name, value]) => `<div><dt>${text(name)}</dt><dd>${text(value)}</dd></div>`);
  return `<dl>${list.join('')}</dl>${scoreTables(scores)}`;
}

/** Precision, recall, F1 and support of every label, and of every type of span. */
function scoreTables({ labels, spans }: Scores): string {
  const tables = { ...(spans && { 'types of spans': spans.types }), labels };
  return Object.entries(tables)
    .map(([what, all]) => {
      const rows = Object.entries(all).map(([name, { precision, recall, f1, gold }]): Cell[] => [
        name === '' ? 'span' : isolated(name),
        ...[precision, recall, f1].map((value) => ({ number: percent(value) })),
        { number: grouped(gold) },
      ]);
      const name = `Precision, recall and F1 of ${what}`;
      return folded(name, scrolling(name, tableOf(name, ['name', 'precision', 'recall', 'F1', 'support'], rows)));
    })
    .join('');
}

function unknownLabels({ unknownLabels: all, scores }: HeadErrors): string {
  if (all.length === 0) return '';
  const rows = all.map(({ label, count }): Cell[] => [isolated(label), { number: grouped(count) }]);
  const table = tableOf('Gold labels that never occurred in training', ['label', `${scores.unit}s`], rows);
  return `<p class="note">The file has labels that the model was never trained on. It cannot predict them: they count as errors.</p>${scrolling('Unknown labels', table)}`;
}

function pairTable({ pairs, scores, byKind }: HeadErrors): string {
  const shown = pairs.slice(0, MOST_PAIRS);
  const label = (name: string | null): string => (name === null ? text(NONE) : name === '' ? 'span' : isolated(name));
  const row = ({ gold, predicted, count }: Pair): Cell[] => [label(gold), label(predicted), { number: grouped(count) }];
  const left = pairs.length - shown.length;
  const rest = pairs.slice(MOST_PAIRS).reduce((sum, { count }) => sum + count, 0);
  const more = left === 0 ? '' : `, the commonest ${grouped(MOST_PAIRS)}; ${counted(left, 'more pair')} with ${counted(rest, 'error')} not listed`; // prettier-ignore
  const what = scores.spans ? 'Types of gold and predicted spans where they differ' : 'Gold label and predicted label';
  const kinds = scores.spans ? `<p>${text(kindsOf(byKind))}</p>` : '';
  if (pairs.length === 0) return `${kinds}${scores.spans ? '' : '<p>No errors.</p>'}`;
  return kinds + scrolling(what, tableOf(what + more, ['gold', 'predicted', 'errors'], shown.map(row)));
}

function kindsOf(byKind: HeadErrors['byKind']): string {
  const all = Object.entries(byKind).map(([kind, count]) => `${grouped(count)} ${KIND_NAMES[kind as keyof typeof KIND_NAMES]}`); // prettier-ignore
  return `${all.join(', ')}. (Label only: the label is wrong, but no span is.)`;
}

function lengthTable({ lengths, scores }: HeadErrors): string {
  const rows = lengths.map(({ from, to, sentences, wrongSentences, errors }): Cell[] => {
    const own = scores.lengths.find((each) => each.from === from);
    return [
      lengthName(from, to),
      { number: grouped(sentences) },
      { number: grouped(wrongSentences) },
      { number: grouped(errors) },
      { number: percent(own?.accuracy ?? 0) },
      ...(scores.spans ? [{ number: own?.spans ? percent(own.spans.f1) : '–' }] : []),
    ];
  });
  const head = ['tokens', 'sentences', 'with errors', 'errors', 'accuracy', ...(scores.spans ? ['span F1'] : [])];
  return scrolling('Errors by length', tableOf('By the length of the sentence, in tokens', head, rows));
}

function wordTable({ words, scores }: HeadErrors): string {
  if (words === null) return '<p>The model does not record which words it was trained on.</p>';
  const { unit, knownTokens, oovTokens, knownAccuracy, oovAccuracy, spans } = scores;
  const rate = (value: number | null | undefined): Cell => ({ number: value === null || value === undefined ? '–' : percent(value) }); // prettier-ignore
  const isTokens = unit === 'token';
  const side = (name: string, errors: number, tokens: number, accuracy: number | null, f1?: number): Cell[] => [
    name,
    { number: grouped(errors) },
    ...(isTokens ? [{ number: grouped(tokens) }, rate(accuracy)] : []),
    ...(spans ? [rate(f1)] : []),
  ];
  const rows = [
    side('known words only', words.known, knownTokens, knownAccuracy, spans?.known?.f1),
    side('with a word unknown in training', words.unseen, oovTokens, oovAccuracy, spans?.oov?.f1),
  ];
  const head = ['words', 'errors', ...(isTokens ? ['tokens', 'accuracy of tokens'] : []), ...(spans ? ['span F1'] : [])]; // prettier-ignore
  return scrolling('Errors by words', tableOf('By words seen in training, and others', head, rows));
}
