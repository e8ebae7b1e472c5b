/**
 * The text of a sentence that is already tokenized, and the offset of each token in it.
 *
 * The tokens are joined by spaces. In CoNLL-U, no space follows a word or a range of words with `SpaceAfter=No` in its last column, and a
 * range (`1-2 vámonos`) stands for its words: if the words concatenate to the range, each gets its part of it, otherwise each gets the
 * whole range. Empty nodes (`1.1`) are not text.
 */
import type { Sentence, SentenceText } from './sentence.js';

/** A text and its tokens. */
export type Surface = SentenceText;

/** A stretch of text, without spaces, that stands for some tokens. */
interface Stretch {
  readonly form: string;
  readonly words: number;
  readonly space: boolean;
}

/**
 * Returns the text of a sentence: the text that a reader kept, or for CoNLL-U that of its lines; otherwise its tokens with spaces between
 * them.
 */
export function surfaceOf(sentence: Sentence): Surface {
  const { tokens, surface } = sentence;
  if (surface) return surface;
  const offsets: (readonly [number, number])[] = [];
  let text = '';
  let space = '';
  for (const stretch of stretchesOf(sentence)) {
    text += space;
    offsets.push(...placesIn(stretch, tokens.slice(offsets.length, offsets.length + stretch.words), text.length));
    text += stretch.form;
    space = stretch.space ? ' ' : '';
  }
  return { text, offsets };
}

function placesIn({ form }: Stretch, words: readonly string[], start: number): [number, number][] {
  const apart = words.join('') === form;
  let at = start;
  return words.map((word) => {
    if (!apart) return [start, start + form.length];
    at += word.length;
    return [at - word.length, at];
  });
}

function stretchesOf({ tokens, conllu }: Sentence): Stretch[] {
  const [id, misc] = ['id', 'misc'].map((name) => conllu?.columns.indexOf(name) ?? -1);
  if (conllu === undefined || id < 0) return tokens.map((form) => ({ form, words: 1, space: true }));
  const form = conllu.columns.indexOf('form');
  const found: Stretch[] = [];
  let [covered, word] = [0, 0];
  for (const line of conllu.lines) {
    const cells = line.split('\t');
    if (line.startsWith('#') || /^\d+\.\d+$/.test(cells[id])) continue;
    const space = misc < 0 || !cells[misc].split('|').includes('SpaceAfter=No');
    const [, first, last] = /^(\d+)-(\d+)$/.exec(cells[id]) ?? [];
    if (first !== undefined) {
      // a range is valid if it begins at the next word and its words are present; any other is an error, not text
      const words = Number(last) - Number(first) + 1;
      if (Number(first) !== word + 1 || words < 1 || word + words > tokens.length || form < 0) continue;
      found.push({ form: cells[form], words, space });
      covered = Number(last);
    } else if (++word > covered) found.push({ form: tokens[word - 1], words: 1, space });
  }
  return found;
}
