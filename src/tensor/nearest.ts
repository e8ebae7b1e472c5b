/** The name that was probably meant, for messages about misspelt options. */

/** No name is compared beyond this length; a longer one comes from data, not from a keyboard. */
const LONGEST = 60;

/**
 * The known name most similar to `name`, or undefined if none is similar. Letter case, hyphens and underscores are ignored. Names
 * are similar if one begins or ends with the other (`onEpochEnd`, `onEpoch`), or one is the initials of the other
 * (`learningRate`, `lr`). They are also similar if their edit distance (Levenshtein 1966) is at most a third of the letters.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const each of known) {
    const distance = distanceOf(name.slice(0, LONGEST), each);
    if (distance !== null && (best === undefined || distance < best.distance)) best = { name: each, distance };
  }
  return best?.name;
}

/** A distance of at least 0, or null if the names are not similar. */
function distanceOf(name: string, known: string): number | null {
  const [a, b] = [plain(name), plain(known)];
  const edits = levenshtein(a, b);
  if (edits <= Math.max(a.length, b.length) / 3) return edits;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short.length >= 3 && (long.startsWith(short) || long.endsWith(short))) return edits;
  return (b !== '' && initials(name) === b) || (a !== '' && initials(known) === a) ? edits : null;
}

const plain = (name: string): string => name.replace(/[-_]/g, '').toLowerCase();

/** `lr` of `learningRate`, `learning-rate` and `learning_rate`. */
function initials(name: string): string {
  const words = name.match(/[A-Z]?[a-z\d]+|[A-Z]+/g) ?? [];
  return words.length < 2 ? '' : words.map((word) => word[0].toLowerCase()).join('');
}

/** The least number of insertions, deletions and substitutions that turn `b` into `a`. */
function levenshtein(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j] + 1, row[j - 1] + 1));
    }
  }
  return row[b.length];
}
