/** The limitations of a model, in sentences supported by its training. */
import type { Note } from '../../labeling/data/notes.js';
import type { ModelScores } from '../../labeling/scoring/evaluate.js';
import type { Scores } from '../../labeling/scoring/scorer.js';
import type { Corpora } from '../../labeling/training/run.js';
import { counted, grouped } from '../../tensor/print.js';
import { percent } from '../report.js';
import type { CorpusFacts, Counts, HeadFacts, Scored } from './data-facts.js';
import { SCORED } from './data-facts.js';
import { plain } from './markdown.js';

/** Below this number, examples count as few. */
export const FEW = 10;

/** Maximum number of names in a sentence. */
const SHOWN = 20;

/** Input for the limitations. */
export interface LimitFacts {
  readonly heads: readonly HeadFacts[];
  readonly train: CorpusFacts;
  readonly scored: Readonly<Record<Scored, CorpusFacts | null>>;
  readonly scores: Readonly<Record<Scored, ModelScores | null>>;
  readonly sources: Corpora['sources'];
  /** Seed of the split; null if the corpora are separate files. */
  readonly splitSeed: number | null;
  /** Number of seeds among which the development set chose the model; 1 if there was only one. */
  readonly chosenAmong: number;
  /** Whether the development set chose the epoch. */
  readonly epochs: number;
  readonly interrupted: boolean;
  readonly notes: readonly Note[];
}

/** The limitations, one or two sentences each. */
export function limitsOf(facts: LimitFacts): string[] {
  return [
    ...aboutTraining(facts),
    ...SCORED.flatMap((part) => aboutScores(facts, part)),
    ...facts.heads.flatMap((head) => aboutLabels(head, facts.heads.length > 1)),
    ...facts.notes.map(({ message }) => `Training reported: ${plain(message)}.`.replace(/\.\.$/, '.')),
  ];
}

function aboutTraining({ train, scores, scored, sources, splitSeed, interrupted, chosenAmong, epochs }: LimitFacts) {
  const size = `${counted(train.sentences, 'sentence')} (${counted(train.tokens, 'token')})`;
  const tried = SCORED.filter((part) => scores[part] !== null);
  const elsewhere =
    tried.length === 0
      ? 'it was not tested at all'
      : `it was tested on ${tried.map((part) => `${part} (${counted(scored[part]!.sentences, 'sentence')})`).join(' and ')} and on nothing else`;
  const limits = [`The model was trained on ${size} of ${plain(sources?.train ?? 'its training data')}; ${elsewhere}.`];
  const longest = Math.max(train.longest, ...tried.map((part) => scored[part]!.longest));
  const beyond = tried.length > 0 ? `none longer than ${grouped(longest)} was scored` : 'none was scored';
  limits.push(`The longest training sentence has ${counted(train.longest, 'token')}; ${beyond}.`);
  if (splitSeed !== null)
    limits.push(`Train, dev and test are parts of one file, drawn with seed ${splitSeed}: text from other sources may be harder.`); // prettier-ignore
  if (interrupted) limits.push('Training was interrupted before its last epoch, and test was not scored.');
  if (scores.dev === null) return [...limits, 'There was no dev score to choose an epoch by: the weights are those of the last epoch.']; // prettier-ignore
  const chosen = chosenAmong > 1 ? `the epoch, and the model among ${chosenAmong} seeds,` : 'the epoch';
  if (epochs > 1 || chosenAmong > 1) limits.push(`Dev chose ${chosen} that was kept, so its scores are optimistic.`); // prettier-ignore
  return limits;
}

function aboutScores({ scores, scored }: LimitFacts, part: Scored): string[] {
  const [own, corpus] = [scores[part], scored[part]];
  if (own === null || corpus === null) return [];
  const limits: string[] = [];
  if (own.unit === 'token' && own.oovTokens > 0) {
    const found = own.oovAccuracy === null ? '' : `; on these the accuracy is ${percent(own.oovAccuracy)}`;
    limits.push(`Of the tokens of ${part}, ${percent(own.oovTokens / own.tokens)} do not occur in the training data${found}.`); // prettier-ignore
  }
  if (corpus.repeated > 0) {
    const share = percent(corpus.repeated / corpus.sentences);
    limits.push(`Of the sentences of ${part}, ${grouped(corpus.repeated)} (${share}) occur word for word in the training data.`); // prettier-ignore
  }
  const each: (readonly [string | undefined, Scores])[] = own.heads ? Object.entries(own.heads) : [[undefined, own]];
  for (const [name, { spans, labels }] of each) {
    const never = Object.entries(spans?.types ?? labels).filter(
      ([, { gold, predicted }]) => gold > 0 && predicted === 0,
    );
    if (never.length === 0) continue;
    const what = counted(never.length, spans ? 'type' : 'label');
    limits.push(`Never predicted on ${part}, though it has them: ${what}${name === undefined ? '' : ` of ${plain(name)}`}: ${listed(never.map(([label, { gold }]) => [label, gold]))}.`); // prettier-ignore
  }
  return limits;
}

function aboutLabels({ name, unit, labels, spans, scheme, unknown, repairs }: HeadFacts, several: boolean): string[] {
  const of = several ? ` of ${plain(name)}` : '';
  const limits: string[] = [];
  const [what, counts] = spans ? (['type', spans] as const) : (['label', labels] as const);
  const few = [...counts].filter(([, n]) => n < FEW);
  if (few.length > 0)
    limits.push(`${counted(few.length, what)}${of} ${few.length === 1 ? 'has' : 'have'} fewer than ${FEW} training examples: ${listed(few.reverse())}.`); // prettier-ignore
  for (const part of SCORED) {
    const strange = unknown[part];
    if (strange.size > 0)
      limits.push(`${counted(strange.size, 'label')}${of} of ${part} ${strange.size === 1 ? 'does' : 'do'} not occur in training and ${strange.size === 1 ? 'is' : 'are'} never predicted: ${listed([...strange])}.`); // prettier-ignore
    if (repairs[part] > 0)
      limits.push(`${counted(repairs[part], `${unit === 'token' ? 'label' : 'decision'}`)}${of} of ${part} ${repairs[part] === 1 ? 'breaks' : 'break'} the scheme ${scheme} of the training data.`); // prettier-ignore
  }
  return limits;
}

/** Names with their counts: `B-PER (3), I-PER (1), and 4 more`. */
function listed(all: readonly (readonly [string, number])[]): string {
  const shown = all.slice(0, SHOWN).map(([name, n]) => `${plain(name === '' ? '(no type)' : name)} (${grouped(n)})`);
  return [...shown, ...(all.length > SHOWN ? [`and ${grouped(all.length - SHOWN)} more`] : [])].join(', ');
}

/** The type of untyped spans, as in word segmentation. */
export const typeName = (name: string): string => (name === '' ? '(no type)' : name);

/** Formats a count for tables. */
export const countIn = (counts: Counts | null, name: string): string => grouped(counts?.get(name) ?? 0);
