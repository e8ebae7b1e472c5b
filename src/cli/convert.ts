/**
 * `bptt convert`: converts labeled sentences to another format, and span labels to another scheme, or repairs them in their own
 * scheme.
 */
import type { Command } from 'commander';
import { inputName, readCorpus } from '../labeling/data/files.node.js';
import { CONLLU_COLUMNS, columnList } from '../labeling/data/formats/index.js';
import type { Reading } from '../labeling/data/formats/index.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { OffsetUnit } from '../labeling/data/offsets.js';
import { OFFSET_UNITS } from '../labeling/data/offsets.js';
import type { DetectedScheme, Scheme } from '../labeling/data/schemes.js';
import { detectScheme, SCHEMES } from '../labeling/data/schemes.js';
import { convertPartial, countUnlabeled } from '../labeling/data/unlabeled.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { saveFile } from '../serialize/save.node.js';
import { ArgumentError, DataError } from '../tensor/index.js';
import { counted, grouped } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { oneOf, schemeName } from './arguments.js';
import { asksForClasses, CLASS_OUTPUTS, convertClasses } from './convert/classified.js';
import { createLosses } from './convert/losses.js';
import type { Losses } from './convert/losses.js';
import type { TokenOutput } from './convert/write.js';
import { holdsSpans, TOKEN_OUTPUTS, writtenTexts } from './convert/write.js';
import { checkOutputs } from './outputs.js';
import type { ReadingOptions } from './reading-options.js';
import { addReadingOptions, readOptionsOf, refuseCutting, oneColumnOf } from './reading-options.js';
import type { Terminal } from './terminal.js';
import { print, printJson, write } from './terminal.js';
import { collectWarnings } from './warnings.js';

/** As passed by commander. */
export interface ConvertOptions extends ReadingOptions {
  readonly scheme?: Scheme;
  readonly from?: Scheme;
  readonly output?: TokenOutput | (typeof CLASS_OUTPUTS)[number];
  readonly task?: 'tag' | 'classify';
  readonly toColumn?: string;
  readonly offsets?: OffsetUnit;
  readonly json?: boolean;
}

/** The default output format: that of the input, if it can be written. */
const OUTPUT_OF: Readonly<Record<string, TokenOutput>> = { jsonl: 'jsonl', slashed: 'slashed', conllu: 'conllu' };

const OUTPUTS = [...new Set([...TOKEN_OUTPUTS, ...CLASS_OUTPUTS])];

const HELP = `
Formats: every format that is read converts to conll (word, tab, label), conllu, slashed, jsonl and, for labels of spans, to
doccano, prodigy, brat and spans (the JSON of bptt tag --output spans). brat is two files, out.ann and out.txt. Sentences with one
label each (--task classify): tsv, jsonl and fasttext convert to each other.

Schemes: ${SCHEMES.join(', ')} (BIO is IOB2, BIOES is IOBES). Without --scheme labels stay as they are. With it, the scheme of the
input is detected from its labels, and printed with the evidence. Labels that break it are repaired: spans are read as conlleval
reads them (a span begins at B, S or U, and at any label that cannot continue the previous one) and written again. The number of
labels changed is printed; the same name for --from and --scheme only repairs. Labels without a position stay as they are.

What the output cannot hold is counted in one line: comments, other columns, other fields. What it would misrepresent is refused
with its line: a word with a tab in columns, labels without spans in doccano.

Exit status: 0, 1 failure, 2 usage, 65 bad data.

Example:
  bptt convert --scheme iobes train.conll train.iobes.conll
  bptt convert --output prodigy train.conll train.jsonl
  bptt convert --output conll annotated/ train.conll
  bptt convert --task classify --output fasttext reviews.tsv reviews.txt`;

