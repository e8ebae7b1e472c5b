/**
 * `bptt compare A B --gold F`: compares two models, or files of predictions, on one test set, and tests whether their difference
 * is significant.
 */
import { inputName } from '../../labeling/data/files.node.js';
import type { Scheme } from '../../labeling/data/schemes.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import { countUnlabeled } from '../../labeling/data/unlabeled.js';
import { loadModel } from '../../labeling/model/file.js';
import { decisionsOf } from '../../labeling/model/heads/head.js';
import type { Model } from '../../labeling/model/model.js';
import { headKindsOf } from '../../labeling/model/network.js';
import { predict } from '../../labeling/model/predict.js';
import { pairedBootstrap } from '../../labeling/scoring/bootstrap.js';
import type { PairedCounts, Significance } from '../../labeling/scoring/bootstrap.js';
import { changesOf, labelCounts, spanCountsOf } from '../../labeling/scoring/changes.js';
import type { Answered, Change } from '../../labeling/scoring/changes.js';
import type { SpanMode } from '../../labeling/scoring/scorer.js';
import type { SpanReader } from '../../labeling/scoring/span-counts.js';
import { labelsBy } from '../../labeling/scoring/span-counts.js';
import { spanReading } from '../../labeling/scoring/span-reading.js';
import { unlabeledNote } from '../../labeling/scoring/suspect.js';
import { spanSchemeOf } from '../../labeling/scoring/spans.js';
import type { TaskName } from '../../labeling/training/options.js';
import { ArgumentError, DataError } from '../../tensor/index.js';
import { quoted } from '../../tensor/visible.js';
import { openBackend } from '../backend.js';
import { compareReport } from './report.js';
import { readOne } from '../corpora.js';
import { lineOf } from '../mistakes.js';
import { named, readBytes } from '../model-io.js';
import { isModelFile, sentencePredictions, tokenPredictions } from './predictions.js';
import type { Predictions } from './predictions.js';
import { createProgress, silent } from '../progress.js';
import type { ReadingOptions } from '../reading-options.js';
import { oneColumnOf } from '../reading-options.js';
import { paperFor } from '../reading/paper.js';
import type { Terminal } from '../terminal.js';
import { print, printJson } from '../terminal.js';
import { collectWarnings } from '../warnings.js';

/** Command-line options. */
export interface ScoreOptions extends ReadingOptions {
  readonly gold?: string;
  readonly samples?: number;
  readonly seed?: number;
  readonly task?: TaskName;
  readonly predictedColumn?: string;
  readonly spanMode?: SpanMode;
  readonly scheme?: Scheme;
  readonly list?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly ascii?: boolean;
}

/** A model, or the bytes of predictions. */
interface Input {
  readonly path: string;
  readonly model?: Model;
  readonly bytes: Uint8Array;
}

/** One of the two systems: its name and its predictions. */
export interface System extends Predictions {
  readonly name: string;
}

/** The complete result. */
export interface ScoreComparison {
  readonly a: System;
  readonly b: System;
  readonly goldName: string;
  readonly unit: 'token' | 'sentence';
  readonly gold: readonly Sentence[];
  readonly reader: SpanReader | null;
  readonly samples: number;
  readonly seed: number;
  readonly measures: Readonly<Record<string, Significance>>;
  readonly changes: readonly Change[];
}

/** Default of --samples. */
export const SAMPLES = 10_000;
/** Maximum number of changed sentences listed. */
const LISTED = 10;

