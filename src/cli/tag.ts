/** `bptt tag`: labels unlabeled sentences, in bounded memory. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { readPackageInfo } from '../bench/package-info.js';
import { CONLLU_COLUMNS, OUTPUTS } from '../labeling/data/formats/index.js';
import { OFFSET_UNITS } from '../labeling/data/offsets.js';
import { loadModel } from '../labeling/model/file.js';
import type { Model } from '../labeling/model/model.js';
import { ArgumentError } from '../tensor/index.js';
import { labelColumns, oneOf, threadCount } from './arguments.js';
import { addBackendOption } from './backend.js';
import { named, readBytes } from './model-io.js';
import { checkOutputs } from './outputs.js';
import { openOwnCell } from './own-cell.js';
import { addReadingOptions, refuseForRawText } from './reading-options.js';
import type { Piece } from './shard/cut.js';
import type { PieceOrigin } from './shard/manifest.js';
import { manifestOf, sha256Of } from './shard/manifest.js';
import type { Shard } from './shard/which.js';
import { shardOf, shardOption } from './shard/which.js';
import { answerAll } from './tag/answer.js';
import { labelsSentences, spanHeads } from './tag/heads.js';
import { openInput } from './tag/input.js';
import type { TagOptions as Options } from './tag/options.js';
import { conlluColumns, openRoute } from './tag/routes.js';
import { openTarget } from './tag/target.js';
import type { TagPool } from './tag/workers.js';
import { openTagPool, openTagWorkers } from './tag/workers.js';
import type { Terminal } from './terminal.js';
import { collectWarnings } from './warnings.js';

const HELP = `
Without --format the input is raw text: each line is split into sentences and tokens by the rules of Unicode
(Intl.Segmenter). With --format it is already tokenized, and its labels are ignored. Sentences are labeled as soon as they
are complete, a raw line at its end, even while input is still arriving. (conll first reads 200 lines to tell the columns apart.)

Input in the format of the model's training data is read from the same columns, unless options say otherwise.

For a model that labels sentences (bptt train --task classify), each line gets its label and its probability; the line is
split into tokens like the training data. Outputs are text (label, tab, probability) and jsonl
({"tokens": …, "label": …, "probability": …}); a blank line stays blank.

Outputs: text (word/TAG, one sentence per line), slashed (the same, to be read back), conll (word, tab, tag), conllu (the input's
own lines, or new ones, with labels in their columns), jsonl ({"tokens": …, "labels": …}).

--output spans prints one JSON object per line of text: {"line", "text", "spans": [{"start", "end", "type", "text", "score",
"sentence"}]}. start and end count UTF-16 code units within the text, from 0, so that text.slice(start, end) is the span;
--offsets codepoints counts as Python does. If the labels are not spans, as in part-of-speech tagging, every token is a span. With
--format jsonl the input has {"text": …} or {"tokens": …} per line, and its other fields are kept.

With several heads, text and conll have the labels of all, then their probabilities; jsonl has objects keyed by head. An intent
is before a tab in text, in a comment "# label = …" in conll, and in "label" in jsonl.

Example:
  echo "They run. The run was long." | bptt tag tagger.safetensors
  bptt tag ner.safetensors notes.txt --output spans
  bptt tag ner.safetensors corpus.conll --format conll --output jsonl --spans
  bptt tag tagger.safetensors corpus.conllu --format conllu --output conllu
  bptt tag tagger.safetensors corpus.conllu --format conllu --output jsonl --probabilities
  bptt tag tagger.safetensors corpus.txt --threads auto
  bptt tag tagger.safetensors corpus.txt --shard 3/16 --out piece-3.txt`;

/** Adds the command. */
export function addTag(program: Command, terminal: Terminal): void {
  const command = program
    .command('tag')
    .description('label raw text or tokenized sentences')
    .argument('<model>', 'model file')
    .argument('[file]', 'input, or - for standard input', '-')
    .option('--output <name>', `format of the output: ${OUTPUTS.join(', ')}, spans`, oneOf(...OUTPUTS, 'spans'), 'text')
    .option('--probabilities', 'add the probability of each label')
    .option('--spans', 'with --output jsonl: add the spans of the labels, each with its probability')
    .option(
      '--offsets <unit>',
      'with --output spans: unit of start and end, utf16 (default) or codepoints',
      oneOf(...OFFSET_UNITS),
    )
    .option(
      '--column <columns>',
      "with --output conllu: the column to write, or several, one for each head (default: the model's)",
      labelColumns,
    )
    .option('--threads <n>', 'threads that label, or auto: one per core. The output is the same', threadCount, 1)
    .option('--out <file>', 'write to a file, which appears when it is complete (default: standard output)')
    .option(
      '--shard <i/n>',
      'label only piece i of n, from 1; slurm/n and kubernetes/n take i from the environment. With --out: also write a manifest, and keep a finished piece',
      shardOption,
    )
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addReadingOptions(command, 'the input is tokenized, in this format', false);
  addBackendOption(command).action((model: string, file: string, options: Options) =>
    runTag(model, file, options, terminal),
  );
}