/** Adds the command. */
export function addConvert(program: Command, terminal: Terminal): void {
  const command = program
    .command('convert')
    .description('convert labeled sentences to another format, or span labels to another scheme, or repair them')
    .argument('<in>', 'labeled sentences, or - for standard input')
    .argument('[out]', 'file to write, or - for standard output', '-')
    .option('--scheme <name>', `scheme to write: ${SCHEMES.join(', ')} (default: labels as they are)`, schemeName)
    .option('--from <name>', 'scheme of the input (default: by its labels)', schemeName)
    .option('--output <name>', `${OUTPUTS.join(', ')} (default: as the input, where it can be)`, oneOf(...OUTPUTS))
    .option('--task <name>', 'tag: a label for each word; classify: one for the sentence (default: by format and output)', oneOf('tag', 'classify'))
    .option('--to-column <name>', 'with --output conllu: column of the labels (default: of the input; else misc for spans, upos for others)', conlluColumn)
    .option('--offsets <unit>', 'unit of start and end in the output: utf16, codepoints (default: doccano, spans: utf16; prodigy, brat: codepoints)', oneOf(...OFFSET_UNITS))
    .option('--json', 'print one JSON object about the conversion')
    .addHelpText('after', HELP); // prettier-ignore
  addReadingOptions(command, 'format of the input (default: by content)', true);
  command.action((input: string, output: string, options: ConvertOptions) => runConvert(input, output, options, terminal)); // prettier-ignore
}

function conlluColumn(text: string): string {
  return oneOf(...CONLLU_COLUMNS.filter((name) => name !== 'id' && name !== 'form'))(text.toLowerCase());
}

async function runConvert(input: string, out: string, options: ConvertOptions, terminal: Terminal): Promise<void> {
  if (options.json && out === '-')
    throw new ArgumentError(
      '--json: standard output is used for the labels: pass a file for them, or leave --json out',
    );
  if (options.scheme === undefined && options.output === undefined)
    throw new ArgumentError('expected --output or --scheme; got neither: pass one');
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const losses = createLosses();
  const task = { input, out, options, terminal, warnings, losses };
  if (asksForClasses(options)) await convertClasses(task);
  else await convertTokens(task);
}

/** Runs one conversion. */
export interface Conversion {
  readonly input: string;
  readonly out: string;
  readonly options: ConvertOptions;
  readonly terminal: Terminal;
  readonly warnings: NoteCollector;
  readonly losses: Losses;
}

async function convertTokens({ input, out, options, terminal, warnings, losses }: Conversion): Promise<void> {
  const column = oneColumnOf(options, 'labels to convert');
  if (out !== '-') await checkOutputs(filesOf(out, options.output), [input]);
  const { sentences, reading } = await readAll(input, options, warnings, losses);
  const source = inputName(input);
  const output = (options.output ?? OUTPUT_OF[reading.format] ?? 'conll') as TokenOutput;
  expectFitting(options, output, out);
  const scheme = holdsSpans(output) ? 'IOB2' : options.scheme;
  const detected = scheme && detectedOf(sentences, options, source, holdsSpans(output) ? output : undefined);
  if (options.scheme) noteNoSpans(sentences, source, warnings);
  const { converted, changed, repairs } = inScheme(sentences, detected?.scheme ?? undefined, scheme);
  if (!holdsSpans(output)) noteGaps(sentences, converted, markOf(options, output) ?? 'null', source, warnings);
  const { tokenizer, locale } = reading;
  const texts = writtenTexts(converted, {
    output,
    source,
    losses,
    column: options.toColumn ?? (reading.format === 'conllu' ? (column ?? String(columnList(reading.column!)[0])) : usualColumn(sentences)), // prettier-ignore
    cutting: { ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }) },
    ...(markOf(options, output) !== undefined && { mark: markOf(options, output) }),
    ...(options.offsets && { unit: options.offsets }),
  });
  losses.note(source, output, warnings);
  await save(texts, out, terminal);
  const told = { from: detected?.scheme ?? null, to: options.scheme ?? null, evidence: detected?.evidence ?? '', format: reading.format, sentences: sentences.length, changed, repairs }; // prettier-ignore
  if (options.json) return printJson(terminal, { ...told, output, out, losses: losses.counts, warnings: warnings.notes }); // prettier-ignore
  const line = visible(reportOf(source, reading, output, options, detected, { sentences: sentences.length, changed, repairs, place: detected ? placeOf(sentences, detected) : '' })); // prettier-ignore
  if (out === '-') terminal.stderr.write(`${line}\n`);
  else await print(terminal, line);
}

