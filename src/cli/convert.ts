/** `bptt convert`: labeled sentences in another scheme of spans, or repaired in their own. */
import type { Command } from 'commander';
import { inputName, readCorpus } from '../labeling/data/files.node.js';
import { formatSentence, needsSpelling, OUTPUTS } from '../labeling/data/formats/index.js';
import type { Output, Reading } from '../labeling/data/formats/index.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { DetectedScheme, Scheme } from '../labeling/data/schemes.js';
import { detectScheme, SCHEMES } from '../labeling/data/schemes.js';
import { convertPartial, countUnlabeled, UNLABELED } from '../labeling/data/unlabeled.js';
import type { Sentence, TaggedSentence } from '../labeling/data/sentence.js';
import { saveFile } from '../serialize/save.node.js';
import { ArgumentError, DataError } from '../tensor/index.js';
import { counted, grouped } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { oneOf, schemeName } from './arguments.js';
import { checkOutputs } from './outputs.js';
import type { ReadingOptions } from './reading-options.js';
import { addReadingOptions, readOptionsOf, refuseCutting, oneColumnOf } from './reading-options.js';
import { addRequired } from './required.js';
import type { Terminal } from './terminal.js';
import { print, printJson, write } from './terminal.js';
import { collectWarnings } from './warnings.js';

interface Options extends ReadingOptions {
  readonly scheme: Scheme;
  readonly from?: Scheme;
  readonly output?: Exclude<Output, 'text'>;
  readonly json?: boolean;
}

/** What the labels are written in where the output is not named: what the input is written in, where it can be. */
const OUTPUT_OF: Readonly<Record<string, Options['output']>> = { jsonl: 'jsonl', slashed: 'slashed' };

const HELP = `
Schemes: ${SCHEMES.join(', ')} (BIO is IOB2, BIOES is IOBES). The scheme of the input is found from its labels, and
printed with the evidence. Labels that break it are repaired: spans are read as conlleval reads them (a span begins at B, S or
U, and at any label that cannot continue the one before) and written anew. How many labels that changed is printed; the same
name twice, --from and --scheme, repairs alone. Labels without a position are left as they are.

The output holds words and labels: conll (word, tab, label), slashed or jsonl. Other columns and comments are not copied.

Exit status: 0, 1 failure, 2 usage, 65 bad data.

Example:
  bptt convert --scheme iobes train.conll train.iobes.conll`;

/** Adds the command. */
export function addConvert(program: Command, terminal: Terminal): void {
  const command = program
    .command('convert')
    .description('write the labels of spans in another scheme, or repair them')
    .argument('<in>', 'labeled sentences, or - for standard input')
    .argument('[out]', 'file to write, or - for standard output', '-')
    .addHelpText('after', HELP);
  addRequired(command, '--scheme <name>', `scheme to write: ${SCHEMES.join(', ')}`, schemeName)
    .option('--from <name>', 'scheme of the input (default: by its labels)', schemeName)
    .option('--output <name>', 'conll, slashed, jsonl (default: as the input)', oneOf(...OUTPUTS.filter((o) => o !== 'text' && o !== 'conllu')))
    .option('--json', 'print one JSON object about the conversion'); // prettier-ignore
  addReadingOptions(command, 'format of the input (default: by content)', true);
  command.action((input: string, output: string, options: Options) => runConvert(input, output, options, terminal));
}

async function runConvert(input: string, out: string, options: Options, terminal: Terminal): Promise<void> {
  if (options.json && out === '-')
    throw new ArgumentError('--json: the labels go to standard output here: name a file for them, or leave --json out');
  oneColumnOf(options, 'labels to convert');
  if (out !== '-') await checkOutputs({ out }, [input]);
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  let reading: Reading | undefined;
  const onReading = (found: Reading): void => {
    refuseCutting(options, found);
    reading = found;
  };
  const sentences = await readCorpus(input, { ...readOptionsOf(options, warnings), onReading });
  const source = inputName(input);
  const detected = detectedOf(sentences, options, source);
  const from = detected.scheme!;
  noteNoSpans(sentences, source, warnings);
  const output = options.output ?? OUTPUT_OF[reading?.format ?? ''] ?? 'conll';
  const mark = options.unlabeled ?? '_';
  let [repairs, changed] = [0, 0];
  const converted = sentences.map((sentence): TaggedSentence => {
    const labels = sentence.labels ?? [];
    const made = convertPartial(labels, from, options.scheme);
    repairs += made.repairs;
    changed += made.labels.filter((label, i) => label !== labels[i]).length;
    return { ...sentence, labels: made.labels };
  });
  noteGaps(sentences, converted, mark, source, warnings);
  noteLosses(sentences, output, reading, source, warnings);
  const text = converted.map((sentence) => formatSentence(marked(sentence, mark), output)).join('');
  if (out === '-') await write(terminal.stdout, text);
  else await saveFile(out, new TextEncoder().encode(text));
  const told = { from, to: options.scheme, evidence: detected.evidence, sentences: sentences.length, changed, repairs };
  const line =
    `${source}: ${from} (${detected.evidence}) → ${options.scheme}: ${counted(sentences.length, 'sentence')}, ` +
    `${counted(changed, 'label')} changed, ${grouped(repairs)} repaired${placeOf(sentences, detected)}`;
  if (options.json) return printJson(terminal, { ...told, output, out, warnings: warnings.notes });
  if (out === '-') terminal.stderr.write(`${visible(line)}\n`);
  else await print(terminal, visible(line));
}

