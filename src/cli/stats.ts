/** `bptt stats`: statistics of labeled sentences, and the lines worth checking before training. */
import type { Command } from 'commander';
import { doubtfulLabels } from '../labeling/data/formats/index.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { TaskName } from '../labeling/training/options.js';
import { countOrAll, oneOf } from './arguments.js';
import { noteMark } from './corpora.js';
import { paperFor } from './reading/paper.js';
import type { ReadingOptions } from './reading-options.js';
import { addReadingOptions } from './reading-options.js';
import type { Input } from './stats/input.js';
import { likeFirst, readInput, taskOf } from './stats/input.js';
import type { CorpusName } from './stats/statistics.js';
import { expectField, statisticsOf } from './stats/statistics.js';
import { statisticsText } from './stats/tables.js';
import type { Terminal } from './terminal.js';
import { print, printJson } from './terminal.js';
import { collectWarnings } from './warnings.js';

interface Options extends ReadingOptions {
  readonly dev?: string;
  readonly test?: string;
  readonly task?: TaskName;
  readonly documentField?: string;
  readonly show: number;
  readonly json?: boolean;
}

const HELP = `
Prints sentences, tokens, documents (from # newdoc, -DOCSTART-, or --document-field), words and those seen once, sentence
lengths, labels with counts and shares and, for span labels, their scheme, types and mean lengths. For --dev and --test it adds
the share of words that the first file lacks (OOV), and labels that it lacks. Words are compared in NFC, with their case.

Duplicates are sentences with the same tokens, and those that are the same in NFC without case. They are counted within each
file and between files; the longest are listed.

Suspicious lines are listed by kind, each with its rule: labels that their scheme forbids side by side, the same sentence with
other labels, a word with an unusual label, invisible characters, white space inside tokens, very long tokens and sentences,
blank lines. --show sets how many of each are listed; all are counted. A suspicious line may well be right.

Exit status: 0, 1 failure, 2 usage, 65 bad data.

Example:
  bptt stats train.conllu --dev dev.conllu --test test.conllu
  bptt stats reviews.tsv --task classify --json`;

/** Adds the command. */
export function addStats(program: Command, terminal: Terminal): void {
  const command = program
    .command('stats')
    .description('count sentences, words and labels; list suspicious lines and duplicates')
    .argument('<file>', 'labeled sentences to train on, - for standard input, or one file per label: pos=FILE,neg=FILE')
    .option('--dev <file>', 'development data, which is compared with the first file')
    .option('--test <file>', 'test data, likewise')
    .option(
      '--task <name>',
      'labels of words (tag), of sentences (classify), of both (slots-intent) (default: by path and format)',
      oneOf<TaskName>('tag', 'classify', 'slots-intent'),
    )
    .option('--document-field <name>', 'JSON lines: field that names the document of a line')
    .option('--show <n>', 'list n suspicious lines and duplicates of each kind, or all', countOrAll, 5)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP);
  addReadingOptions(command, 'format of the files (default: by content)', true);
  command.action((file: string, options: Options) => runStats(file, options, terminal));
}

async function runStats(file: string, options: Options, terminal: Terminal): Promise<void> {
  expectField(options.documentField);
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const inputs = await readInputs(file, options, warnings);
  const statistics = statisticsOf(inputs, options.show, options.documentField);
  if (options.json) return printJson(terminal, { ...statistics, warnings: warnings.notes });
  const paper = paperFor(terminal, {});
  const files = [...inputs.values()].flatMap(({ pieces }) => pieces.map(({ name }) => name));
  await print(terminal, statisticsText(paper, statistics, files, options.show === Infinity).join('\n\n'));
}

/** The corpora; later ones are read like the first. */
async function readInputs(
  file: string,
  options: Options,
  warnings: NoteCollector,
): Promise<ReadonlyMap<CorpusName, Input>> {
  const task = taskOf(file, options);
  const train = await readInput(file, task, options, warnings);
  for (const { name, reading, sentences } of train.pieces) {
    const doubt = doubtfulLabels(reading, sentences);
    if (doubt !== undefined) warnings.add({ kind: 'one-label', message: `${name}: ${doubt}`, source: name });
    noteMark(options, sentences, name, warnings);
  }
  const inputs = new Map<CorpusName, Input>([['train', train]]);
  for (const name of ['dev', 'test'] as const) {
    const path = options[name];
    if (path !== undefined) inputs.set(name, await readInput(path, task, options, warnings, likeFirst(train)));
  }
  return inputs;
}
