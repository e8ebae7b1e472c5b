/** `bptt tag`: labels for sentences that have none, in bounded memory. */
import type { Command } from 'commander';
import { openSentences, openText, slotFolder } from '../labeling/data/files.node.js';
import { FORMATS, formatSentence, OUTPUTS } from '../labeling/data/formats/index.js';
import type { Format, Output } from '../labeling/data/formats/index.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { createTagger } from '../labeling/model/tagger.js';
import type { Tagger } from '../labeling/model/tagger.js';
import { oneOf } from './arguments.js';
import { addBackendOption, openBackend } from './backend.js';
import { groupsOf } from './groups.js';
import { readModel } from './model-io.js';
import { openOwnCell } from './own-cell.js';
import type { Terminal } from './terminal.js';
import { write } from './terminal.js';

interface Options {
  readonly cell?: string;
  readonly format?: Format;
  readonly output: Output;
  readonly probabilities?: boolean;
  readonly backend: string;
}

/** Sentences are labeled together until they have so many tokens: enough to share matmuls, little enough to hold. */
const TOKENS_AT_ONCE = 8192;

/** Raw text without any end of sentence is cut after so many tokens; no sentence is as long. */
const LONGEST_RAW_SENTENCE = 2048;

const HELP = `
Without --format the input is raw text: each line is split into sentences and tokens by the rules of Unicode
(Intl.Segmenter). With --format it is tokenized already, and labels in it are ignored. Sentences are answered as soon as
they are complete: a raw line at its end, also while the input goes on. (conll judges its columns by the first 200 lines.)

Outputs: text (word/TAG, one sentence a line), conll (word, tab, tag), jsonl ({"tokens": …, "labels": …}).

Example:
  echo "They run. The run was long." | bptt tag tagger.safetensors
  bptt tag tagger.safetensors corpus.conllu --format conllu --output jsonl --probabilities`;

/** Adds the command. */
export function addTag(program: Command, terminal: Terminal): void {
  const command = program
    .command('tag')
    .description('label raw text, or sentences that are tokenized already')
    .argument('<model>', 'model file')
    .argument('[file]', 'input, or - for standard input', '-')
    .option('--format <name>', `the input is tokenized, in this format: ${FORMATS.join(', ')}`, oneOf(...FORMATS))
    .option('--output <name>', `format of the output: ${OUTPUTS.join(', ')}`, oneOf(...OUTPUTS), 'text')
    .option('--probabilities', 'add the probability of each label')
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addBackendOption(command).action((model: string, file: string, options: Options) =>
    runTag(model, file, options, terminal),
  );
}

async function runTag(modelFile: string, file: string, options: Options, terminal: Terminal): Promise<void> {
  const { format, output, probabilities, backend } = options;
  const model = await readModel(modelFile, await openOwnCell(options.cell));
  const { kernels } = await openBackend(backend, terminal);
  const tagger = createTagger(model, kernels);
  const folder = format ? undefined : await slotFolder(file);
  if (folder !== undefined && folder !== file) {
    terminal.stderr.write(`bptt: ${file} is read as raw text; with --format slots its words are taken as they stand\n`);
  }
  const sentences = format ? openSentences(file, { format, labels: 'ignored' }) : cut(openText(file));
  try {
    for await (const group of groupsOf(sentences, TOKENS_AT_ONCE)) {
      await write(terminal.stdout, tagGroup(tagger, group, output, probabilities));
    }
  } finally {
    tagger.dispose();
    kernels.dispose();
    if (file === '-') process.stdin.destroy(); // an error ends the program, also while the writer keeps the pipe open
  }
}

function tagGroup(tagger: Tagger, group: readonly Sentence[], output: Output, probabilities?: boolean): string {
  const predictions = tagger.tag(
    group.map((sentence) => sentence.tokens),
    { probabilities },
  );
  return group.map((sentence, i) => formatSentence({ ...sentence, ...predictions[i] }, output)).join('');
}

async function* cut(sentences: AsyncIterable<Sentence>): AsyncGenerator<Sentence> {
  for await (const { tokens } of sentences) {
    for (let i = 0; i < tokens.length; i += LONGEST_RAW_SENTENCE) {
      yield { tokens: tokens.slice(i, i + LONGEST_RAW_SENTENCE) };
    }
  }
}
