/**
 * Raw text to sentences and tokens by the rules of Unicode (UAX #29) as `Intl.Segmenter` implements them.
 *
 * Every stretch that is not white space becomes a token: words ("don't" is one), numbers, and each punctuation mark by
 * itself. A line end always ends a sentence, so text that is wrapped at a fixed width should be unwrapped first.
 */
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { lineBlocks, type ByteChunks } from './formats/lines.js';
import type { SegmentedSentence } from './sentence.js';

/** How to segment text. */
export interface SegmentOptions {
  /** Language as a BCP 47 tag; it matters for scripts without spaces, such as `th` and `ja`. Default `en`. */
  locale?: string;
}

/** Segments that are no tokens: white space, controls and invisible format characters such as a zero-width space. */
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

/** A function that segments text in one locale. @throws ArgumentError on a locale that is no BCP 47 tag */
export function createSegmenter({ locale = 'en' }: SegmentOptions = {}): (text: string) => SegmentedSentence[] {
  let sentences: Intl.Segmenter;
  let words: Intl.Segmenter;
  try {
    sentences = new Intl.Segmenter(locale, { granularity: 'sentence' });
    words = new Intl.Segmenter(locale, { granularity: 'word' });
  } catch (cause) {
    const message = `locale must be a BCP 47 tag such as en or pt-BR; got ${JSON.stringify(locale)}`;
    throw new ArgumentError(message, { cause });
  }
  return (text) => {
    const found: SegmentedSentence[] = [];
    let line = 1;
    for (const sentence of sentencesOf(sentences, text)) {
      const tokens: string[] = [];
      const offsets: [number, number][] = [];
      for (const stretch of stretchesOf(sentence)) {
        for (const { segment: token, index } of words.segment(stretch.text)) {
          if (INVISIBLE.test(token)) continue;
          tokens.push(token);
          offsets.push([stretch.start + index, stretch.start + index + token.length]);
        }
      }
      if (tokens.length > 0) found.push({ tokens, offsets, line });
      line += sentence.text.split('\n').length - 1;
    }
    return found;
  };
}

/**
 * The sentences of a text, found in stretches. Only the last break of a stretch may depend on what follows it (rule SB8 looks
 * ahead past what is no letter, as far as the next sentence end), so the last two sentences of a stretch are found again
 * in the next one; where it has no more than two, the stretch is doubled.
 */
function* sentencesOf(segmenter: Intl.Segmenter, text: string): Generator<Piece> {
  let start = 0;
  for (let size = STRETCH; start < text.length;) {
    const found = Array.from(segmenter.segment(text.slice(start, start + size)), ({ segment }) => segment);
    const settled = start + size < text.length ? found.slice(0, -2) : found;
    for (const sentence of settled) {
      yield { text: sentence, start };
      start += sentence.length;
    }
    size = settled.length > 0 ? STRETCH : 2 * size;
  }
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

/** Sentences and tokens of a text; offsets count from its start. @throws ArgumentError on a locale that is no BCP 47 tag */
export function segmentText(text: string, options: SegmentOptions = {}): SegmentedSentence[] {
  return createSegmenter(options)(text);
}

/**
 * Sentences of a stream of raw UTF-8 text, line by line in bounded memory; offsets count from the start of the line.
 *
 * @param options the locale, and the name of the input in messages
 * @throws DataError on bytes that are no lines of UTF-8 (`lineBlocks`), on a line over 16 MiB, and where there is no sentence
 */
export async function* readText(
  chunks: ByteChunks,
  { source = 'input', ...options }: SegmentOptions & { source?: string } = {},
): AsyncGenerator<SegmentedSentence> {
  const segment = createSegmenter(options);
  let count = 0;
  for await (const { first, lines } of lineBlocks(chunks, source)) {
    for (let i = 0; i < lines.length; i++) {
      for (const sentence of segment(lines[i])) {
        count++;
        yield { ...sentence, line: first + i };
      }
    }
  }
  if (count === 0) throw new DataError(`${source}: no sentences: the input is empty or white space only`);
}