async function runTag(modelFile: string, file: string, options: Options, terminal: Terminal): Promise<void> {
  checkOptions(options);
  const shard = options.shard && shardOf(options.shard, terminal.env);
  await checkFiles(modelFile, file, options);
  const bytes = await readBytes(modelFile);
  const early = file !== '-' && (await isLarge(file));
  const pool = openTagPool({ bytes, path: modelFile, ...options }, early);
  try {
    const cell = await openOwnCell(options.cell, terminal);
    const model = named(modelFile, () => loadModel(bytes, cell));
    checkOutput(model, options);
    await tagFile({ model, bytes, file, options, pool, shard }, terminal);
  } finally {
    await pool.close();
  }
}

/** Input size in bytes at which starting threads early pays off. */
const LARGE = 1 << 20;

async function isLarge(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined); // opening it reports why
  return found !== undefined && found.isFile() && found.size > LARGE;
}

/** What to label, and the model that labels it. */
interface Tagging {
  readonly model: Model;
  /** The bytes of the model file. */
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly options: Options;
  readonly pool: TagPool;
  readonly shard?: Shard;
}

async function tagFile({ model, bytes, file, options, pool, shard }: Tagging, terminal: Terminal): Promise<void> {
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const input = await openInput(file, options, shard);
  const target = await openTarget(options.out, terminal, input.piece && originOf(input.piece, bytes, options));
  if (target === undefined) return; // the piece is already finished
  try {
    const route = await openRoute({ model, input, options, warnings });
    const { settings } = route;
    const workers = await openTagWorkers({ model, pool, settings, backend: options.backend }, terminal);
    try {
      await target.commit(await answerAll(route, target, workers), input.piece);
    } finally {
      await workers.close();
    }
  } finally {
    await target.discard();
    if (file === '-') process.stdin.destroy(); // an error ends the program even if the writer keeps the pipe open
  }
}

/** Options that do not change the output, or are recorded elsewhere. */
const ELSEWHERE: readonly string[] = ['threads', 'shard', 'out', 'cell'];

/** The inputs that a piece is made from. */
function originOf({ i, n, bytes, sha256 }: Piece, model: Uint8Array, options: Options): PieceOrigin {
  const given = Object.entries(options).filter(([name]) => !ELSEWHERE.includes(name));
  return {
    format: 'bptt-piece',
    version: 1,
    bptt: readPackageInfo().version,
    shard: { i, n },
    input: { bytes, sha256 },
    model: { sha256: sha256Of(model) },
    options: Object.fromEntries(given),
  };
}

/** @throws ArgumentError if the output would overwrite an input */
async function checkFiles(model: string, file: string, { out, shard, cell }: Options): Promise<void> {
  if (out === undefined) return;
  const manifest = shard && out !== '' && out !== '-' ? { 'the manifest of --out': manifestOf(out) } : {};
  await checkOutputs({ '--out': out, ...manifest }, [model, file === '-' ? undefined : file, cell]);
}

/** @throws ArgumentError on options that do not go together */
function checkOptions(options: Options): void {
  const { format, output, probabilities, spans, offsets, column } = options;
  if (format === undefined && output !== 'conllu') refuseForRawText(options);
  if (['slashed', 'conllu', 'spans'].includes(output) && probabilities) {
    const why = output === 'spans' ? 'has a score for each span, and no --probabilities' : 'holds no --probabilities';
    throw new ArgumentError(`--output ${output} ${why}: leave one out`);
  }
  if (spans && output !== 'jsonl')
    throw new ArgumentError('--spans needs --output jsonl: add it, or leave out --spans');
  if (offsets !== undefined && output !== 'spans')
    throw new ArgumentError('--offsets needs --output spans: add it, or leave out --offsets');
  if (column !== undefined && output !== 'conllu')
    throw new ArgumentError('--column names the column that --output conllu writes: add it, or leave out --column');
}

/** @throws ArgumentError if the output cannot represent what the model predicts */
function checkOutput(model: Model, options: Options): void {
  const { output, column, spans } = options;
  if (spans && spanHeads(model).length === 0) {
    throw new ArgumentError('--spans: the labels of this model are not spans, such as B-PER: leave it out');
  }
  if (labelsSentences(model) && output !== 'text' && output !== 'jsonl') {
    throw new ArgumentError(
      `--output ${output} has one label per word; this model labels sentences: choose text or jsonl`,
    );
  }
  const names = model.config.heads.map(({ name }) => name);
  if (output === 'slashed' && names.length > 1) {
    throw new ArgumentError(
      `--output slashed has one label per word; this model has ${names.join(', ')}: choose text, conll or jsonl`,
    );
  }
  if (output !== 'conllu') return;
  const columns = conlluColumns(model, options);
  if (column !== undefined || model.input?.format === 'conllu') return;
  if (columns.length > 0 && columns.every((each) => each !== undefined && CONLLU.includes(each.toLowerCase()))) return;
  throw new ArgumentError(
    '--output conllu is for models that were trained on columns of CoNLL-U, such as upos: set the column to write (--column), or choose another output',
  );
}

const CONLLU: readonly string[] = CONLLU_COLUMNS;
