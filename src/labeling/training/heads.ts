/**
 * The heads of a training run: which there are, which labels each learns and in which scheme, and the names by which options refer to them.
 */
import { expectWords } from '../checks.js';
import { expectList, expectRecord } from '../../tensor/arguments.js';
import { expectNonNegative, expectOneOf } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import type { OnNote } from '../data/notes.js';
import { detectScheme } from '../data/schemes.js';
import type { Sentence } from '../data/sentence.js';
import { crf } from '../model/heads/crf.js';
import type { HeadKind, HeadPlace } from '../model/heads/head.js';
import { decisionsOf, inColumn } from '../model/heads/head.js';
import { sentence } from '../model/heads/sentence.js';
import { softmax } from '../model/heads/softmax.js';
import type { ModelConfig } from '../model/network.js';
import type { Settings, TagHead, TaskName, TrainOptions } from './options.js';
import type { SpanSettings, Spans } from './spans.js';
import { NO_SPANS, spansOfTraining } from './spans.js';

const TASKS: readonly TaskName[] = ['tag', 'classify', 'slots-intent'];
const TAG_HEADS: Readonly<Record<TagHead, HeadKind>> = { softmax, crf };

/** One head of a training run. */
export interface PlannedHead {
  readonly kind: HeadKind;
  readonly place: HeadPlace;
}

/**
 * Returns the heads that the options request.
 *
 * @param own custom heads, in place of those of the task
 * @throws ArgumentError on an option that is invalid, or would be ignored
 */
export function plannedHeads(settings: Settings, own?: readonly HeadKind[]): PlannedHead[] {
  checkTask(settings, own);
  const { task, head, columns } = settings;
  if (own !== undefined) return own.map((kind) => ({ kind, place: {} }));
  if (columns !== undefined && columns.length > 1)
    return columns.map((column) => ({ kind: tagHead(head, column), place: { name: column, column } }));
  const tag = { kind: tagHead(head, 'slots'), place: task === 'slots-intent' ? { name: 'slots' } : {} };
  if (task === 'slots-intent') return [tag, { kind: sentence, place: { name: 'intent' } }];
  if (task === 'classify') return [{ kind: sentence, place: {} }];
  return [columns === undefined ? tag : { ...tag, place: { column: columns[0] } }];
}

function tagHead(head: Settings['head'], name: string): HeadKind {
  if (typeof head === 'string') return TAG_HEADS[head];
  return TAG_HEADS[Object.hasOwn(head, name) ? head[name] : 'softmax'];
}

function checkTask(settings: Settings, own?: readonly HeadKind[]): void {
  const { task, head, columns, scheme, decode, spanMode } = settings;
  expectOneOf('train', 'task', task, TASKS);
  checkColumns(columns);
  const names = columns ?? (task === 'slots-intent' ? ['slots'] : ['labels']);
  checkHead(head, names);
  if (columns !== undefined && (own !== undefined || task !== 'tag')) {
    const what = own === undefined ? `the task ${task}` : 'custom heads';
    throw new ArgumentError(`train: columns does not apply to ${what}: leave it out`);
  }
  if (task !== 'classify') return;
  const asked = {
    head: head !== 'softmax',
    scheme: scheme !== undefined,
    decode: decode !== undefined,
    spanMode: spanMode !== 'conlleval',
  };
  const given = Object.entries(asked).find(([, isGiven]) => isGiven)?.[0];
  if (given) throw new ArgumentError(`train: ${given} does not apply to the task ${task}: leave it out`);
}

function checkColumns(columns: TrainOptions['columns']): void {
  if (columns === undefined) return;
  expectWords('train', 'columns', columns);
  if (columns.length === 0) throw new ArgumentError('train: columns must list at least one column; got none');
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) throw new ArgumentError(`train: columns must differ; got '${twice}' twice`);
}

function checkHead(head: unknown, names: readonly string[]): void {
  if (typeof head !== 'object') {
    expectOneOf('train', 'head', head as string, Object.keys(TAG_HEADS));
    return;
  }
  expectRecord('train', 'head', head, 'softmax, crf, or one of them by column');
  for (const [name, kind] of Object.entries(head as object)) {
    expectOneOf('train', 'a name in head (--head)', name, names);
    expectOneOf('train', `head.${name}`, kind as string, Object.keys(TAG_HEADS));
  }
}

/** Checks options that refer to heads by name. @throws ArgumentError on an unknown name, a weight below 0, or an option without effect */
export function checkHeadNames(
  { headWeights, bestBy }: Settings,
  { heads }: Pick<ModelConfig, 'heads'>,
  dev: readonly Sentence[] | undefined,
): void {
  const names = heads.map(({ name }) => name);
  if (bestBy !== undefined) expectOneOf('train', 'bestBy (--best-by)', bestBy, names);
  if (bestBy !== undefined && !dev) {
    throw new ArgumentError(
      'train: bestBy (--best-by) needs scores on a development set, and there is none: add one (--dev), or leave it out',
    );
  }
  if (headWeights === undefined) return;
  expectRecord('train', 'headWeights', headWeights, 'numbers by name of head');
  for (const [name, weight] of Object.entries(headWeights)) {
    expectOneOf('train', 'a name in headWeights (--head-weights)', name, names);
    expectNonNegative('train', `headWeights.${name}`, weight);
  }
  if (names.every((name) => Object.hasOwn(headWeights, name) && headWeights[name] === 0))
    throw new ArgumentError(
      'train: headWeights (--head-weights) must leave at least one head a weight above 0: nothing would be learned',
    );
}

/** Returns sentences as the decisions of one head, each with its gold label. @throws DataError if a gold label is missing */
export function goldOfHead({ kind, place }: PlannedHead, sentences: readonly Sentence[], source?: string): Sentence[] {
  return sentences.map((each) => decisionsOf(kind, inColumn(place.column, each), sourceOf(place, source)));
}

/** The name of a head's input in messages: `train.conllu, column xpos`. */
export function sourceOf({ name, column }: HeadPlace, source?: string): string | undefined {
  if (column === undefined || name === undefined) return source;
  return source === undefined ? `column ${column}` : `${source}, column ${column}`;
}

/**
 * Decides how the labels of spans are treated, one decision per head. `scheme` and `decode` apply to the heads whose labels annotate spans.
 *
 * @throws DataError if these are given, and no labels annotate spans
 */
export function spansOfHeads(
  train: readonly Sentence[],
  heads: readonly PlannedHead[],
  settings: Settings,
  source?: string,
  onNote?: OnNote,
): Spans[] {
  expectList('train', 'heads', heads, 'heads');
  const { scheme, decode } = settings;
  const about = heads.map(({ kind, place }) =>
    kind.unit === 'token' ? train.map((each) => inColumn(place.column, each)) : undefined,
  );
  const asked = scheme !== undefined || decode === 'constrained';
  const several = about.filter((each) => each !== undefined).length > 1;
  const annotates = about.map((each) => !several || (each !== undefined && hasSpans(each)));
  const none = !annotates.includes(true);
  return heads.map(({ kind, place }, h) => {
    const own = about[h];
    if (own === undefined && !(asked && heads.length === 1)) return NO_SPANS;
    const wanted: SpanSettings = { head: kind.kind, ...((annotates[h] || none) && { scheme, decode }) };
    return spansOfTraining(own ?? train, wanted, sourceOf(place, source), onNote);
  });
}

const hasSpans = (sentences: readonly Sentence[]): boolean =>
  detectScheme(sentences.map(({ labels = [] }) => labels)).scheme !== null;
