/**
 * Raw text to sentences and tokens by the rules of Unicode (UAX #29) as `Intl.Segmenter` implements them.
 *
 * Every stretch that is not white space becomes a token: words ("don't" is one), numbers, and each punctuation mark by
 * itself. URLs, e-mail addresses, hashtags and handles stay whole. A line end always ends a sentence, so text that is wrapped at a fixed width should be unwrapped first.
 */
import { expectString } from '../../tensor/arguments.js';
import { expectKnownKeys, expectOneOf, keysOf } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectChunks, expectTypes } from '../checks.js';
import { lineBlocks, NoSentencesError, type ByteChunks } from './formats/lines.js';
import { shortToken } from './long-tokens.js';
import type { SegmentedSentence } from './sentence.js';

/** How text is cut into tokens: by the rules of Unicode, at white space alone, or into characters. */
export const TOKENIZERS = ['unicode', 'whitespace', 'characters'] as const;
export type Tokenizer = (typeof TOKENIZERS)[number];

/** How to segment text. */
export interface SegmentOptions {
  /** Language as a BCP 47 tag; it matters for scripts without spaces, such as `th` and `ja`. Default `en`. */
  locale?: string;
  /**
   * Default `unicode`. With `whitespace` punctuation stays with its word, as in text that is tokenized already; with
   * `characters` each grapheme that is not white space is a token.
   */
  tokenizer?: Tokenizer;
}

const KEYS = keysOf<SegmentOptions>({ locale: true, tokenizer: true });

/** Segments that are not tokens: white space, controls and invisible format characters such as a zero-width space. */
const INVISIBLE = /^[\p{White_Space}\p{Cc}\p{Cf}]+$/u;

/**
 * Text is handed to Intl.Segmenter in stretches of about so many code units: V8 takes time in proportion to the whole text
 * for every segment it finds, so that a line of a megabyte would take hours at once.
 */
const STRETCH = 2048;

/** A piece of text, and where it begins. */
interface Piece {
  readonly text: string;
  readonly start: number;
}

/** A stretch this long without a safe place to go on from is cut: it has no letter, or is one token of its own. */
const LONGEST = 8192;

/** A function that segments text in one locale. @throws ArgumentError on an option outside its domain */
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
      // what stays whole is masked for sentences and words; its characters are those of the text
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
 * What stays whole: an e-mail address, a URL, a hashtag, a handle. Every alternative begins where nothing of its own kind
 * stands before it, so that each character is looked at a bounded number of times.
 */
const WHOLE =
  /(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|(?<![\p{L}\p{N}_])(?:[a-z][a-z\d+]{0,15}:\/\/|www\.)[^\s<>"]+|(?<![\p{L}\p{N}_&])[#@][\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*(?:-[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*)*/giu;

/** Punctuation that ends a URL only in the sentence around it. */
const TRAILING = new Set('.,;:!?\'"…»”’)]}');

/** Brackets that are opened and not closed; below 0, so many closed that were not opened. */
function unclosed(text: string): number {
  let open = 0;
  for (const letter of text) open += letter === '(' ? 1 : letter === ')' ? -1 : 0;
  return open;
}

/** The text with what stays whole replaced by a word of the same length, which no rule cuts. */
function masked(text: string): string {
  return text.replace(WHOLE, (match) => {
    let length = match.length;
    let open = unclosed(match);
    for (; length > 1 && TRAILING.has(match[length - 1]); length--) {
      if (match[length - 1] !== ')') continue;
      if (open >= 0) break; // it closes a bracket of the URL itself, as in /c_(d)
      open++;
    }
    const letter = /^\p{Ll}/u.test(match) ? 'x' : 'X'; // a sentence may begin here only where it might have before
    return letter + 'x'.repeat(length - 1) + match.slice(length);
  });
}

/**
 * The sentences of a text, found in stretches. Only the last break of a stretch may depend on what follows it (rule SB8 looks
 * ahead past what is not a letter, as far as the next sentence end), so the last two sentences of a stretch are found again
 * in the next one; where it has no more than two, the stretch is doubled. A stretch that is long already is left at its last
 * letter instead, in the middle of a sentence, where no rule looks back: then the next one goes on with that sentence.
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
      start = letter ?? (text.codePointAt(cut - 1)! > 0xffff ? cut + 1 : cut); // not inside of a code point
      if (letter === undefined) {
        yield { text: text.slice(open, start), start: open };
        open = start;
      }
    }
    size = start > from ? STRETCH : 2 * size;
  }
  if (open < text.length) yield { text: text.slice(open), start: open };
}

/** Sentences that end at white space: a run that the rules cut, as behind the first mark of `a!b`, stays whole. */
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

/** The place behind the last letter between two places that no end of a sentence follows; undefined if there is none. */
function lastLetter(text: string, from: number, to: number): number | undefined {
  for (let at = to - 1; at > from + 1; at--) {
    if (/[\p{L}\p{N},]/u.test(text[at]) && /\p{L}/u.test(text[at - 1])) return at;
  }
  return undefined;
}

/**
 * The words of a sentence. A long one is cut between a space and a letter or digit: no rule of word segmentation joins these.
 * Where there is no such place the last words of a stretch are found again in the next one.
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

/** The graphemes of a sentence, found in runs, because the segmenter takes time in proportion to what it is given. */
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

/** Runs of what is not white space. */
function* runsOf({ text, start }: Piece): Generator<Piece> {
  for (const { 0: run, index } of text.matchAll(/\S+/gu)) yield { text: run, start: start + index };
}

/** A sentence cut, where it is long, between a space and a letter or digit: no rule of word segmentation joins these. */
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

/** Sentences and tokens of a text; offsets count from its start. @throws ArgumentError on a locale that is not a BCP 47 tag */
export function segmentText(text: string, options: SegmentOptions = {}): SegmentedSentence[] {
  return createSegmenter(options)(text);
}

/**
 * Sentences of a stream of raw UTF-8 text, line by line in bounded memory; offsets count from the start of the line.
 *
 * @param how the locale, and the name of the input in messages
 * @throws DataError on bytes that are not lines of UTF-8 (`lineBlocks`), on a line over 16 MiB, on a token of more than 100,000
 *   characters, and where there is no sentence
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
