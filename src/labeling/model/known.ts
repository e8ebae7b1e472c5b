/** Whether a model has a vector for a very word: for a warning to people, not for labels. */
import type { Model } from './model.js';

/**
 * Whether an encoder with a list of words, those of training or those of pretrained vectors, has the token; true where no encoder has such
 * a list, because affixes and characters have a vector for every word.
 */
export function hasVector({ readers }: Pick<Model, 'readers'>, token: string): boolean {
  const asked = readers.filter(({ vocabulary, knows }) => vocabulary ?? knows);
  return asked.length === 0 || asked.some((each) => each.vocabulary?.known(token) ?? each.knows!(token));
}
