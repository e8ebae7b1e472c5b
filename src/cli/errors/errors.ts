/** `bptt errors`: the errors of a model, as one offline page. */
import type { Command } from 'commander';
import { readPackageInfo } from '../../bench/package-info.js';
import { inputName, labeledFiles } from '../../labeling/data/files.node.js';
import type { Model } from '../../labeling/model/model.js';
import { saveFile } from '../../serialize/save.node.js';
import { ArgumentError } from '../../tensor/index.js';
import { counted, grouped } from '../../tensor/print.js';
import { quoted, visible } from '../../tensor/visible.js';
import { countOrAll } from '../arguments.js';
import { addBackendOption, openBackend } from '../backend.js';
import type { GoldOptions, JudgedModel } from '../gold.js';
import { addGoldOptions, expectScheme, judge } from '../gold.js';
import { readModel } from '../model-io.js';
import { checkOutputs } from '../outputs.js';
import { openOwnCell } from '../own-cell.js';
import type { Terminal } from '../terminal.js';
import { print, printJson } from '../terminal.js';
import { collectWarnings } from '../warnings.js';
import { collectErrors } from './collect.js';
import type { HeadErrors } from './collect.js';
import { errorsJson } from './json.js';
import type { ErrorsContent } from './page.js';
import { errorsPage } from './page.js';

interface Options extends GoldOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly limit: number;
  readonly head?: string;
  readonly cell?: string;
  readonly backend: string;
}

/** Default number of sentences on a page: about a megabyte. */
const LIMIT = 500;

const HELP = `
One HTML file that needs nothing else: scores; spans by type and outcome, or pairs of labels by count; a heat map of confused labels;
errors by sentence length and by known words; a reliability diagram with the expected calibration error; and every error in its
sentence, gold and predicted. It follows the light or dark scheme of its reader. Controls, keys (j, k, /, x) and the cells of the
heat maps filter errors; without scripts all of them are listed.

If there are more wrong sentences than --limit, the first ones are listed, and the page says how many are left out. --json prints
the same data as one object, with or without a page. With several heads, each is shown, or only the one that --head names.

The file is read, and spans are read from labels, as by bptt eval.

Example:
  bptt errors ner.safetensors test.conll -o errors.html
  bptt errors tagger.safetensors test.conllu --limit all --json > errors.json`;

/** Adds the command. */
export function addErrors(program: Command, terminal: Terminal): void {
  const command = program
    .command('errors')
    .description('show what a model gets wrong on labeled sentences, as one offline HTML page')
    .argument('<model>', 'model file')
    .argument('<file>', 'labeled sentences, - for standard input, or one file per label: pos=FILE,neg=FILE')
    .option('-o, --out <file>', 'the page')
    .option('--json', 'print the same data as one JSON object')
    .option('--limit <n>', 'list at most n sentences that have errors, or all; the rest is counted', countOrAll, LIMIT)
    .option('--head <name>', 'show only this head of a model with several')
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addGoldOptions(command);
  addBackendOption(command).action((model: string, file: string, options: Options) =>
    runErrors(model, file, options, terminal),
  );
}

async function runErrors(modelFile: string, file: string, options: Options, terminal: Terminal): Promise<void> {
  const { out, json, limit } = options;
  if (out === undefined && !json) throw new ArgumentError('errors: -o is missing: pass a file for the page, or pass --json'); // prettier-ignore
  expectScheme(options);
  const inputs = labeledFiles(file)?.map(({ path }) => path) ?? [file];
  await checkOutputs({ '-o': out }, [modelFile, ...inputs]);
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const model = await readModel(modelFile, await openOwnCell(options.cell, terminal));
  expectHead(model, options.head);
  const open = async () => (await openBackend(options.backend, terminal)).kernels;
  const judged = await judge(model, file, options, true, warnings, open);
  const heads = chosenHeads(judged, options).map((head) => collectErrors(model, head));
  const together = options.head === undefined ? judged.scores.together : undefined;
  const content: ErrorsContent = {
    ...{ model: modelFile, file: inputName(file), version: readPackageInfo().version, heads, limit },
    ...(together && { together }),
    notes: warnings.notes.map(({ message }) => message),
  };
  let said = '';
  if (out !== undefined) {
    const bytes = new TextEncoder().encode(errorsPage(content));
    await saveFile(out, bytes);
    said = `${out}: ${heads.map((head) => summaryOf(head, heads.length > 1)).join('; ')}; ${Math.ceil(bytes.length / 1000)} kB`;
  }
  if (json) await printJson(terminal, errorsJson(content, warnings.notes));
  else await print(terminal, visible(said));
}

/** @throws ArgumentError if a model has no head of that name */
function expectHead({ config: { heads } }: Model, name: string | undefined): void {
  if (name === undefined || heads.some((head) => head.name === name)) return;
  const names = heads.map((head) => head.name).join(', ');
  throw new ArgumentError(
    `--head ${quoted(name)}: the model has no head of that name; it has ${names}: choose one of them`,
  );
}

/** The heads to show. @throws ArgumentError if the requested head was not scored */
function chosenHeads({ heads }: JudgedModel, { head: name }: Options): JudgedModel['heads'] {
  const chosen = heads.filter((head) => name === undefined || head.name === name);
  if (chosen.length > 0) return chosen;
  throw new ArgumentError(
    `--head ${quoted(name!)}: the file has no labels for it: set the columns of the heads (--column)`,
  );
}

/** `12 errors in 8 of 40 sentences`. */
function summaryOf({ name, errors, wrong, sentences }: HeadErrors, several: boolean): string {
  return `${several ? `${name} ` : ''}${counted(errors, 'error')} in ${grouped(wrong.length)} of ${counted(sentences, 'sentence')}`;
}
