/** `bptt figure`: one view as an SVG file. */
import { Command } from 'commander';
import { toCsv } from '../../inspect/views/index.js';
import { saveFile } from '../../serialize/save.node.js';
import { ArgumentError } from '../../tensor/index.js';
import { oneOf, positiveInteger } from '../arguments.js';
import { checkOutputs } from '../outputs.js';
import type { Terminal } from '../terminal.js';
import { print } from '../terminal.js';
import { cellList } from './compare.js';
import { drawFigure, VIEWS } from './figure-draw.js';
import type { FigureOptions, FigureQuestion } from './figure-draw.js';
import {
  addConventionOptions,
  addModelOptions,
  addQuietOption,
  addSentenceOptions,
  addViewOptions,
  atMost,
} from './options.js';

interface Files {
  readonly svg?: string;
  readonly csv?: string;
}

const HELP = `
The picture contains every number it shows and, in its metadata, the command, the version, the SHA-256 of the weights and the
conventions: \`bptt verify FILE\` redraws it and compares every mark. --csv writes the numbers as a table.

Example:
  bptt figure reach "the cat near the dogs by the trees sat" --cell lstm --svg reach.svg --csv reach.csv
  bptt figure compare "the cat near the dogs sat" --cells rnn,lstm,gru --seeds 5 --theme print --svg fig.svg`;

/** The command as an object, with which `verify` parses the arguments of a figure. */
export function figureCommand(act: (question: FigureQuestion, files: Files) => Promise<void>): Command {
  const command = new Command('figure')
    .description('draw one view of a sentence as an SVG file')
    .argument('<view>', VIEWS.join(', '));
  addQuietOption(addConventionOptions(addSentenceOptions(addModelOptions(command))))
    .option('--svg <file>', 'the picture')
    .option('--csv <file>', 'its numbers')
    .option('--theme <name>', 'light, dark or print', oneOf('light', 'dark', 'print'), 'light')
    .option('--language <tag>', 'language of the words in the picture: en, de', 'en');
  addViewOptions(command, 'the view equation')
    .option('--cells <list>', 'cells of the view compare', cellList)
    .option('--seeds <n>', 'seeds of the view compare', atMost(positiveInteger, 1000))
    .addHelpText('after', HELP)
    .action((view: string, sentence: string, file: string | undefined, options: FigureOptions & Files) =>
      act(
        {
          view,
          sentence,
          file,
          options,
          args: argumentsOf(command, [view, sentence, ...(file === undefined ? [] : [file])]),
        },
        options,
      ),
    );
  return command;
}

/** Options that do not affect the figure: output files, and whether progress is shown. */
const UNSAID = ['svg', 'csv', 'out', 'quiet'];

/** The arguments of a run, without its output files, with which the same figure can be redrawn. */
export function argumentsOf(command: Command, places: readonly string[]): string[] {
  const options = command.options.flatMap((option) => {
    const name = option.attributeName();
    if (UNSAID.includes(name) || command.getOptionValueSource(name) !== 'cli') return [];
    const value: unknown = command.getOptionValue(name);
    if (value === true) return [option.long as string];
    return [option.long as string, Array.isArray(value) ? value.join(',') : String(value)];
  });
  return places.some((each) => each.startsWith('-')) ? [...options, '--', ...places] : [...places, ...options];
}

/** Adds the command. */
export function addFigure(program: Command, terminal: Terminal): void {
  const command = figureCommand(async (question, { svg, csv }) => {
    if (svg === undefined) throw new ArgumentError('figure: --svg is missing: pass a file for the picture');
    await checkOutputs({ '--svg': svg, '--csv': csv }, [question.file]);
    const figure = await drawFigure(question, terminal);
    await saveFile(svg, new TextEncoder().encode(figure.svg));
    if (csv !== undefined) await saveFile(csv, new TextEncoder().encode(toCsv(figure.table)));
    await print(terminal, figure.summary);
  });
  command.copyInheritedSettings(program);
  program.addCommand(command);
}
