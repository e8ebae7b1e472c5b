/** Finds sentences of dev and test that also occur in the training data: their score measures memorization. */
import { grouped } from '../../tensor/print.js';
import type { Note } from '../data/notes.js';
import type { Sentence } from '../data/sentence.js';
import { noteOf } from './found-labels.js';

/**
 * The share of tokens from which leakage is reported. Short sentences recur naturally: in Classical Chinese (UD Kyoto, dev) 7.5 % of the
 * tokens are in sentences that also occur in training, in English (UD EWT) 0.5 %.
 */
const LEAKED_SHARE = 0.15;

/** Fewer sentences than this are an example, whose score means little in any case. */
const FEW_SENTENCES = 10;

/**
 * Returns a note for each corpus of which a large share, counted in tokens, occurs verbatim in the training data.
 *
 * @param scored the corpora to be scored, with the names of their inputs
 */
export function leakNotes(
  train: readonly Sentence[],
  scored: readonly { readonly sentences: readonly Sentence[]; readonly part: string; readonly source?: string }[],
): Note[] {
  if (scored.length === 0) return [];
  const known = new Set(train.map(keyOf));
  return scored.flatMap(({ sentences, part, source }) => {
    if (sentences.length < FEW_SENTENCES) return [];
    const found = sentences.filter((each) => known.has(keyOf(each)));
    const share = tokensOf(found) / tokensOf(sentences);
    if (!(share >= LEAKED_SHARE)) return [];
    const many = `${grouped(found.length)} of ${grouped(sentences.length)} sentences (${(100 * share).toFixed(1)} % of the tokens)`;
    const message =
      `${many} of ${part} occur word for word in the training data, so its score says little about new text: ` +
      'remove them from one of the two, or split again with bptt split, which keeps equal sentences together';
    return [noteOf('leaked-sentences', message, source, found[0].line, found.length)];
  });
}

const keyOf = ({ tokens }: Sentence): string => tokens.join('\n'); // no token contains a line feed

const tokensOf = (sentences: readonly Sentence[]): number =>
  sentences.reduce((sum, { tokens }) => sum + tokens.length, 0);
