/**
 * Splits raw text into sentences and tokens by the rules of Unicode (UAX #29), as implemented by `Intl.Segmenter`.
 *
 * Every stretch of text that is not white space becomes a token: words ("don't" is one), numbers, and each punctuation mark separately.
 * URLs, e-mail addresses, hashtags and handles stay whole. A line end always ends a sentence, so unwrap text that is wrapped at a fixed
 * width first.
 */
import { expectString } from '../../tensor/arguments.js';
import { expectKnownKeys, expectOneOf, keysOf } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectChunks, expectTypes } from '../checks.js';
import { lineBlocks, NoSentencesError, type ByteChunks } from './formats/lines.js';
import { shortToken } from './long-tokens.js';
import type { SegmentedSentence } from './sentence.js';

/** Ways to split text into tokens: by the rules of Unicode, only at white space, or into characters. */
export const TOKENIZERS = ['unicode', 'whitespace', 'characters'] as const;
export type Tokenizer = (typeof TOKENIZERS)[number];

/** Options for segmenting text. */
export interface SegmentOptions {
  /** Language as a BCP 47 tag; it matters for scripts without spaces, such as `th` and `ja`. Default `en`. */
  locale?: string;
  /**
   * Default `unicode`. With `whitespace`, punctuation stays with its word, as in text that is already tokenized; with `characters`, each
   * grapheme that is not white space is a token.
   */
  tokenizer?: Tokenizer;
}

const KEYS = keysOf<SegmentOptions>({ locale: true, tokenizer: true });

/** Segments that are not tokens: white space, control characters, and invisible format characters such as a zero-width space. */
const INVISIBLE = /^[\p{White_Space}\p{Cc}\p{Cf}]+$/u;

/**
 * Text is passed to Intl.Segmenter in stretches of about this many code units: for every segment, V8 takes time proportional to the whole
 * text, so a line of a megabyte in one piece would take hours.
 */
const STRETCH = 2048;

/** A piece of text and its start. */
interface Piece {
  readonly text: string;
  readonly start: number;
}

/** A stretch of this length without a safe place to resume is cut: it contains no letter, or is a single token. */
const LONGEST = 8192;

/** Returns a function that segments text in one locale. @throws ArgumentError on an option outside its domain */
export function createSegmenter(options: SegmentOptions = {}): (text: string) => SegmentedSentence[] {
  expectKnownKeys('segment', 'options', options, KEYS);
  const { locale = 'en', tokenizer = 'unicode' } = options;
  expectOneOf('segment', 'tokenizer', tokenizer, TOKENIZERS);
  let sentences: Intl.Segmenter;
  let words: Intl.Segmenter;
  try {
    sentences = new Intl.Segmenter(locale, { granularity: 'sentence' });
    words = new Intl.Segmenter(locale, { granularity: 'word' });
  } catch (cause) {
    const message = `locale must be a BCP 47 tag such as en or pt-BR; got ${JSON.stringify(locale)}`;
    throw new ArgumentError(message, { cause });
  }
  const graphemes = new Intl.Segmenter(locale, { granularity: 'grapheme' });
  const tokensOf = {
    unicode: (piece: Piece) => wordsOf(words, piece),
    whitespace: runsOf,
    characters: (piece: Piece) => graphemesOf(graphemes, piece),
  }[tokenizer];
  return (text) => {
    expectString('segment', 'text', text);
    const found: SegmentedSentence[] = [];
    let line = 1;
    const pieces = sentencesOf(sentences, masked(text));
    for (const sentence of tokenizer === 'whitespace' ? wholeRuns(pieces) : pieces) {
      const tokens: string[] = [];
      const offsets: [number, number][] = [];
      const { start: from, text: own } = sentence;
      // Whole tokens are masked to find sentences and words; their characters are taken from the text.
      const piece = tokenizer === 'characters' ? { text: text.slice(from, from + own.length), start: from } : sentence;
      for (const { text: token, start } of tokensOf(piece)) {
        if (INVISIBLE.test(token)) continue;
        tokens.push(text.slice(start, start + token.length));
        offsets.push([start, start + token.length]);
      }
      if (tokens.length > 0) found.push({ tokens, offsets, line });
      line += sentence.text.split('\n').length - 1;
    }
    return found;
  };
}

