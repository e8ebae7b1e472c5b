/** The order of strings in vocabularies. */

/** The counted strings by descending count, ties in code-point order. */
export function byCount(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].sort(([v, m], [w, n]) => n - m || compareCodePoints(v, w)).map(([word]) => word);
}

/** Order by code points; `<` orders by UTF-16 code units, where a surrogate comes before U+E000. */
export function compareCodePoints(v: string, w: string): number {
  const length = Math.min(v.length, w.length);
  let i = 0;
  while (i < length && v.charCodeAt(i) === w.charCodeAt(i)) i++;
  if (i === length) return v.length - w.length;
  // If the strings first differ inside a surrogate pair, the pair begins one unit earlier, with the same unit in both.
  const inside = i > 0 && (v.charCodeAt(i - 1) & 0xfc00) === 0xd800;
  const at = inside ? i - 1 : i;
  return v.codePointAt(at)! - w.codePointAt(at)!;
}