/** The scheme of the input: the one that is named, or the one its labels show. @throws DataError where they show none */
function detectedOf(sentences: readonly Sentence[], { from }: Options, source: string): DetectedScheme {
  const labels = sentences.map((each) => each.labels ?? []);
  if (from === undefined) {
    const detected = detectScheme(labels);
    if (detected.scheme !== null) return detected;
    throw new DataError(
      `${source}: its labels do not annotate spans: expected O, B-PER, I-PER and the like; choose another column (--column), or name their scheme (--from)`,
    );
  }
  const repairs = labels.map((own) => convertPartial(own, from, from).repairs);
  const first = repairs.findIndex((count) => count > 0);
  return { scheme: from, evidence: 'as named', repairs: 0, ...(first >= 0 && { first }) };
}

/** A sentence as it is written: with the mark in place of labels that are missing. */
function marked(sentence: TaggedSentence, mark: string): TaggedSentence {
  return { ...sentence, labels: sentence.labels.map((label) => (label === UNLABELED ? mark : label)) };
}

/** Says how missing labels are written, and which became missing: those that depend on a missing one. */
function noteGaps(
  sentences: readonly Sentence[],
  converted: readonly Sentence[],
  mark: string,
  source: string,
  warnings: NoteCollector,
): void {
  const [before, after] = [countUnlabeled(sentences), countUnlabeled(converted)];
  if (before.tokens === 0) return;
  const lost = after.tokens - before.tokens;
  const more = lost === 0 ? '' : `, and so ${lost === 1 ? 'is 1 label beside them' : `are ${grouped(lost)} labels beside them`}, which depend on what is missing`; // prettier-ignore
  const message = `${source}: ${counted(before.tokens, 'token')} without label ${before.tokens === 1 ? 'is' : 'are'} written as ${mark}${more}`;
  warnings.add({ kind: 'unlabeled', message, source, count: before.tokens });
}

/** `, the first in the sentence at line 12`. */
function placeOf(sentences: readonly Sentence[], { first }: DetectedScheme): string {
  const line = first === undefined ? undefined : sentences[first].line;
  return line === undefined ? '' : `, the first in the sentence at line ${line}`;
}

/** Labels without spans stay as they are, whatever scheme was named. */
function noteNoSpans(sentences: readonly Sentence[], source: string, warnings: NoteCollector): void {
  if (detectScheme(sentences.map(({ labels = [] }) => labels)).scheme !== null) return;
  const message = `${source}: its labels do not annotate spans, so nothing was converted: expected O, B-PER, I-PER and the like; choose another column (--column)`;
  warnings.add({ kind: 'no-spans', message, source });
}

/** Says what the output does not hold. */
function noteLosses(
  sentences: readonly Sentence[],
  output: Output,
  reading: Reading | undefined,
  source: string,
  warnings: NoteCollector,
): void {
  const { format, width = format === 'conllu' ? 10 : 2, ids } = reading ?? {};
  const others = width - 2 - (ids ? 1 : 0);
  if (others > 0) {
    const message = `${source}: ${counted(others, 'other column')} and comments are not copied: the output has words and labels`;
    warnings.add({ kind: 'columns', message, source, count: others });
  }
  const classes = sentences.filter(({ category }) => category !== undefined).length;
  if (classes > 0 && output !== 'jsonl') {
    const message = `${source}: the labels of ${counted(classes, 'sentence')} are not copied: use --output jsonl to keep them`;
    warnings.add({ kind: 'categories', message, source, count: classes });
  }
  const spelled = sentences.reduce((sum, { tokens }) => sum + tokens.filter(needsSpelling).length, 0);
  if (spelled > 0 && output === 'conll') {
    const message = `${counted(spelled, 'token')} that cannot stand in a column ${spelled === 1 ? 'was' : 'were'} spelled (\\t, \\n, \\u0020): use --output jsonl to keep them`;
    warnings.add({ kind: 'spelled', message, count: spelled });
  }
}
