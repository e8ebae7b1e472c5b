/** Text printed with the numbers: the model, the conventions, and the results of the checks. */
import type { Trace } from '../../inspect/index.js';
import { counted } from '../../tensor/print.js';
import type { GoldSource } from './model.js';
import { reachOf } from './place.js';
import type { ConventionOptions } from './options.js';
import { wrapped } from './paper.js';
import type { Paper } from './paper.js';
import { short } from './numbers.js';

/** Describes the model. */
export function modelLines(paper: Paper, { model }: Trace, notes: readonly string[] = []): string[] {
  const { cell, hidden, embedding, parameters, source, initialization, sha256 } = model;
  const parts = [
    `H = ${[...new Set(hidden)].join(', ')}${model.bidirectional ? ' × 2' : ''}`,
    `E = ${embedding}`,
    counted(model.labels.length, 'label'),
    `${parameters} parameters`,
    `float64`,
  ];
  if (source === 'untrained') parts.push(`untrained, seed ${initialization?.seed ?? '?'}`);
  else if (source === 'pytorch' || notes.length === 0)
    parts.push(source === 'pytorch' ? 'from PyTorch' : `model ${sha256.slice(0, 8)}`);
  const bias = initialization?.forgetBias;
  if (typeof bias === 'number') parts.push(`forget bias ${bias}`);
  parts.push(...notes);
  return wrapped(paper, `${paper.paint('bold', cell)} ${paper.own(parts.join(', '))}`);
}

const SEEDS = {
  loss: 'of the loss, −log p(gold), the sum over all words',
  logit: 'of a logit',
  margin: 'of a margin, one logit minus another',
} as const;

const VARIABLES: Readonly<Record<string, string>> = {
  x: 'word vectors x',
  h: 'hidden states h',
  c: 'cell states c',
  a: 'pre-activations a',
  state: 'all states together',
};

/** What is differentiated, and the source of the gold labels. */
function seedText({ conventions: { seed, gold: given } }: Trace, gold: GoldSource): string {
  const golds = {
    tags: 'gold: as given',
    grammar: 'gold: by the grammar of number agreement',
    predicted: "gold: none given, the model's own first choice is used",
  }[given === 'given' && gold === 'predicted' ? 'tags' : gold];
  return `gradients ${SEEDS[seed]}; ${golds}`;
}

/** The same as separate lines. */
export const seedLines = (paper: Paper, trace: Trace, gold: GoldSource): string[] =>
  [...wrapped(paper, paper.own(`${seedText(trace, gold)}; computed in float64`)), ...solvedNote(paper, trace)].map(
    (line) => paper.paint('dim', line),
  );

/** C1 to C5 as sentences: each of them changes the picture without being visible in it. */
export function conventions(paper: Paper, trace: Trace, options: ConventionOptions, gold: GoldSource): string[] {
  const { reach, name } = reachOf(trace, options);
  const how =
    options.normalize === 'absolute' ? 'absolute' : "a share of the gradient at the loss's own word (retention)";
  const text = `${seedText(trace, gold)}; at the ${VARIABLES[name]}, ${reach.size} components; Euclidean norms; ${how}; computed in float64`;
  const lines = wrapped(paper, paper.own(text));
  return [...lines, ...solvedNote(paper, trace)].map((line) => paper.paint('dim', line));
}

/** If a loss is near 0, so is its gradient, whatever the model has learned. */
function solvedNote(paper: Paper, trace: Trace): string[] {
  if (trace.conventions.seed !== 'loss') return [];
  const solved = trace.losses.filter((loss) => loss.solved && loss.word !== null);
  if (solved.length === 0) return [];
  const names = solved.slice(0, 5).map(({ word }) => paper.word(trace.words[word as number].text));
  const more = solved.length > 5 ? paper.own(' …') : '';
  return wrapped(
    paper,
    `small because solved (p(gold) > 0.9): ${names.join(', ')}${more}: the gradient of their loss is almost 0. Try --loss-seed margin`,
  );
}

/** The results of the checks and the identities. */
export function proofLines(paper: Paper, { checks, identities }: Trace): string[] {
  const lines: string[] = [];
  if (checks.checked > 0) {
    const gaps = checks.elements.map((each) => [each.relative, fdGap(each.analytic, each.numeric)] as const);
    const broken = checks.elements.some(({ verdict, relative }) => verdict === 'disagree' && Number.isNaN(relative));
    const worst = (n: 0 | 1): string =>
      short(broken ? NaN : Math.max(0, ...gaps.map((each) => each[n]).filter(Number.isFinite)));
    const text = `${counted(checks.checked, 'weight')} checked: worst relative difference ${worst(0)} from forward mode, ${worst(1)} from central differences`;
    const verdict = checks.agrees ? paper.paint('good', 'agrees') : paper.paint('bad', 'DISAGREES');
    lines.push(...wrapped(paper, `${verdict}  ${paper.own(text)}`));
    if (checks.fault) lines.push(...wrapped(paper, `  ${paper.own(checks.fault.message)}`, '    ').map((line) => paper.paint('bad', line))); // prettier-ignore
  }
  const broken = identities.filter(({ holds }) => !holds);
  const residual = Math.max(0, ...identities.map((each) => each.residual).filter(Number.isFinite));
  if (identities.length > 0 && broken.length === 0) {
    const text = `${counted(identities.length, 'identity', 'identities')}, worst residual ${paper.own(short(residual))}`;
    lines.push(...wrapped(paper, `${paper.paint('good', 'holds')}   ${text}`));
  }
  for (const { name, says, residual: by } of broken) {
    const text = `${name}: ${paper.own(says)}, missed by ${paper.own(short(by))}`;
    lines.push(...wrapped(paper, `${paper.paint('bad', 'BROKEN')}  ${text}`));
  }
  return lines;
}

function fdGap(analytic: number, numeric: number | null): number {
  if (numeric === null) return NaN;
  const size = Math.max(Math.abs(analytic), Math.abs(numeric));
  return size === 0 ? 0 : Math.abs(analytic - numeric) / size;
}
