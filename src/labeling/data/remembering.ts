/** Text repeats its words: what was made of one is kept for the next time. */

/** Tokens that are remembered at most. */
const MOST = 2 ** 15;

/** Code units of the longest token that is remembered. */
const LONGEST = 64;

/**
 * The same function of a token, which remembers what it has returned: do not write to that. After 32,768 different tokens it
 * begins anew, so that a stream of any length takes bounded memory.
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
