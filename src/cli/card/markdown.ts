/** Untrusted text in Markdown: words, file names and labels that must be shown literally, in paragraphs and tables. */
import { visible } from '../../tensor/visible.js';

/** Text in a line or a cell that Markdown shows literally: invisible characters are spelled out, and Markdown syntax is escaped. */
export function plain(text: string): string {
  return visible(text)
    .replace(/[\\`*_{}[\]<>&~$#!]/g, '\\$&')
    .replace(/\|/g, '&#124;'); // a backslash would not be enough in every table
}

/** A table whose first row is the head; number columns are right-aligned, others left-aligned. Cells must already be Markdown. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  const isNumeric = (j: number): boolean => body.every((row) => /^[\d.,]+( %)?$/.test(row[j]));
  const rule = head.map((_, j) => (isNumeric(j) ? '---:' : '---'));
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** A list. */
export const bullets = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');

/** A literal block of text, in a fence longer than any inside it. */
export function fenced(text: string, language: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`;
}
