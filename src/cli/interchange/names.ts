/** `--names`: the words and labels for a model from another program, which does not contain them. */
import { Option } from 'commander';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { decodeUtf8 } from '../../serialize/utf8.js';
import type { StateDictNames } from '../../interchange/index.js';
import { defaultUnknown, isUnknown } from '../../interchange/pytorch/plain.js';
import { DataError } from '../../tensor/index.js';
import { quoted } from '../../tensor/visible.js';
import { readBytes } from '../model-io.js';

/** An option that several formats share. */
export const NAMES = new Option('--names <file>', 'your own model: JSON with its words and labels');

/** A note about incomplete names: which word was chosen as the unknown word, if none has the usual spelling. */
export function guessesOf({ words, unknown }: StateDictNames): string[] {
  if (unknown !== undefined || isUnknown(defaultUnknown(words))) return [];
  return [`unknown words are read as ${quoted(words[0])}, the first of the words: choose another with "unknown"`];
}

/** Reads the file of `--names`. @throws DataError if it is not JSON in UTF-8 */
export async function readNames(path: string): Promise<unknown> {
  const text = decodeUtf8(await readBytes(path));
  if (text === undefined) throw new DataError(`${path}: expected JSON in UTF-8; it is not UTF-8`);
  return parseUniqueJson(text, path);
}
