/** A list of JSON where lines of JSON are expected. */

/** Whether the lines are a JSON list, or begin one: `[{"…`, `[["…`, `["…",`, or `[` above such an item. */
export function isJsonList(rows: readonly string[]): boolean {
  const [first = '', second = ''] = rows;
  if (/^\s*\[\s*$/.test(first)) return /^\s*(\{|\[)/.test(second);
  return /^\s*\[\s*(\{\s*("|$)|\[\s*(["[{\d]|$)|"(?:[^"\\]|\\.)*"\s*[,\]])/.test(first);
}
