/** `bptt split`: splits a file of labeled sentences in three, each block of lines unchanged. */
import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { inputName } from '../labeling/data/files.node.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { SplitShares } from '../labeling/data/split.js';
import type { TaskName } from '../labeling/training/options.js';
import { ArgumentError, DataError } from '../tensor/index.js';
import { counted, grouped } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { integer, oneOf, splitShares } from './arguments.js';
import type { Paper } from './reading/paper.js';
import { paperFor, wrapped } from './reading/paper.js';
import type { ReadingOptions } from './reading-options.js';
import { addReadingOptions } from './reading-options.js';
import { percent } from './report.js';
import { addRequired } from './required.js';
import { saveAll } from './save-all.js';
import { headed } from './score-tables.js';
import { PARTS } from './split/allocate.js';
import type { FileBlocks } from './split/blocks.js';
import { blocksOf, bytesOfPart } from './split/blocks.js';
import type { Part, Plan } from './split/plan.js';
import { planOf } from './split/plan.js';
import type { Input, Piece } from './stats/input.js';
import { readInput, taskOf } from './stats/input.js';
import { expectField } from './stats/statistics.js';
import { countTable } from './stats/tables.js';
import type { Terminal } from './terminal.js';
import { print, printJson } from './terminal.js';
import { collectWarnings } from './warnings.js';

interface Options extends ReadingOptions {
  readonly out: string;
  readonly ratio: SplitShares;
  readonly seed: number;
  readonly by: 'sentence' | 'document';
  readonly documentField?: string;
  readonly task?: TaskName;
  readonly allowDuplicates?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

const HELP = `
The outputs are FOLDER/train, dev and test, with the extension of the input; for slots, and for one file per label, folders with
the file names of the input. A sentence keeps its lines byte for byte, with the comments and blank lines before it, and the order
of the input. A header that names columns begins every part. The parts are read back and compared with the input before they are
written.

Sentences are assigned by their rarest label (iterative stratification): the sentence label, the types of its spans, or else the
labels of its words. Sentences with the same tokens, in NFC ignoring case, go to one part, unless --allow-duplicates is given.
With --by document, the sentences of a document stay together, and so do equal documents; sentences that are also in other parts
are then counted. The same input, ratio and seed give the same files.

Exit status: 0, 1 failure, 2 usage, 65 bad data.

Example:
  bptt split all.conllu --ratio 80/10/10 --seed 1 -o parts
  bptt train --train parts/train.conllu --dev parts/dev.conllu --test parts/test.conllu`;

/** Adds the command. */
export function addSplit(program: Command, terminal: Terminal): void {
  const command = program
    .command('split')
    .description('split a file of labeled sentences into train, dev and test, seeded and stratified')
    .argument('<file>', 'labeled sentences, - for standard input, or one file per label: pos=FILE,neg=FILE');
  addRequired(command, '-o, --out <folder>', 'folder for the parts, created if necessary')
    .addOption(
      new Option('--ratio <train/dev/test>', 'percent of the sentences in each part')
        .argParser(splitShares)
        .default(splitShares('80/10/10'), '80/10/10'),
    )
    .option('--seed <n>', 'seed of the drawing', integer, 1)
    .option('--by <unit>', 'unit that is drawn: sentence, document', oneOf('sentence', 'document'), 'sentence')
    .option('--document-field <name>', 'JSON lines: field that names the document of a line')
    .option(
      '--task <name>',
      'labels of words (tag), of sentences (classify), of both (slots-intent) (default: by path and format)',
      oneOf<TaskName>('tag', 'classify', 'slots-intent'),
    )
    .option('--allow-duplicates', 'allow the same sentence in several parts')
    .option('--force', 'replace files of an earlier split')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP);
  addReadingOptions(command, 'format of the file (default: by content)', true);
  command.action((file: string, options: Options) => runSplit(file, options, terminal));
}

/** The file of one part. */
interface Output {
  readonly path: string;
  readonly bytes: Uint8Array;
}