/** The files to be written, by the option that names them. */
function filesOf(out: string, output: ConvertOptions['output']): Record<string, string> {
  return output === 'brat' ? { out: bratFiles(out).annotations, 'the text next to out': bratFiles(out).text } : { out };
}

/** The two files of a brat document. @throws ArgumentError if the name is that of neither */
function bratFiles(out: string): { text: string; annotations: string } {
  const stem = /^(.+)\.(ann|txt)$/s.exec(out)?.[1];
  if (stem !== undefined) return { text: `${stem}.txt`, annotations: `${stem}.ann` };
  throw new ArgumentError(`--output brat writes two files, such as out.ann and out.txt; got ${out}: pass one of them`);
}

async function readAll(
  input: string,
  options: ConvertOptions,
  warnings: NoteCollector,
  losses: Losses,
): Promise<{ sentences: Sentence[]; reading: Reading }> {
  let reading: Reading | undefined;
  const onReading = (found: Reading): void => {
    refuseCutting(options, found);
    reading = found;
  };
  const keepsLines = (): boolean => reading?.format === 'conllu' && (options.output ?? 'conllu') === 'conllu';
  const sentences = await readCorpus(input, {
    ...readOptionsOf(options, warnings),
    onReading,
    keepSource: true,
    tokenLines: true,
    onDropped: (kind, count) => {
      if (!keepsLines()) losses.add(kind, count);
    },
  });
  return { sentences, reading: reading! };
}

/** Rejects options that do not apply to the output. @throws ArgumentError naming the first */
function expectFitting(options: ConvertOptions, output: TokenOutput, out: string): void {
  const { scheme, from, toColumn, offsets } = options;
  const refuse = (flag: string, why: string): never => {
    throw new ArgumentError(`${flag} ${why}: leave it out, or choose another output`);
  };
  if (!TOKEN_OUTPUTS.includes(output)) refuse(`--output ${output}`, 'holds one label per sentence (--task classify)');
  if (output === 'brat') bratFiles(out);
  if (holdsSpans(output) && scheme !== undefined) refuse('--scheme', `does not apply to ${output}, which holds the spans themselves`); // prettier-ignore
  if (!holdsSpans(output) && offsets !== undefined) refuse('--offsets', `does not apply to ${output}, which has no offsets`); // prettier-ignore
  if (!holdsSpans(output) && scheme === undefined && from !== undefined) refuse('--from', 'has no effect without --scheme'); // prettier-ignore
  if (output !== 'conllu' && toColumn !== undefined) refuse('--to-column', `does not apply to ${output}`);
}

/** The CoNLL-U columns for span labels and for other labels. */
const usualColumn = (sentences: readonly Sentence[]): string =>
  detectScheme(sentences.map(({ labels = [] }) => labels)).scheme === null ? 'upos' : 'misc';

/** Representation of a missing label: as it was read, else `_`; undefined in JSON Lines, which use `null`. */
function markOf({ unlabeled }: ConvertOptions, output: TokenOutput): string | undefined {
  if (output === 'conllu') return '_';
  return unlabeled ?? (output === 'jsonl' ? undefined : '_');
}

