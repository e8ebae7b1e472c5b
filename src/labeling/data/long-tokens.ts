/**
 * The limit on the length of a token. A token of 100,000 characters indicates a file without separators, or one that is not text; the token
 * would be copied into the model, the reports and every message.
 */
import { DataError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';

/** The longest token that is accepted, in UTF-16 code units. */
export const LONGEST_TOKEN = 100_000;

/** Returns the token. @throws DataError if it is longer than {@link LONGEST_TOKEN}, naming the line */
export function shortToken(token: string, source: string, line: number): string {
  if (token.length <= LONGEST_TOKEN) return token;
  throw new DataError(
    `${source}:${line}: the token ${quoted(token, 30)} has ${token.length} characters: expected at most ${LONGEST_TOKEN}; separate the words, or remove the line`,
  );
}
