/** Shared by the parsers of sentences with one label each: one sentence a line, its text split into tokens. */
import type { Sentence } from '../sentence.js';
import type { ClassifiedSettings } from './classified-options.js';
import type { LineParser } from './collect.js';
import { isBlank } from './detect.js';
import { shortToken } from '../long-tokens.js';
import { dataErrorAt } from './options.js';
import type { Reading } from './reading.js';

/** The contents of a line, not yet split into tokens. */
export interface ClassifiedLine {
  /** Text, or ready-made tokens. */
  readonly text: string | readonly string[];
  /** Absent if labels are ignored. */
  readonly label?: string;
}

/** Returns a parser of one sentence a line. @param parse returns the contents of a line; undefined for a line to skip */
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
  // A text is split as `tag` will split it; words that the file separates are cleaned like those of any column.
  const parts = typeof text === 'string' ? cut(text) : undefined;
  const tokens =
    parts?.tokens.map((token) => shortToken(token, source, line)) ??
    (text as readonly string[]).map((token) => cleaner.token(token, line));
  const kept = keepSource && parts ? { surface: { text: text as string, offsets: parts.offsets } } : {};
  if (tokens.length === 0) {
    throw dataErrorAt(source, line, 'expected a text; got only white space: remove the line');
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