/** Compares and prints. @param paths paths of A and B */
export async function compareScores(
  paths: readonly string[],
  options: ScoreOptions,
  terminal: Terminal,
): Promise<void> {
  const { gold: goldPath = '', json, quiet, list = LISTED } = options;
  if ([...paths, goldPath].filter((path) => path === '-').length > 1)
    throw new ArgumentError('only one of A, B and --gold can be standard input (-): pass files for the others');
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const inputs: Input[] = [];
  for (const path of paths) inputs.push(await openInput(path));
  checkOptions(options, inputs);
  const task = taskOf(inputs, options);
  const gold = await goldOf(goldPath, task, options, warnings, inputs);
  const [a, b] = [await systemOf(inputs[0], task, gold, options, warnings, terminal), await systemOf(inputs[1], task, gold, options, warnings, terminal)]; // prettier-ignore
  const decisions = gold.map((sentence) => (task === 'tag' ? sentence : asDecision(sentence)));
  const answered = decisions.map((sentence, i) => ({ sentence, a: a.labels[i], b: b.labels[i] }));
  for (const system of [a, b]) warnForeign(system, decisions, warnings);
  unlabeledNote(decisions, 'scores', inputName(goldPath), task === 'tag' ? 'token' : 'sentence').forEach(warnings.add);
  const reader = readerOf(decisions, task, options);
  const { samples = SAMPLES, seed = 1 } = options;
  const progress = quiet ? silent : createProgress(terminal.stderr, terminal.now);
  const begun = performance.now();
  const onProgress = (done: number, total: number): void => {
    const rate = (1000 * done) / Math.max(performance.now() - begun, 1);
    progress.update({ label: 'drawing samples', done, total, rate, unit: 'samples' });
  };
  const measures = pairedBootstrap(countsOf(answered, reader), { samples, seed, onProgress });
  progress.stop();
  const unit = task === 'tag' ? 'token' : 'sentence';
  const found = {
    a,
    b,
    goldName: inputName(goldPath),
    unit,
    gold: decisions,
    reader,
    samples,
    seed,
    measures,
  } as const;
  const comparison: ScoreComparison = { ...found, changes: changesOf(answered, reader) };
  if (json) return printJson(terminal, { ...jsonOf(comparison), warnings: warnings.notes });
  await print(terminal, compareReport(comparison, list, paperFor(terminal, options)));
}

async function openInput(path: string): Promise<Input> {
  const bytes = await readBytes(path);
  if (!isModelFile(bytes)) return { path, bytes };
  const model = named(inputName(path), () => loadModel(bytes));
  if (model.heads.length === 1) return { path, bytes, model };
  const names = model.config.heads.map(({ name }) => name).join(', ');
  throw new ArgumentError(
    `${inputName(path)} has the heads ${names}, and compare supports models with one head: compare files of predictions, one column at a time`,
  );
}

/** @throws ArgumentError on an option that would have no effect */
function checkOptions(options: ScoreOptions, inputs: readonly Input[]): void {
  oneColumnOf(options, 'gold labels');
  if (options.predictedColumn !== undefined && inputs.every(({ model }) => model))
    throw new ArgumentError('--predicted-column does not apply to two models: leave it out');
  if (options.list !== undefined && options.json)
    throw new ArgumentError('--list has no effect with --json, which lists every changed sentence: leave it out');
}

/** The task: that of the models, else that of the command line. @throws ArgumentError if they do not agree */
function taskOf(inputs: readonly Input[], { task }: ScoreOptions): TaskName {
  const known = inputs.flatMap(({ model, path }) =>
    model ? [{ path, task: headKindsOf(model)[0].unit === 'sentence' ? ('classify' as const) : ('tag' as const) }] : [],
  );
  const wanted = task ?? known[0]?.task ?? 'tag';
  const other = known.find((each) => each.task !== wanted);
  if (other === undefined) return wanted;
  const what = other.task === 'tag' ? 'labels words' : 'labels sentences';
  throw new ArgumentError(
    `${inputName(other.path)} ${what}, which is --task ${other.task}, not ${wanted}: compare systems of one task`,
  );
}

/** The gold sentences, read like the training data of the first model. */
function goldOf(
  path: string,
  task: TaskName,
  options: ScoreOptions,
  warnings: NoteCollector,
  inputs: readonly Input[],
): Promise<Sentence[]> {
  const like = inputs.find(({ model }) => model)?.model?.input;
  return readOne(path, task, options, warnings, { ...(like && { like }) });
}

/** A sentence label as a single decision. */
function asDecision({ tokens, category = '', line }: Sentence): Sentence {
  return { tokens: [tokens.join(' ')], labels: [category], ...(line !== undefined && { line }) };
}