function inScheme(sentences: readonly Sentence[], from: Scheme | undefined, to: Scheme | undefined) {
  let [repairs, changed] = [0, 0];
  if (from === undefined || to === undefined) return { converted: sentences, changed, repairs };
  const converted = sentences.map((sentence): Sentence => {
    const labels = sentence.labels ?? [];
    const made = convertPartial(labels, from, to);
    repairs += made.repairs;
    changed += made.labels.filter((label, i) => label !== labels[i]).length;
    return { ...sentence, labels: made.labels };
  });
  return { converted, changed, repairs };
}

async function save(
  { text, annotations }: { text: string; annotations?: string },
  out: string,
  terminal: Terminal,
): Promise<void> {
  const bytes = (content: string) => new TextEncoder().encode(content);
  if (annotations !== undefined) {
    const files = bratFiles(out);
    await saveFile(files.text, bytes(text));
    await saveFile(files.annotations, bytes(annotations));
  } else if (out === '-') await write(terminal.stdout, text);
  else await saveFile(out, bytes(text));
}

/** One line for people. */
function reportOf(
  source: string,
  reading: Reading,
  output: TokenOutput,
  { scheme, toColumn }: ConvertOptions,
  detected: DetectedScheme | undefined,
  { sentences, changed, repairs, place }: { sentences: number; changed: number; repairs: number; place: string },
): string {
  const formats = `${reading.format} → ${output}${toColumn ? ` (${toColumn})` : ''}`;
  if (scheme === undefined || !detected) return `${source}: ${formats}: ${counted(sentences, 'sentence')}`;
  return (
    `${source}: ${detected.scheme} (${detected.evidence}) → ${scheme}: ${counted(sentences, 'sentence')}, ` +
    `${counted(changed, 'label')} changed, ${grouped(repairs)} repaired${place}`
  );
}

/** The scheme of the input: the given one, or the one detected from its labels. @throws DataError if none can be detected */
function detectedOf(
  sentences: readonly Sentence[],
  { from }: ConvertOptions,
  source: string,
  output?: string,
): DetectedScheme | undefined {
  const labels = sentences.map((each) => each.labels ?? []);
  if (from === undefined) {
    const detected = detectScheme(labels);
    if (detected.scheme !== null) return detected;
    if (output !== undefined && labels.flat().every((label) => label === 'O' || label === '')) return undefined;
    const advice = output === undefined ? 'choose another column (--column), or set their scheme (--from)' : `choose another column (--column), or another output: ${output} holds only spans`; // prettier-ignore
    throw new DataError(`${source}: its labels are not spans: expected O, B-PER, I-PER and the like; ${advice}`);
  }
  const repairs = labels.map((own) => convertPartial(own, from, from).repairs);
  const first = repairs.findIndex((count) => count > 0);
  return { scheme: from, evidence: 'as named', repairs: 0, ...(first >= 0 && { first }) };
}

/** Reports how missing labels are written, and which labels became missing because they depend on a missing one. */
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
  const more = lost === 0 ? '' : `, and so ${lost === 1 ? 'is 1 label next to them' : `are ${grouped(lost)} labels next to them`}, which depend on the missing ones`; // prettier-ignore
  const message = `${source}: ${counted(before.tokens, 'token')} without label ${before.tokens === 1 ? 'is' : 'are'} written as ${mark}${more}`;
  warnings.add({ kind: 'unlabeled', message, source, count: before.tokens });
}

/** `, the first in the sentence at line 12`. */
function placeOf(sentences: readonly Sentence[], { first }: DetectedScheme): string {
  const line = first === undefined ? undefined : sentences[first].line;
  return line === undefined ? '' : `, the first in the sentence at line ${line}`;
}

/** Labels without spans are left unchanged, whatever scheme was given. */
function noteNoSpans(sentences: readonly Sentence[], source: string, warnings: NoteCollector): void {
  if (detectScheme(sentences.map(({ labels = [] }) => labels)).scheme !== null) return;
  const message = `${source}: its labels are not spans, so nothing was converted: expected O, B-PER, I-PER and the like; choose another column (--column)`;
  warnings.add({ kind: 'no-spans', message, source });
}
