/** The sentences with errors: labels under the wrong words, and below them a description of each error. */
import { bucketOf, LENGTH_BUCKETS } from '../../labeling/scoring/lengths.js';
import { counted, grouped } from '../../tensor/print.js';
import { percent } from '../report.js';
import { ERROR_KINDS, tokensOf } from './collect.js';
import type { HeadErrors, OneError, Stretch, WrongSentence } from './collect.js';
import { data, isolated, text } from './html.js';
import { KIND_NAMES, NONE } from './names.js';
import type { Names } from './names.js';

/** Maximum length of a span or a word quoted in an error. */
const LONGEST = 120;

/** Confidence thresholds for filtering errors. */
export const SURE: readonly (readonly [value: string, name: string])[] = [
  ['0.9-1', 'at least 90 %'],
  ['0.5-0.9', '50 to 90 %'],
  ['0-0.5', 'below 50 %'],
];

/** Context of a head while its sentences are written. */
interface Frame {
  readonly head: HeadErrors;
  readonly names: Names;
}

/** The sentences as a list. @param shown the sentences on the page */
export function sentenceList(head: HeadErrors, names: Names, shown: readonly WrongSentence[]): string {
  const items = shown.map((each) => sentenceItem({ head, names }, each));
  return `<ol class="sentences">${items.join('\n')}</ol>`;
}

function sentenceItem(frame: Frame, each: WrongSentence): string {
  const { sentence, line, tokens, errors } = each;
  const place = [`sentence ${grouped(sentence)}`, ...(line === undefined ? [] : [`line ${line}`]), counted(tokens.length, 'token'), counted(errors.length, 'error')]; // prettier-ignore
  const isTokens = frame.head.scores.unit === 'token';
  const words = isTokens ? markedWords(each) : data(tokens.join(' '));
  const list = errors.map((error) => errorItem(frame, error));
  return [
    `<li class="sentence" tabindex="-1" data-length="${bucketOf(tokens.length)}">`,
    `<p class="small">${text(place.join(' · '))}</p><p class="text" dir="auto">${words}</p>`,
    `<ul class="errors">${list.join('')}</ul></li>`,
  ].join('');
}

/** The words of a sentence; wrong words have their labels below, gold above predicted. */
function markedWords({ tokens, gold, predicted, errors }: WrongSentence): string {
  const wrong = new Set(errors.flatMap(({ goldAt, predictedAt }) => [...tokensOf(goldAt), ...tokensOf(predictedAt)]));
  return tokens
    .map((token, t) => {
      if (!wrong.has(t)) return data(token);
      const labels = `<span class="gold">${isolated(gold[t])}</span> <span class="predicted">${isolated(predicted[t])}</span>`;
      return `<span class="w"><mark>${data(token)}</mark> ${labels}</span>`;
    })
    .join(' ');
}

/** The description of one error, with the attributes that filters use. */
function errorItem({ head, names }: Frame, error: OneError): string {
  const { kind, gold, predicted, confidence, unseen, line } = error;
  const facts = [
    ...(confidence === null ? [] : [`confidence ${percent(confidence)}`]),
    ...(unseen ? [head.scores.unit === 'token' && kind === 'label' ? 'unknown word' : 'holds an unknown word'] : []),
    ...(line === undefined ? [] : [`line ${line}`]),
  ];
  const attributes = [
    `data-kind="${kind}" data-gold="${names.gold.indexOf(gold)}" data-predicted="${names.predicted.indexOf(predicted)}"`,
    ...(unseen === null ? [] : [`data-words="${unseen ? 'unknown' : 'known'}"`]),
    ...(confidence === null ? [] : [`data-sure="${String(confidence)}"`]),
  ];
  return `<li class="error" ${attributes.join(' ')}>${wordsOf(head, error)} <span class="small">${text(facts.join(' · '))}</span></li>`;
}

function wordsOf({ scores }: HeadErrors, { kind, gold, predicted, goldAt, predictedAt }: OneError): string {
  const named = (side: 'gold' | 'predicted', name: string | null): string =>
    `${side} <span class="${side}">${name === null ? text(NONE) : name === '' ? 'span' : isolated(name)}</span>`;
  const quoted = (at: Stretch | null): string => (at === null ? '' : ` “${isolated(at.text, LONGEST)}”`);
  const prefix = scores.spans ? `${KIND_NAMES[kind]}: ` : '';
  if (kind === 'label') {
    const word = scores.unit === 'token' ? `“${isolated(goldAt?.text ?? '', LONGEST)}”: ` : '';
    return `${prefix}${word}${named('gold', gold)}, ${named('predicted', predicted)}`;
  }
  const sides = [
    ...(gold === null ? [] : [named('gold', gold) + quoted(goldAt)]),
    ...(predicted === null ? [] : [named('predicted', predicted) + quoted(predictedAt)]),
  ];
  return prefix + sides.join(', ');
}

/** The filter controls; hidden until the script runs. */
export function filterForm(id: string, head: HeadErrors, names: Names): string {
  const label = (name: string | null): string => (name === null ? NONE : name === '' ? 'span' : name);
  const choices = (list: readonly (string | null)[]) => list.map((name, i) => [String(i), label(name)] as const);
  const lengths = head.lengths.map(({ from, to }) => [String(LENGTH_BUCKETS.findIndex(([first]) => first === from)), lengthName(from, to)] as const); // prettier-ignore
  const kinds = ERROR_KINDS.filter((kind) => head.byKind[kind] > 0).map((kind) => [kind, KIND_NAMES[kind]] as const);
  return [
    `<form class="filters" hidden="" aria-label="Choose errors">`,
    ...(head.scores.spans ? [select('kind', 'Kind', kinds)] : []),
    select('gold', 'Gold', choices(names.gold)),
    select('predicted', 'Predicted', choices(names.predicted)),
    select('length', 'Length in tokens', lengths),
    ...(head.words ? [select('words', 'Words', [['known', 'known only'], ['unknown', 'with an unknown one']])] : []), // prettier-ignore
    select('sure', 'Confidence', SURE),
    `<label>Text <input type="search" name="text" autocomplete="off"/></label>`,
    `<button type="reset">Show all (x)</button>`,
    `<label class="all"><input type="checkbox" name="keys" checked=""/> Keys: <kbd>j</kbd> next, <kbd>k</kbd> previous sentence, <kbd>/</kbd> text, <kbd>x</kbd> show all</label>`,
    `<p class="all small" role="status" id="${id}-status"></p></form>`,
  ].join('');
}

/** `6 to 10`, or `41 or more`. */
export const lengthName = (from: number, to: number | null): string =>
  to === null ? `${from} or more` : `${from} to ${to}`;

function select(name: string, label: string, options: readonly (readonly [string, string])[]): string {
  const rows = options.map(([value, shown]) => `<option value="${text(value)}">${data(shown, 60)}</option>`);
  return `<label>${text(label)} <select name="${name}"><option value="">all</option>${rows.join('')}</select></label>`;
}
