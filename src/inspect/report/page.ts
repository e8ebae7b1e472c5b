/**
 * A report: one self-contained HTML file with pictures, tables and equations. Its only script recomputes the numbers from the
 * embedded weights. It can do nothing else, because a Content-Security-Policy allows only that script and that style sheet, by
 * their hashes: no network request is made, and the contents of sentences and labels are never interpreted as markup.
 */
import { sha256 } from '../../serialize/sha256.js';
import type { Trace } from '../trace.js';
import { base64Of } from '../views/base64.js';
import { compare, definitionsFor, languages, themes, views } from '../views/index.js';
import type { Comparison, Look, Parts, Selection, Strings, Table, Theme } from '../views/index.js';
import { say } from '../views/strings/index.js';
import { classified } from './classes.js';
import { equations } from './equations.js';
import { text } from './html.js';
import { payloadOf } from './payload.js';
import { scripts } from './scripts.js';
import { matrixTable, table, translated } from './tables.js';

/** Input of a report. */
export interface ReportContent {
  readonly trace: Trace;
  /** Other cells on the same sentence. */
  readonly comparison: Comparison;
  /** The selection shown. */
  readonly selection?: Selection;
  /** The command line that makes the page. */
  readonly command: string;
  readonly version: string;
  /** A key of `languages`; default `en`. */
  readonly language?: string;
  readonly theme?: Theme['name'];
  /** Whether the cell is built in, so that the page can run it; default true. */
  readonly builtIn?: boolean;
}

/** Maximum length in words of a sentence that a page recomputes: every loss needs a backward pass with as many steps as words. */
const MOST_WORDS = 100;

const STYLE = `body{margin:0 auto;padding:1.5rem;max-width:62rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere;color:var(--ink);background:var(--ground)}
section{margin:2.5rem 0}h2{margin:0}p{margin:.4rem 0}.small{font-size:.85rem;color:var(--muted)}figure,.wide{margin:.5rem 0;overflow-x:auto}svg{max-width:100%;height:auto}@media(max-width:40rem){svg{max-width:none}}
table{border-collapse:collapse;font-size:.8rem;font-variant-numeric:tabular-nums;margin:.5rem 0}caption{text-align:start;font-weight:600}
td,th{border-bottom:1px solid var(--line);padding:.05rem .5rem;text-align:start;white-space:nowrap}code{overflow-wrap:anywhere}
summary{cursor:pointer}#verdict{border:2px solid var(--line);padding:.5rem 1rem}#verdict.agrees{border-color:var(--good)}
#verdict.disagrees,#verdict.failed{border-color:var(--bad);font-weight:600}.cells{fill:none}math{margin:.3rem 0}
@media print{section{break-inside:avoid}details:not([open])>*{display:none}}`;

/** Colors of a theme, and of a passed and a failed check; both have a contrast of 4.5 to 1 with the background. */
function colorsOf({ name, ink, muted, line, background }: Theme): string {
  const [good, bad] = name === 'dark' ? ['#6cc070', '#ff8a80'] : ['#1b6e20', '#b3261e'];
  return `:root{color-scheme:${name === 'dark' ? 'dark' : 'light'};--ink:${ink};--muted:${muted};--line:${line};--ground:${background};--good:${good};--bad:${bad}}`;
}

