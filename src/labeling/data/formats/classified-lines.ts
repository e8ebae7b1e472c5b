/** What the parsers of sentences with one label each share: one sentence a line, its text cut into tokens. */
import type { Sentence } from '../sentence.js';
import type { ClassifiedSettings } from './classified-options.js';
import type { LineParser } from './collect.js';
import { isBlank } from './detect.js';
import { shortToken } from '../long-tokens.js';
import { dataErrorAt } from './options.js';
import type { Reading } from './reading.js';

/** What a line says, not yet cut into tokens. */
export interface ClassifiedLine {
  /** Text, or tokens that are cut already. */
  readonly text: string | readonly string[];
  /** Absent where labels are ignored. */
  readonly label?: string;
}

/** A parser of one sentence a line. @param parse what a line says; undefined if it is to be passed over */
export function lineParser(
  reading: Pick<Reading, 'format' | 'column' | 'tokenColumn' | 'labelNames'>,
  settings: ClassifiedSettings,
  parse: (text: string, line: number) => ClassifiedLine | undefined,
  notes: LineParser['notes'] = () => [],
): LineParser {
  const { tokenizer, locale } = settings;
  const lost = { sentences: 0, tokens: 0 };
  return {
    reading: { ...reading, tokenizer, ...(locale !== undefined && { locale }) },
    push(text, line) {
      const said = isBlank(text) ? undefined : parse(text, line);
      return said && sentenceOf(said, line, settings);
    },
    end: () => undefined,
    spoil: () => void lost.sentences++,
    lost: () => lost,
    notes,
  };
}

function sentenceOf({ text, label }: ClassifiedLine, line: number, settings: ClassifiedSettings): Sentence {
  const { source, labels, maxTokens, cleaner, cut, keepSource } = settings;
  // A text is cut as `tag` will cut it; words that the file cut itself are cleaned like those of any column.
  const parts = typeof text === 'string' ? cut(text) : undefined;
  const tokens =
    parts?.tokens.map((token) => shortToken(token, source, line)) ??
    (text as readonly string[]).map((token) => cleaner.token(token, line));
  const kept = keepSource && parts ? { surface: { text: text as string, offsets: parts.offsets } } : {};
  if (tokens.length === 0) {
    throw dataErrorAt(source, line, 'expected a text; got nothing but white space: remove the line');
  }
  if (tokens.length > maxTokens) {
    const message = `the text has ${tokens.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`;
    throw dataErrorAt(source, line, message);
  }
  if (labels === 'ignored') return { tokens, line, ...kept };
  const category = label === undefined ? '' : cleaner.label(label, line);
  if (category === '') throw dataErrorAt(source, line, 'expected a label; got an empty one: add it');
  return { tokens, category, line, ...kept };
}
