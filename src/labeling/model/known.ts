/** Whether a model has a vector for exactly this word: for warnings to people, not for labeling. */
import type { Model } from './model.js';

/**
 * Whether an encoder with a word list (from the training data or from pretrained vectors) contains the token. Returns true if no encoder
 * has such a list, because affixes and characters give every word a vector.
 */
export function hasVector({ readers }: Pick<Model, 'readers'>, token: string): boolean {
  const asked = readers.filter(({ vocabulary, knows }) => vocabulary ?? knows);
  return asked.length === 0 || asked.some((each) => each.vocabulary?.known(token) ?? each.knows!(token));
}
