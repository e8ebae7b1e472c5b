/** Sentences of dev and test that stand in the training data: their score counts what was learned by heart. */
import { grouped } from '../../tensor/print.js';
import type { Note } from '../data/notes.js';
import type { Sentence } from '../data/sentence.js';
import { noteOf } from './found-labels.js';

/**
 * The share of tokens from which it is told. Short sentences recur by themselves: of the tokens of Classical Chinese (UD Kyoto, dev) 7.5 %
 * are in sentences that training has, of English (UD EWT) 0.5 %.
 */
const LEAKED_SHARE = 0.15;

/** Fewer sentences than this are an example, whose score says little in any case. */
const FEW_SENTENCES = 10;

/**
 * A note for each corpus of which a large share, counted in tokens, stands word for word in the training data.
 *
 * @param scored the corpora that are scored, with the names of their inputs
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
      `${many} of ${part} stand word for word in the training data, so its score says little about new text: ` +
      'take them out of one of the two, or draw the parts anew with bptt split, which keeps equal sentences together';
    return [noteOf('leaked-sentences', message, source, found[0].line, found.length)];
  });
}

const keyOf = ({ tokens }: Sentence): string => tokens.join('\n'); // no token holds a line feed

const tokensOf = (sentences: readonly Sentence[]): number =>
  sentences.reduce((sum, { tokens }) => sum + tokens.length, 0);
