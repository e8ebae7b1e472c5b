/** `bptt convert` of sentences with one label each: TSV, JSON lines and fastText to each other. */
import { inputName, readClassifiedCorpus } from '../../labeling/data/files.node.js';
import { CLASSIFIED_FORMATS, FORMATS } from '../../labeling/data/formats/index.js';
import { trimOuter } from '../../labeling/data/formats/clean.js';
import { dataErrorAt } from '../../labeling/data/formats/options.js';
import type { Reading } from '../../labeling/data/formats/index.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { saveFile } from '../../serialize/save.node.js';
import { ArgumentError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';
import { quoted, visible } from '../../tensor/visible.js';
import type { Conversion, ConvertOptions } from '../convert.js';
import { checkOutputs } from '../outputs.js';
import { classifiedOptionsOf } from '../reading-options.js';
import { print, printJson, write } from '../terminal.js';

/** Output formats for sentences with one label each. */
export const CLASS_OUTPUTS = ['tsv', 'jsonl', 'fasttext'] as const;
type ClassOutput = (typeof CLASS_OUTPUTS)[number];

/** Whether the labels are sentence labels: as specified, or as implied by the format or the output. */
export function asksForClasses({ task, format, output }: ConvertOptions): boolean {
  if (task !== undefined) return task === 'classify';
  const only = (name: string | undefined): boolean =>
    CLASSIFIED_FORMATS.some((each) => each === name) && !FORMATS.some((each) => each === name);
  return only(format) || only(output);
}

/** Converts sentences with one label each. */
export async function convertClasses({ input, out, options, terminal, warnings, losses }: Conversion): Promise<void> {
  expectClassOptions(options);
  if (out !== '-') await checkOutputs({ out }, [input]);
  let reading: Reading | undefined;
  const sentences = await readClassifiedCorpus(input, {
    ...classifiedOptionsOf(options, warnings),
    onReading: (found) => void (reading ??= found),
    keepSource: true,
    onDropped: losses.add,
  });
  const source = inputName(input);
  const output = (options.output ?? 'jsonl') as ClassOutput;
  const header = output === 'tsv' ? 'label\ttext\n' : '';
  const text = header + sentences.map((sentence) => lineOf(sentence, output, source)).join('');
  losses.note(source, output, warnings);
  if (out === '-') await write(terminal.stdout, text);
  else await saveFile(out, new TextEncoder().encode(text));
  const format = reading!.format;
  if (options.json) return printJson(terminal, { format, sentences: sentences.length, output, out, losses: losses.counts, warnings: warnings.notes }); // prettier-ignore
  const line = visible(`${source}: ${format} → ${output}: ${counted(sentences.length, 'sentence')}`);
  if (out === '-') terminal.stderr.write(`${line}\n`);
  else await print(terminal, line);
}

function expectClassOptions(options: ConvertOptions): void {
  const { output, scheme, from, toColumn, offsets } = options;
  const flags = { '--scheme': scheme, '--from': from, '--to-column': toColumn, '--offsets': offsets };
  const given = Object.entries(flags).find(([, value]) => value !== undefined);
  if (given) throw new ArgumentError(`${given[0]} does not apply to sentence labels: leave it out`);
  if (output === undefined || CLASS_OUTPUTS.some((each) => each === output)) return;
  throw new ArgumentError(`--output ${output} has one label per word, but here each sentence has one: choose ${CLASS_OUTPUTS.join(', ')}`); // prettier-ignore
}

/** Formats a sentence as a line. @throws DataError on content that the output cannot represent */
function lineOf({ tokens, category = '', surface, line = 0 }: Sentence, output: ClassOutput, source: string): string {
  const fail = (message: string): Error =>
    dataErrorAt(source, line, `${message}: choose another output, or correct it`);
  if (output === 'jsonl') return `${JSON.stringify({ ...(surface ? { text: trimOuter(surface.text) } : { tokens }), label: category })}\n`; // prettier-ignore
  const text = trimOuter(surface?.text ?? tokens.join(' ')); // a space after the label is not part of the text
  if (/[\t\r\n]/.test(category) || (output === 'tsv' && /[\t\r\n]/.test(text)))
    throw fail(`a label or text of ${output} cannot contain a tab or line end; got ${quoted(/[\t\r\n]/.test(category) ? category : text)}`); // prettier-ignore
  if (output === 'tsv') return `${category}\t${text}\n`;
  if (/[\r\n]/.test(text)) throw fail(`a text of fasttext cannot contain a line end; got ${quoted(text)}`);
  if (/[ \t]/.test(category)) throw fail(`a label of fasttext cannot contain a space; got ${quoted(category)}`);
  if (/(^|[ \t])__label__/.test(text)) throw fail(`a text of fasttext cannot contain a word that begins with __label__; got ${quoted(text)}`); // prettier-ignore
  return `__label__${category} ${text}\n`;
}
