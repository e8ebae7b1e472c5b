/** The lines of a brat annotation file. */
import type { DataError } from '../../../tensor/errors.js';
import type { Told } from './character-spans.js';
import { dataErrorAt, quote } from './options.js';

/** An annotation of the text. */
export interface BratSpan {
  readonly type: string;
  /** The range `[start, end)` of each part, in the unit of the file. */
  readonly parts: readonly (readonly [start: number, end: number])[];
  /** The text that it quotes, if it does. */
  readonly text?: string;
  readonly line: number;
}

/** The kinds of the other annotations, by the first character of a line. */
const OTHERS: Readonly<Record<string, Told>> = {
  R: 'relations',
  '*': 'relations',
  E: 'events',
  A: 'attributes',
  M: 'attributes',
  N: 'normalizations',
  '#': 'notes',
};

/** Parses a line: returns a span, or the kind of another annotation. @throws DataError if it is neither */
export function bratLine(row: string, source: string, line: number): BratSpan | Told {
  const fail = (message: string): DataError => dataErrorAt(source, line, message);
  if (!/^T\d/.test(row)) {
    const other = /^(?:[REAMN#]\d\S*|\*)\t/.test(row) ? OTHERS[row[0]] : undefined;
    if (other !== undefined) return other;
    throw fail(`expected a brat annotation, such as T1, a tab, PER 0 3, a tab, Ann; got ${quote(row)}`);
  }
  const [, type, places, text] = /^T[^\t]*\t([^\t ]+) (\d+ \d+(?:;\d+ \d+)*)[ ]*(?:\t(.*))?$/su.exec(row) ?? [];
  if (type === undefined)
    throw fail(`expected T1, a tab, a type, places and perhaps a tab and the text there (T1, PER 0 3, Ann); got ${quote(row)}`); // prettier-ignore
  const parts = places.split(';').map((part) => part.split(' ').map(Number) as [number, number]);
  const wrong = parts.find(([start, end], i) => start >= end || start < (parts[i - 1]?.[1] ?? 0));
  if (wrong === undefined) return { type, parts, line, ...(text !== undefined && { text }) };
  throw fail(`expected places from left to right, each end after its start; got ${quote(places)}: correct them`);
}
