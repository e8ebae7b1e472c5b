/** Recognizes a JSON list in place of JSON lines. */

/** Whether the lines are a JSON list, or the beginning of one: `[{"…`, `[["…`, `["…",`, or `[` on the line before such an item. */
export function isJsonList(rows: readonly string[]): boolean {
  const [first = '', second = ''] = rows;
  if (/^\s*\[\s*$/.test(first)) return /^\s*(\{|\[)/.test(second);
  return /^\s*\[\s*(\{\s*("|$)|\[\s*(["[{\d]|$)|"(?:[^"\\]|\\.)*"\s*[,\]])/.test(first);
}
