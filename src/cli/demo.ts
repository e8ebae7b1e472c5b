/** `bptt demo`: a tour of the whole package in a minute, on a generated corpus. */
import type { Command } from 'commander';
import { lstm } from '../cells/index.js';
import { selectBackend } from '../kernels/index.js';
import type { Kernels } from '../kernels/index.js';
import { mostFrequentTag } from '../labeling/scoring/baseline.js';
import { generateCorpus } from '../labeling/data/corpus.js';
import { evaluate } from '../labeling/scoring/evaluate.js';
import { formatSentence } from '../labeling/data/formats/index.js';
import type { Model } from '../labeling/model/model.js';
import type { TrainOptions } from '../labeling/training/options.js';
import { predict } from '../labeling/model/predict.js';
import { saveTrained } from './train/rescue.js';
import { assertWritable } from '../serialize/save.node.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { train } from '../labeling/training/train.js';
import type { Corpora } from '../labeling/training/run.js';
import { createRng } from '../tensor/index.js';
import { inspectGradients } from './gradient.js';
import { createProgress } from './progress.js';
import { percent } from './report.js';
import type { Terminal } from './terminal.js';
import { colorsFor, print } from './terminal.js';
import { epochLine, progressOf } from './train/report.js';

const MODEL_FILE = 'bptt-demo.safetensors';
const SEED = 1;
const OPTIONS: TrainOptions = { embedding: 32, hidden: 32, dropout: 0.2, epochs: 6, batch: 16, lr: 0.005, seed: SEED };

/** The two phenomena of the corpus, each as a pair of sentences that differ in one word. */
const SENTENCES = ['the cat near the dogs sat', 'the cats near the dog sat', 'they run the run'];

const HELP = `
Trains on a made-up corpus (a seeded grammar) in which the tag of a verb depends on a noun many words before it, and the
tag of a word like "run" on its context. Writes ${MODEL_FILE} into the current folder.

Example:
  bptt demo`;

/** Adds the command. */
export function addDemo(program: Command, terminal: Terminal): void {
  program
    .command('demo')
    .description('train a small tagger on an embedded corpus and look inside, in under a minute')
    .addHelpText('after', HELP)
    .action(() => runDemo(terminal));
}

async function runDemo(terminal: Terminal): Promise<void> {
  await assertWritable(MODEL_FILE);
  const { kernels } = await selectBackend({ backend: 'auto', dtype: 'float32' });
  const colors = colorsFor(terminal.stdout, terminal.env);
  const say = (line = ''): Promise<void> => print(terminal, line);
  const corpora = demoCorpora();

  await say(
    colors.bold(`Training a bidirectional LSTM on ${corpora.train.length} made-up sentences (${kernels.backend})`),
  );
  const { model: untrained } = await train(kernels, corpora, OPTIONS, { signal: AbortSignal.abort() });
  const before = evaluate(kernels, untrained, corpora.test).accuracy;
  const { model, test } = await trainWithProgress(kernels, corpora, terminal);
  await say();
  await say(colors.bold(`Accuracy on ${corpora.test.length} sentences it has not seen`));
  await say(`  before training      ${percent(before)}`);
  await say(`  most frequent tag    ${percent(baselineAccuracy(corpora))}   each word by itself`);
  await say(`  after training       ${colors.green(percent(test?.accuracy ?? 0))}`);
  await say();
  await say(colors.bold('Three sentences'));
  for (const line of tagged(kernels, model)) await say(`  ${line}`);
  await say();
  await saySentenceLabel(kernels, corpora, say, colors.bold);
  await say();
  await sayGradient(kernels, say, colors.bold);
  await saveTrained(MODEL_FILE, model);
  kernels.dispose();
  await say();
  await say(`${colors.bold('Model file')}  ${MODEL_FILE}`);
  await say();
  await say(colors.bold('Next'));
  const call = terminal.command ?? 'bptt';
  await say(`  echo "they walk near the dogs" | ${call} tag ${MODEL_FILE} --probabilities`);
  await say(`  ${call} gradcheck --cell lstm --param Wh --at 3,7`);
  await say(`  ${call} train --help`);
}

