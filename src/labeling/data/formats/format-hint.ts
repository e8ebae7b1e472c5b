/** Says what an input of an unsupported format probably is, and what to do about it. */
import { isBlank } from './detect.js';
import { isJsonList } from './json-list.js';

/**
 * Returns advice for a message about the first lines of an input, without a leading colon.
 *
 * @param shape the expected content of a line of JSON
 */
export function formatHint(head: readonly string[], shape: string): string | undefined {
  const rows = head.filter((line) => !isBlank(line));
  if (isJsonList(rows)) {
    return rows.length > 1 && parses(rows[0])
      ? `each line is a JSON list; expected an object: ${shape}`
      : `it is one JSON list; expected JSON lines, one object per line: convert it, for example with jq -c '.[]'`;
  }
  return isCommaSeparated(rows)
    ? 'it looks like comma-separated values; expected columns separated by tabs: convert it, for example with csvformat -T, or save it as tab-delimited text'
    : undefined;
}

/** Whether most lines have the same number of commas, at least one, outside quotes. */
function isCommaSeparated(rows: readonly string[]): boolean {
  const counts = new Map<number, number>();
  for (const row of rows) {
    const commas = row.replace(/"(?:[^"]|"")*"/g, '').split(',').length - 1;
    counts.set(commas, (counts.get(commas) ?? 0) + 1);
  }
  const [commas, most] = [...counts].sort(([, m], [, n]) => n - m)[0] ?? [0, 0];
  return commas > 0 && 5 * most >= 4 * rows.length && !rows.some((row) => row.includes('\t'));
}

function parses(row: string): boolean {
  try {
    JSON.parse(row);
    return true;
  } catch {
    return false;
  }
}