/** Returns the whole page. */
export function reportPage(content: ReportContent): string {
  const { trace, command, version, language = 'en', theme = 'light' } = content;
  const strings = languages[language];
  const { css, body } = classified(bodyOf(content, strings));
  const style = colorsOf(themes[theme]) + STYLE + css;
  const payload = content.builtIn === false || trace.words.length > MOST_WORDS ? undefined : payloadOf(trace);
  const reason = payload ? undefined : reasonOf(content, strings);
  const script = payload ? scripts[payload.cell] : '';
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${hashOf(style)}'`,
    ...(payload ? [`script-src 'sha256-${hashOf(script)}'`] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ];
  const sentence = trace.words.map((word) => word.text).join(' ');
  return [
    '<!doctype html>',
    `<html lang="${text(language)}">`,
    `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy.join(';')}">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${text(strings['report.title'])}: ${text(sentence)}</title><style>${style}</style>`,
    `<main><h1>${text(strings['report.title'])}</h1><p><strong dir="auto">${text(sentence)}</strong>`,
    `<p>${text(say(strings, 'report.made', { version }))} <code>${text(command)}</code>`,
    `<p>${text(strings['report.weights'])} <code>${text(trace.model.sha256)}</code>`,
    verdictOf(strings, reason),
    body,
    '</main>',
    ...(payload
      ? [`<script type="application/json" id="payload">${inScript(payload)}</script><script>${script}</script>`]
      : []),
    '</html>\n',
  ].join('\n');
}

/** SHA-256 of a text in the notation of a Content-Security-Policy. */
function hashOf(source: string): string {
  const hex = sha256(new TextEncoder().encode(source));
  return base64Of(Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16)));
}

/** JSON that is safe in a script element: it contains no `<` that could end the element or begin a comment. */
const inScript = (value: unknown): string => JSON.stringify(value).replace(/</g, '\\u003c');

/** Why a page does not recompute its numbers. */
function reasonOf({ trace, builtIn }: ReportContent, strings: Strings): string {
  const { model, head, words } = trace;
  if (builtIn === false || !Object.hasOwn(scripts, model.cell))
    return say(strings, 'report.recompute.none.cell', { cell: model.cell });
  if (words.length > MOST_WORDS)
    return say(strings, 'report.recompute.none.words', { n: words.length, most: MOST_WORDS });
  if (model.extras !== undefined)
    return say(strings, 'report.recompute.none.body', { extras: model.extras.join(', ') });
  return say(strings, 'report.recompute.none.head', { kind: head.kind });
}

/** The element that the script writes into. Without a script it states why nothing is recomputed. */
function verdictOf(strings: Strings, reason: string | undefined): string {
  if (reason !== undefined) return `<p id="verdict">${text(say(strings, 'report.recompute.none', { reason }))}</p>`;
  const patterns = (['agrees', 'disagrees', 'failed'] as const).map(
    (key) => ` data-${key}="${text(strings[`report.recompute.${key}`])}"`,
  );
  return `<p id="verdict" role="status"${patterns.join('')}>${text(strings['report.recompute.off'])}</p>`;
}

function bodyOf(content: ReportContent, strings: Strings): string {
  const { trace, comparison, selection = {}, theme = 'light' } = content;
  const look = (id: string): Look => ({ theme, strings, id, shared: 'all' });
  const strip = views.strip.parts(trace, selection, look('strip'));
  const part = (name: keyof typeof views): Parts => {
    const parts = views[name].parts(trace, selection, look(name));
    return parts.line === strip.line ? { ...parts, line: '' } : parts; // the model is named once
  };
  const whole = (name: keyof typeof views): string =>
    table(translated(views[name].table(trace, selection, look(name)), strings), strings);
  const chosen = selection.param ?? accounted(trace);
  const ledger = (param: string): Parts => views.ledger.parts(trace, { ...selection, param }, look('ledger'));
  const { loss, word, normalization } = selection;
  const cells = compare.parts(comparison, { loss, word, normalization }, look('compare'));
  return [
    `<svg width="0" height="0" aria-hidden="true"><defs>${definitionsFor(look('all'))}</defs></svg>`,
    section('strip', strip, whole('strip'), strings),
    section('reach', part('reach'), '', strings),
    section('compare', cells, '', strings),
    section('stepper', part('stepper'), '', strings),
    section(
      'equation',
      part('equation'),
      table(translated(operands(trace, selection, look('equation')), strings), strings),
      strings,
      equationsOf(trace, strings),
    ),
    section('gates', part('gates'), '', strings),
    ...(chosen === undefined ? [] : [section('ledger', ledger(chosen), '', strings)]),
    ...(trace.ledger.length === 0 ? [] : [section('norms', part('norms'), '', strings)]),
    ...(trace.saliency.length === 0 ? [] : [section('saliency', part('saliency'), whole('saliency'), strings)]),
    ...(trace.checks.elements.length === 0
      ? []
      : [
          section(
            'check',
            part('check'),
            table(translated(checked(trace, selection, look('check')), strings), strings),
            strings,
          ),
        ]),
    proofOf(trace, strings),
  ].join('\n');
}