/** Three corpora from independent streams of one seed. */
function demoCorpora(): Required<Omit<Corpora, 'sources' | 'input'>> {
  const rng = createRng(SEED);
  const part = (name: string, sentences: number): Sentence[] => generateCorpus({ sentences, rng: rng.split(name) });
  return { train: part('train', 2000), dev: part('dev', 300), test: part('test', 500) };
}

async function trainWithProgress(kernels: Kernels, corpora: Corpora, terminal: Terminal) {
  const progress = createProgress(terminal.stderr, terminal.now);
  const colors = colorsFor(terminal.stderr, terminal.env);
  try {
    return await train(kernels, corpora, OPTIONS, {
      onProgress: (state) => progress.update(progressOf(state)),
      onEpoch: (record) => progress.line(`  ${epochLine(record, OPTIONS.epochs ?? 0, colors)}`),
    });
  } finally {
    progress.stop();
  }
}

function baselineAccuracy({ train: learned, test }: Required<Omit<Corpora, 'sources' | 'input'>>): number {
  const baseline = mostFrequentTag(learned);
  let correct = 0;
  let tokens = 0;
  for (const sentence of test) {
    const predicted = baseline.predict(sentence.tokens);
    tokens += predicted.length;
    correct += predicted.filter((label, i) => label === sentence.labels?.[i]).length;
  }
  return correct / tokens;
}

function tagged(kernels: Kernels, model: Model): string[] {
  const sentences = SENTENCES.map((text) => text.split(' '));
  const predictions = predict(kernels, model, sentences);
  return sentences.map((tokens, i) => formatSentence({ tokens, ...predictions[i] }, 'text').trimEnd());
}

/** A second, smaller model: one label for the whole sentence, singular or plural subject. */
async function saySentenceLabel(
  kernels: Kernels,
  corpora: Required<Omit<Corpora, 'sources' | 'input'>>,
  say: (line: string) => Promise<void>,
  bold: (text: string) => string,
) {
  const labeled = (sentences: readonly Sentence[]) => sentences.map((s) => ({ ...s, category: subjectOf(s) }));
  const { model } = await train(
    kernels,
    { train: labeled(corpora.train).slice(0, 1000) },
    { ...OPTIONS, epochs: 3, task: 'classify' },
  );
  const tokens = SENTENCES[0].split(' ');
  const [{ category, categoryProbability = 0 }] = predict(kernels, model, [tokens], { probabilities: true });
  await say(bold('One label for a whole sentence (bptt train --task classify)'));
  await say(`  ${tokens.join(' ')}   ${category}, probability ${categoryProbability.toFixed(4)}`);
}

/** The number of the subject, or `action` if the sentence has no number of its own. */
function subjectOf({ labels = [] }: Sentence): string {
  if (labels.includes('V.PL')) return 'plural-subject';
  return labels.includes('V.SG') ? 'singular-subject' : 'action';
}

async function sayGradient(kernels: Kernels, say: (line: string) => Promise<void>, bold: (text: string) => string) {
  const query = { hidden: 8, steps: 6, seed: SEED, param: 'Wh', at: [3, 7] };
  const [{ analytic, numeric, relativeError, agrees }] = inspectGradients(kernels, lstm, query);
  await say(bold('One gradient: ∂L/∂Wh[3, 7] of an LSTM over 6 steps'));
  await say(`  backpropagation through time   ${analytic.toExponential(12)}`);
  await say(`  finite difference              ${numeric.toExponential(12)}`);
  await say(
    `  relative error                 ${relativeError.toExponential(1)}, ${agrees ? 'they agree' : 'they DISAGREE'}`,
  );
}
