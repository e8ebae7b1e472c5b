/** The format `slashed`: one sentence a line, each word followed by a slash and its label (see `slashed-words.ts`). */
import type { Sentence } from '../sentence.js';
import type { LineParser } from './collect.js';
import { isBlank } from './detect.js';
import { dataErrorAt, quote, type ParseOptions } from './options.js';
import { slashedWords, splitWord, unescapeWord } from './slashed-words.js';

/** Returns a parser of lines of labeled words. */
export function createSlashedParser(options: ParseOptions): LineParser {
  const lost = { sentences: 0, tokens: 0 };
  return {
    reading: { format: 'slashed' },
    push: (text, line) => (isBlank(text) ? undefined : parseLine(text, line, options)),
    end: () => undefined,
    spoil: () => void lost.sentences++,
    lost: () => lost,
    notes: () => [],
  };
}

function parseLine(text: string, line: number, { source, labels: policy, maxTokens, cleaner }: ParseOptions): Sentence {
  const words = slashedWords(text);
  if (words.length > maxTokens) {
    const message = `the sentence has ${words.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`;
    throw dataErrorAt(source, line, message);
  }
  const pairs = words.map(splitWord);
  const bare = pairs.findIndex(({ label }) => label === undefined);
  if (bare >= 0 && policy === 'required') {
    const message = `expected a token, a slash and a label; got ${quote(words[bare])}, word ${bare + 1} of the line`;
    throw dataErrorAt(source, line, `${message}: add the label`);
  }
  if (policy !== 'ignored' && pairs.every(({ label }) => label !== undefined && /^[01]\.\d{4}$/.test(label))) {
    const message = `expected labels after the last slashes; got probabilities, as in ${quote(words[0])}`;
    throw dataErrorAt(source, line, `${message}: write the file without them`);
  }
  // An escaped character at the end of a word is intentional.
  const part = (word: string, clean: (text: string, line: number) => string) =>
    word.includes('\\') ? unescapeWord(word) : clean(word, line);
  const tokens = pairs.map(({ token }) => part(token, cleaner.token));
  if (policy === 'ignored' || bare >= 0) return { tokens, line };
  const labels = pairs.map(({ label }) => part(label!, cleaner.label));
  const empty = labels.indexOf('');
  if (empty < 0) return { tokens, labels, line };
  throw dataErrorAt(source, line, `expected a label after the slash; got ${quote(words[empty])}: fill it in`);
}
