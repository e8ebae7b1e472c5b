/** Words recur in text, so the result for a word is cached. */

/** The most tokens that are cached. */
const MOST = 2 ** 15;

/** Code units of the longest token that is cached. */
const LONGEST = 64;

/**
 * Memoizes a function of a token; do not modify its results. After 32,768 different tokens the cache starts over empty, so that a stream of
 * any length takes bounded memory.
 */
export function remembering<T>(of: (token: string) => T): (token: string) => T {
  const known = new Map<string, T>();
  return (token) => {
    const found = known.get(token);
    if (found !== undefined) return found;
    const made = of(token);
    if (token.length > LONGEST) return made;
    if (known.size >= MOST) known.clear();
    known.set(token, made);
    return made;
  };
}