/**
 * Tokens that stay whole: an e-mail address, a URL, a hashtag, a handle. Every alternative begins where no character of its own kind
 * precedes it, so that each character is examined a bounded number of times.
 */
const WHOLE =
  /(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|(?<![\p{L}\p{N}_])(?:[a-z][a-z\d+]{0,15}:\/\/|www\.)[^\s<>"]+|(?<![\p{L}\p{N}_&])[#@][\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*(?:-[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*)*/giu;

/** Punctuation that ends a URL only as part of the surrounding sentence. */
const TRAILING = new Set('.,;:!?\'"…»”’)]}');

/** Number of brackets that are opened and not closed; negative for brackets that are closed and not opened. */
function unclosed(text: string): number {
  let open = 0;
  for (const letter of text) open += letter === '(' ? 1 : letter === ')' ? -1 : 0;
  return open;
}

/** Replaces whole tokens by a word of the same length, which no rule splits. */
function masked(text: string): string {
  return text.replace(WHOLE, (match) => {
    let length = match.length;
    let open = unclosed(match);
    for (; length > 1 && TRAILING.has(match[length - 1]); length--) {
      if (match[length - 1] !== ')') continue;
      if (open >= 0) break; // it closes a bracket of the URL itself, as in /c_(d)
      open++;
    }
    const letter = /^\p{Ll}/u.test(match) ? 'x' : 'X'; // keeps the case, on which sentence boundaries depend
    return letter + 'x'.repeat(length - 1) + match.slice(length);
  });
}

/**
 * Finds the sentences of a text in stretches. Only the last break of a stretch may depend on what follows it: rule SB8 looks ahead past
 * anything that is not a letter, up to the next sentence end. So the last two sentences of a stretch are found again in the next one; a
 * stretch with at most two is doubled. A stretch that is already long is instead left at its last letter, in the middle of a sentence,
 * where no rule looks back; the next stretch then continues that sentence.
 */
function* sentencesOf(segmenter: Intl.Segmenter, text: string): Generator<Piece> {
  let start = 0;
  let open = 0;
  for (let size = STRETCH; start < text.length;) {
    const found = Array.from(segmenter.segment(text.slice(start, start + size)), ({ segment }) => segment);
    const isLast = start + size >= text.length;
    const settled = isLast ? found : found.slice(0, -2);
    const from = start;
    for (const sentence of settled) {
      start += sentence.length;
      yield { text: text.slice(open, start), start: open };
      open = start;
    }
    if (start === from && size >= LONGEST) {
      const letter = lastLetter(text, start, start + size);
      const cut = start + size;
      start = letter ?? (text.codePointAt(cut - 1)! > 0xffff ? cut + 1 : cut); // never inside a code point
      if (letter === undefined) {
        yield { text: text.slice(open, start), start: open };
        open = start;
      }
    }
    size = start > from ? STRETCH : 2 * size;
  }
  if (open < text.length) yield { text: text.slice(open), start: open };
}

/** Sentences that end at white space: a run that the rules would split, as after the first mark of `a!b`, stays whole. */
function* wholeRuns(sentences: Iterable<Piece>): Generator<Piece> {
  let open: Piece | undefined;
  for (const piece of sentences) {
    if (open && !/\s/u.test(open.text.at(-1)! + piece.text[0]))
      open = { text: open.text + piece.text, start: open.start };
    else {
      if (open) yield open;
      open = piece;
    }
  }
  if (open) yield open;
}

/** The offset after the last letter between two offsets, if no sentence can end there; undefined if there is none. */
function lastLetter(text: string, from: number, to: number): number | undefined {
  for (let at = to - 1; at > from + 1; at--) {
    if (/[\p{L}\p{N},]/u.test(text[at]) && /\p{L}/u.test(text[at - 1])) return at;
  }
  return undefined;
}

/**
 * Finds the words of a sentence. A long sentence is cut between a space and a letter or digit, because no rule of word segmentation joins
 * these. Without such a place, the last words of a stretch are found again in the next one.
 */
function* wordsOf(segmenter: Intl.Segmenter, sentence: Piece): Generator<Piece> {
  for (const { text, start } of stretchesOf(sentence)) {
    let from = 0;
    for (let size = 2 * STRETCH; from < text.length;) {
      const found = Array.from(segmenter.segment(text.slice(from, from + size)), ({ segment }) => segment);
      const settled = from + size < text.length ? found.slice(0, -AGAIN) : found;
      for (const word of settled) {
        yield { text: word, start: start + from };
        from += word.length;
      }
      size = settled.length > 0 ? 2 * STRETCH : 2 * size;
    }
  }
}

/** How many words at the end of a stretch may depend on what follows. */
const AGAIN = 16;

/** Finds the graphemes of a sentence in runs, because the segmenter takes time proportional to the length of its input. */
function* graphemesOf(segmenter: Intl.Segmenter, sentence: Piece): Generator<Piece> {
  for (const { text, start } of runsOf(sentence)) {
    let from = 0;
    for (let size = STRETCH; from < text.length;) {
      const found = Array.from(segmenter.segment(text.slice(from, from + size)), ({ segment }) => segment);
      const settled = from + size < text.length ? found.slice(0, -1) : found;
      for (const grapheme of settled) {
        yield { text: grapheme, start: start + from };
        from += grapheme.length;
      }
      size = settled.length > 0 ? STRETCH : 2 * size;
    }
  }
}

/** Runs without white space. */
function* runsOf({ text, start }: Piece): Generator<Piece> {
  for (const { 0: run, index } of text.matchAll(/\S+/gu)) yield { text: run, start: start + index };
}

/** Cuts a long sentence between a space and a letter or digit, because no rule of word segmentation joins these. */
function* stretchesOf({ text, start }: Piece): Generator<Piece> {
  const cut = /(?<= )(?=[\p{L}\p{N}])/gu;
  let from = 0;
  while (text.length - from > STRETCH) {
    cut.lastIndex = from + STRETCH;
    const to = cut.exec(text)?.index;
    if (to === undefined) break;
    yield { text: text.slice(from, to), start: start + from };
    from = to;
  }
  yield { text: text.slice(from), start: start + from };
}

/** Splits a text into sentences and tokens; offsets count from its start. @throws ArgumentError on a locale that is not a BCP 47 tag */
export function segmentText(text: string, options: SegmentOptions = {}): SegmentedSentence[] {
  return createSegmenter(options)(text);
}

/**
 * Reads the sentences of a stream of raw UTF-8 text, line by line in bounded memory; offsets count from the start of the line.
 *
 * @param how the locale, and the name of the input in messages
 * @throws DataError on bytes that are not lines of UTF-8 (`lineBlocks`), on a line over 16 MiB, on a token of more than 100,000 characters,
 *   or if there is no sentence
 */
export async function* readText(
  chunks: ByteChunks,
  how: SegmentOptions & { source?: string } = {},
): AsyncGenerator<SegmentedSentence> {
  expectChunks('readText', 'chunks', chunks);
  expectTypes('readText', how, { source: 'string', locale: 'string', tokenizer: 'string' });
  const { source = 'input', ...options } = how;
  const segment = createSegmenter(options);
  let count = 0;
  for await (const { first, lines } of lineBlocks(chunks, source)) {
    for (let i = 0; i < lines.length; i++) {
      for (const sentence of segment(lines[i])) {
        for (const token of sentence.tokens) shortToken(token, source, first + i);
        count++;
        yield { ...sentence, line: first + i };
      }
    }
  }
  if (count === 0) throw new NoSentencesError(`${source}: no sentences: the input is empty or white space only`);
}
