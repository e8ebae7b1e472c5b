/** The options that say how a file of sentences is read: the same ones in `train`, `eval` and `tag`. */
import type { Command } from 'commander';
import { FORMATS } from '../labeling/data/formats/index.js';
import type { CommentRule, Format, InputSpec, ReadOptions } from '../labeling/data/formats/index.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import { ArgumentError } from '../tensor/index.js';
import { oneOf } from './arguments.js';

/** As commander hands them over. */
export interface ReadingOptions {
  readonly format?: Format;
  readonly column?: string;
  readonly tokenColumn?: string;
  readonly comments?: CommentRule;
  readonly skipBad?: boolean;
}

/** Adds the options to a command. @param labels whether it looks at labels */
export function addReadingOptions(command: Command, format: string, labels: boolean): void {
  command.option('--format <name>', `${format}: ${FORMATS.join(', ')}`, oneOf(...FORMATS));
  const places = 'conllu: upos; other columns: the last; jsonl: labels';
  if (labels) command.option('--column <column>', `label column by name or number (default: ${places})`);
  command
    .option('--token-column <column>', 'word column by name or number (default: by content)')
    .option('--comments <rule>', 'lines that begin with # in columns: auto, none, #', oneOf('auto', 'none', '#'))
    .option('--skip-bad', 'leave out lines that cannot be read, with their sentences, and say so');
}

/** The options of a reader. @param like how the training data of the model was read */
export function readOptionsOf(options: ReadingOptions, warnings: NoteCollector, like?: InputSpec): ReadOptions {
  const { format, column, tokenColumn, comments, skipBad } = options;
  return {
    ...(format !== undefined && { format }),
    ...(column !== undefined && { column }),
    ...(tokenColumn !== undefined && { tokenColumn }),
    ...(comments !== undefined && { comments }),
    ...(skipBad && { badLines: 'skip' }),
    ...(like !== undefined && { like }),
    onNote: warnings.add,
  };
}

/** Refuses options that raw text has no use for. @throws ArgumentError that names the first */
export function refuseForRawText(options: ReadingOptions): void {
  const given = [
    ['--token-column', options.tokenColumn],
    ['--comments', options.comments],
    ['--skip-bad', options.skipBad],
  ].find(([, value]) => value !== undefined);
  if (given) throw new ArgumentError(`${String(given[0])} means nothing to raw text: name the format too (--format)`);
}