/**
 * The parameter whose ledger is shown: the recurrent weights of the last layer, or its input weights if the gradient of the
 * former is 0, as in a sentence of one word; undefined if both are 0.
 */
function accounted({ ledger }: Trace): string | undefined {
  const ends = ['.Wh', '.Wx'].flatMap((end) => ledger.filter(({ param }) => param.endsWith(end)).reverse());
  return ends.find(({ gate, norm }) => gate === null && norm !== 0)?.param;
}

/** The operands of the opened number, without their trace pointers, which the picture contains. */
function operands(trace: Trace, selection: Selection, look: Look): Table {
  const { columns, rows } = views.equation.table(trace, selection, look);
  const at = columns.indexOf('ref');
  return { columns: columns.filter((_, i) => i !== at), rows: rows.map((row) => row.filter((_, i) => i !== at)) };
}

/** The checked derivatives, without the curve, whose numbers are in the picture. */
function checked(trace: Trace, selection: Selection, look: Look): Table {
  const { columns, rows } = views.check.table(trace, selection, look);
  const all = trace.checks.elements.length;
  return { columns: columns.slice(0, 7), rows: rows.slice(0, all).map((row) => row.slice(0, 7)) };
}

/** A view: its question, its picture, its sentence, its numbers. */
function section(
  id: string,
  { title, line, summary, notes, svg, matrices }: Parts,
  own: string,
  strings: Strings,
  more = '',
): string {
  const tables = matrices.map((each) => matrixTable(each)).join('') + own;
  return [
    `<section aria-labelledby="${id}-title"><h2 id="${id}-title">${text(title)}</h2>${line === '' ? '' : `<p class="small">${text(line)}`}`,
    `<figure>${svg}</figure><p id="${id}-description">${text(summary)}${more}`,
    `<p class="small">${notes.map((note) => text(note)).join('<br>')}`,
    `<details><summary>${text(strings['report.numbers'])}</summary>${scrolling(tables, `${strings['report.numbers']}: ${title}`)}</details></section>`,
  ].join('\n');
}

/** Content that may be wider than the page, scrollable by keyboard. */
const scrolling = (inside: string, name: string): string =>
  `<div class="wide" tabindex="0" role="region" aria-label="${text(name)}">${inside}</div>`;

/** The equations of the cell, forward and backward. */
function equationsOf({ model }: Trace, strings: Strings): string {
  if (!Object.hasOwn(equations, model.cell) || model.extras !== undefined) return '';
  const { forward, backward } = equations[model.cell];
  const list = (name: string, all: readonly string[]): string => `<h3>${text(name)}</h3>${all.join('')}`;
  return scrolling(
    list(strings['report.forward'], forward) + list(strings['report.backward'], backward),
    strings['report.equations'],
  );
}

/** The checks that ran, and the identities that the numbers satisfy. */
function proofOf({ checks, identities }: Trace, strings: Strings): string {
  const verdict = strings[checks.agrees ? 'check.agree' : 'check.disagree'];
  const laws = {
    columns: [strings['report.law'], strings['report.residual'], strings['report.holds']],
    rows: identities.map(({ name, residual, holds }) => [strings[`law.${name}`], residual, holds ? '✓' : '✗']),
  };
  const checked =
    checks.checked === 0 ? '' : `<p>${text(say(strings, 'report.checked', { n: checks.checked, verdict }))}`;
  return [
    `<section aria-labelledby="proof-title"><h2 id="proof-title">${text(strings['report.proof'])}</h2>${checked}`,
    `${scrolling(table(laws, strings), strings['report.law'])}</section>`,
  ].join('\n');
}
