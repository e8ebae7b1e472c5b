/** Detects raw text that looks like a format, and warns that its columns and braces would be labeled as words. */
import type { ByteChunks } from '../../labeling/data/formats/index.js';
import { detectClassified } from '../../labeling/data/formats/classified.js';
import { detectFormat, detectLayout, isBlank, splitColumns } from '../../labeling/data/formats/detect.js';
import { isJsonList } from '../../labeling/data/formats/json-list.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import type { Model } from '../../labeling/model/model.js';
import { labelsSentences } from './heads.js';

/** Number of bytes and lines of the first chunk to inspect. */
const MOST_BYTES = 1 << 16;
const MOST_LINES = 200;

/** Passes chunks through unchanged; prints a warning before the first if it looks like labeled sentences or JSON. */
export async function* watched(
  chunks: ByteChunks,
  model: Model,
  source: string,
  warnings: NoteCollector,
  output: string,
): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of chunks) {
    if (first && chunk.length > 0) {
      first = false;
      const said = looksLike(linesOf(chunk), model, output);
      if (said !== undefined) warnings.add({ kind: 'raw-text', message: `${source}: ${said}`, source });
    }
    yield chunk;
  }
}

/** The complete lines of a chunk, or its only line. */
function linesOf(chunk: Uint8Array): string[] {
  const text = new TextDecoder().decode(chunk.subarray(0, MOST_BYTES));
  const end = text.lastIndexOf('\n');
  const lines = (end < 0 ? text : text.slice(0, end)).split(/\r?\n/);
  return lines.filter((line) => !isBlank(line)).slice(0, MOST_LINES);
}

/** Returns the warning for raw text that looks like a format; undefined if it looks like text. */
export function looksLike(rows: readonly string[], model: Model, output = 'text'): string | undefined {
  if (rows.length === 0) return undefined;
  if (isJsonList(rows))
    return 'looks like a JSON list, and is read as raw text: write one object a line, and add --format jsonl to label what is in it';
  const found = labelsSentences(model) ? classified(rows, model) : tokenized(rows, model);
  if (found === undefined) return undefined;
  const json = isObject(rows[0]);
  const format = json && output === 'spans' ? 'jsonl' : found; // which keeps the other fields
  return `looks like ${json ? 'JSON lines' : found}, and is read as raw text: add --format ${format} to label the ${json ? 'texts' : 'words'} in it`;
}

function tokenized(rows: readonly string[], model: Model): string | undefined {
  const format = detectFormat(rows);
  if (format === undefined || format === 'conllu') return format;
  const known = labelsOf(model);
  if (format === 'slashed') {
    const words = rows[0].split(' ');
    return words.every((word) => known.has(word.slice(word.lastIndexOf('/') + 1))) ? format : undefined;
  }
  if (format !== 'conll' && format !== 'two-column') return isObject(rows[0]) ? format : undefined;
  const { separator } = detectLayout(rows);
  return holdLabels(rows, separator, known) ? format : undefined;
}

function classified(rows: readonly string[], model: Model): string | undefined {
  const format = detectClassified(rows);
  if (format === 'jsonl') return isObject(rows[0]) ? format : undefined;
  if (format === 'tsv') return holdLabels(rows, 'tab', labelsOf(model)) ? format : undefined;
  return format;
}

/** Whether half of the lines, and more than one or one with a tab, have a label of the model in a column. */
function holdLabels(rows: readonly string[], separator: 'tab' | 'spaces', known: ReadonlySet<string>): boolean {
  const columns = rows.map((row) => splitColumns(row, separator)).filter(({ length }) => length > 1);
  const found = columns.filter((own) => (separator === 'tab' ? own : own.slice(-1)).some((each) => known.has(each)));
  return 2 * found.length >= rows.length && found.length >= (separator === 'tab' ? 1 : 3);
}

const labelsOf = ({ heads }: Model): ReadonlySet<string> => new Set(heads.flatMap(({ labels }) => labels.labels));

function isObject(row: string): boolean {
  try {
    return typeof JSON.parse(row) === 'object';
  } catch {
    return false;
  }
}