/** The labels of one of the two systems. */
async function systemOf(
  { path, model, bytes }: Input,
  task: TaskName,
  gold: readonly Sentence[],
  options: ScoreOptions,
  warnings: NoteCollector,
  terminal: Terminal,
): Promise<System> {
  const name = inputName(path);
  if (model === undefined) {
    const { predictedColumn: column } = options;
    const file = { name, bytes, ...(column !== undefined && { column }) };
    const read = task === 'tag' ? tokenPredictions : sentencePredictions;
    return { name, ...(await read(file, gold, warnings)) };
  }
  const [kind] = headKindsOf(model);
  for (const sentence of gold) decisionsOf(kind, sentence, inputName(options.gold ?? ''));
  const { kernels } = await openBackend('auto', terminal);
  try {
    const predictions = predict(kernels, model, gold.map(({ tokens }) => tokens)); // prettier-ignore
    return { name, labels: predictions.map((each) => kind.chosenOf(each)), readAs: 'model' };
  } finally {
    kernels.dispose();
  }
}

/** Warns if most labels of a system do not occur in the gold sentences: it was probably trained for something else. */
function warnForeign({ name, labels }: System, gold: readonly Sentence[], warnings: NoteCollector): void {
  const known = new Set(gold.flatMap((each) => each.labels ?? []));
  const all = labels.flat();
  const foreign = all.filter((label) => !known.has(label));
  if (2 * foreign.length <= all.length) return;
  const some = [...new Set(foreign)].slice(0, 3).map((label) => quoted(label));
  const message = `${name}: ${foreign.length} of ${all.length} labels (such as ${some.join(', ')}) do not occur in the gold sentences: check that it labels the same thing, and the label column (--column)`;
  warnings.add({ kind: 'foreign-labels', message, source: name, count: foreign.length });
}

/** How spans are read, if the gold labels annotate any. @throws DataError if a mode requires spans and there are none */
function readerOf(gold: readonly Sentence[], task: TaskName, options: ScoreOptions): SpanReader | null {
  const { spanMode = 'conlleval', scheme } = options;
  const labels = task === 'tag' ? gold.flatMap((each) => each.labels ?? []) : [];
  const { kind } = spanSchemeOf(labels);
  const source = inputName(options.gold ?? '');
  const reading = spanReading({ spanMode, ...(scheme && { scheme }), source }, [...new Set(labels)], gold);
  return kind === null ? null : { mode: reading.spanMode, scheme: reading.scheme ?? null, kind };
}

function countsOf(answered: readonly Answered[], reader: SpanReader | null): Record<string, PairedCounts> {
  if (answered.length === 0) throw new DataError('expected gold sentences; got none: check the input');
  const scored = (labels: readonly string[] = []): readonly string[] => (reader ? labelsBy(reader, labels) : labels);
  const labelsOf = (of: 'a' | 'b') =>
    answered.map((each) => labelCounts(scored(each.sentence.labels), scored(each[of])));
  const accuracy = { a: labelsOf('a'), b: labelsOf('b') };
  if (reader === null) return { accuracy };
  const spansOf = (of: 'a' | 'b') => answered.map((each) => spanCountsOf(reader, each.sentence.labels ?? [], each[of]));
  return { accuracy, spanF1: { a: spansOf('a'), b: spansOf('b') } };
}

/** The object of `--json`. */
function jsonOf({ a, b, goldName, unit, gold, reader, samples, seed, measures, changes }: ScoreComparison): object {
  const { tokens: unlabeled } = countUnlabeled(gold);
  const tokens = gold.reduce((sum, each) => sum + each.tokens.length, 0) - unlabeled;
  const of = (kind: Change['kind']): number => changes.filter((each) => each.kind === kind).length;
  return {
    a: { name: a.name, readAs: a.readAs },
    b: { name: b.name, readAs: b.readAs },
    gold: {
      name: goldName,
      sentences: gold.length,
      ...(unit === 'token' && { tokens }),
      ...(unlabeled > 0 && { unlabeled }),
    },
    ...{ unit, samples, seed, measures },
    spanMode: reader?.mode ?? null,
    scheme: reader && reader.mode !== 'conlleval' ? reader.scheme : null,
    sentences: {
      same: gold.length - changes.length,
      ...{ better: of('better'), worse: of('worse'), bothWrong: of('both-wrong') },
    },
    changed: changes.map(({ place, kind, mistakes, tokens: places }) => ({
      ...(gold[place].line !== undefined && { line: gold[place].line }),
      ...{ kind, mistakes },
      tokens: places.map((t) => ({
        ...(lineOf(gold[place], t) !== undefined && { line: lineOf(gold[place], t) }),
        token: gold[place].tokens[t],
        gold: gold[place].labels![t],
        a: a.labels[place][t],
        b: b.labels[place][t],
      })),
    })),
  };
}
