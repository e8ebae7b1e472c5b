/** Texts of strangers in Markdown: words, file names and labels that must show as they are, in paragraphs and tables. */
import { visible } from '../../tensor/visible.js';

/** A text within a line or a cell, that Markdown shows as it is: what is unseen is spelled out, and what Markdown would obey is escaped. */
export function plain(text: string): string {
  return visible(text)
    .replace(/[\\`*_{}[\]<>&~$#!]/g, '\\$&')
    .replace(/\|/g, '&#124;'); // a backslash alone would not keep every table whole
}

/** A table: its first row the head; columns of numbers to the right, others to the left. Cells are Markdown already. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  const isNumeric = (j: number): boolean => body.every((row) => /^[\d.,]+( %)?$/.test(row[j]));
  const rule = head.map((_, j) => (isNumeric(j) ? '---:' : '---'));
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** A list. */
export const bullets = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');

/** A block of text as it is, behind a fence that is longer than any in it. */
export function fenced(text: string, language: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`;
}