async function runSplit(file: string, options: Options, terminal: Terminal): Promise<void> {
  expectOptions(options);
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const input = await readInput(file, taskOf(file, options), options, warnings);
  const plan = planOf(input, options);
  const blocks = input.pieces.map(blocksOf);
  const outputs = new Map<Part, Output[]>();
  for (const part of plan.parts) outputs.set(part, await outputsOf(input, blocks, part, options));
  expectNew(input, outputs, options, warnings);
  noteParts(input, plan, options, warnings);
  await writeAll([...outputs.values()].flat(), input);
  const paths = (part: Part): string[] => outputs.get(part)!.map(({ path }) => path);
  if (options.json) {
    const { ratio, seed, by, allowDuplicates = false } = options;
    const parts = plan.parts.map(({ places: _places, ...part }, p) => ({ ...part, files: paths(plan.parts[p]) }));
    return printJson(terminal, { input: file, ratio, seed, by, allowDuplicates, ...plan, parts, warnings: warnings.notes }); // prettier-ignore
  }
  await print(terminal, textOf(paperFor(terminal, {}), plan, options, paths).join('\n\n'));
}

/** @throws ArgumentError on options that would be ignored or that name nothing */
function expectOptions({ by, documentField, out }: Options): void {
  expectField(documentField);
  if (documentField !== undefined && by !== 'document')
    throw new ArgumentError('--document-field has no effect without --by document: add it, or leave the field out');
  if (out === '' || out === '-')
    throw new ArgumentError(`-o must name a folder; got ${out === '' ? 'an empty name' : '-'}: pass one`);
}

/** Returns the files of a part. @throws DataError if they would not be read as the sentences of the input */
async function outputsOf(
  input: Input,
  blocks: readonly (readonly FileBlocks[])[],
  { name, places }: Part,
  { out }: Options,
): Promise<Output[]> {
  const outputs: Output[] = [];
  const several = input.pieces.length > 1 || blocks[0].length > 1 || input.pieces[0].category !== undefined;
  let first = 0;
  for (const [p, piece] of input.pieces.entries()) {
    const own = places.filter((s) => s >= first && s < first + piece.sentences.length).map((s) => s - first);
    const files = blocks[p].map((file) => ({
      path: several ? join(out, name, basename(file.path)) : join(out, `${name}${extensionOf(file.path, piece)}`),
      bytes: bytesOfPart(file, own),
    }));
    if (own.length > 0) await expectSame(piece, own, files, name);
    outputs.push(...files);
    first += piece.sentences.length;
  }
  return outputs;
}

/** The extension of the input; empty for standard input, or for a file without one. */
const extensionOf = (path: string, { reading }: Piece): string =>
  path === '-' ? `.${reading.format === 'two-column' ? 'tsv' : reading.format}` : extname(path);

/** Reads a part back. @throws DataError if its sentences differ from those it was made of */
async function expectSame(piece: Piece, own: readonly number[], files: readonly Output[], name: string): Promise<void> {
  const said = ({ tokens, labels, columns, category }: Sentence): string =>
    JSON.stringify([tokens, labels, columns, category]);
  const wanted = own.map((s) => said(piece.sentences[s]));
  const read = await piece.again(files.map(({ bytes }) => bytes)).then(
    (sentences) => sentences.map(said),
    (error: unknown) => error as Error,
  );
  if (read instanceof Error || read.length !== wanted.length || read.some((text, i) => text !== wanted[i])) {
    const why = read instanceof Error ? read.message : 'its sentences or labels differ';
    throw new DataError(
      `${piece.name}: the part ${name} would be read differently from the whole (${why}): set how the file is read (--format, --column, --token-column, --comments)`,
    );
  }
}

/** @throws ArgumentError if files already exist, or two files of a part have the same name */
function expectNew(
  { pieces }: Input,
  outputs: ReadonlyMap<Part, readonly Output[]>,
  { force, out, ratio }: Options,
  warnings: NoteCollector,
): void {
  const paths = [...outputs.values()].flat().map(({ path }) => path);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined)
    throw new ArgumentError(`${twice}: two files of the input have this name: rename one of them`);
  const there = paths.find((path) => existsSync(path));
  if (there !== undefined && !force)
    throw new ArgumentError(`${there} exists: choose another folder (-o), or add --force to replace it`);
  const extension = extensionOf(pieces[0].files[0].path, pieces[0]);
  for (const name of PARTS) {
    const stale = [join(out, name + extension), join(out, name)].find((path) => ratio[name] === 0 && existsSync(path));
    if (stale === undefined) continue;
    const message = `${stale} is not of this split, which has no part ${name}`;
    if (!force) throw new ArgumentError(`${message}: choose another folder (-o), or remove it`);
    warnings.add({ kind: 'stale-part', message: `${message}: remove it` });
  }
}

/** Reports what the parts share, and which documents are divided among them. */
function noteParts({ path }: Input, plan: Plan, { by }: Options, warnings: NoteCollector): void {
  const source = inputName(path);
  if (plan.divided !== null && plan.divided > 0 && by === 'sentence') {
    const message = `${source}: sentences of one document are in several parts, with its mark only at the first: add --by document to keep documents together`;
    warnings.add({ kind: 'divided-documents', message, source, count: plan.divided });
  }
  const shared = plan.parts.reduce((sum, part) => sum + part.shared, 0);
  if (shared === 0) return;
  const message = `${source}: ${counted(shared, 'sentence')} of dev and test ${shared === 1 ? 'is' : 'are'} the same, in NFC without case, as one of an earlier part`;
  warnings.add({ kind: 'shared-sentences', message, source, count: shared });
}

/** Writes all files, or none. */
async function writeAll(outputs: readonly Output[], input: Input): Promise<void> {
  const read = input.pieces.flatMap(({ files }) => files.map(({ path }) => path)).filter((path) => path !== '-');
  await saveAll(outputs, read);
}

function textOf(paper: Paper, plan: Plan, options: Options, paths: (part: Part) => string[]): string[] {
  const { parts, units } = plan;
  const total = parts.reduce((sum, { sentences }) => sum + sentences, 0);
  const documents = parts.some((part) => part.documents !== null);
  const rows = parts.map((part) => [
    ...[part.name, grouped(part.sentences), percent(part.sentences / total), grouped(part.tokens)],
    ...(documents ? [grouped(part.documents ?? 0)] : []),
    visible(paths(part).join(', ')),
  ]);
  const head = ['part', 'sentences', 'share', 'tokens', ...(documents ? ['documents'] : []), 'file'];
  const labels = parts[0].labels.map(({ name, of }, k) => {
    const title = of === 'sentence' ? 'label of the sentence' : name;
    const spans = parts.every((part) => part.labels[k].spans !== null);
    const lists = parts.map((part) =>
      spans
        ? part.labels[k].spans!.map(({ type, count, share }) => ({ name: type, count, share }))
        : part.labels[k].labels.map(({ label, count, share }) => ({ name: label, count, share })),
    );
    return countTable(paper, parts.map((part) => part.name), false, spans ? 'span' : title, lists); // prettier-ignore
  });
  return [
    headed(paper, [head, ...rows], `lrrr${documents ? 'r' : ''}l`),
    ...labels,
    wrapped(paper, `seed ${options.seed}; ${togetherOf(options, units)}; placed by the rarest label`).join('\n'),
  ];
}

/** Describes what was kept together. */
function togetherOf({ by, allowDuplicates }: Options, { count, several, largest }: Plan['units']): string {
  if (by === 'document') return `${counted(count, 'document')} kept together`;
  if (allowDuplicates) return 'equal sentences may be in several parts';
  return `equal sentences (NFC, no case) are in one part: ${counted(several, 'group')}, the largest of ${grouped(largest)}`;
}
