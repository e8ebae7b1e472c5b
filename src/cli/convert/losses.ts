/** Counts what a conversion leaves out, for one summary line, and rejects what cannot be converted. */
import type { Dropped } from '../../labeling/data/formats/index.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import { counted } from '../../tensor/print.js';

/** Names of what is counted, in the singular; the plural adds an s, or follows a bar. */
const NAMES = {
  comments: 'comment',
  ranges: 'range of words|ranges of words',
  emptyNodes: 'empty node',
  documents: 'document start',
  columns: 'value of other columns|values of other columns',
  fields: 'other field',
  categories: 'label of a sentence|labels of sentences',
  unlabeled: 'token without label, which counts as outside of spans there|tokens without label, which count as outside of spans there',
  spanless: 'label that belongs to no span|labels that belong to no span',
  spaces: 'text with other spaces between words|texts with other spaces between words',
  cuts: 'text that will be tokenized differently, as words contain or lack white space|texts that will be tokenized differently, as words contain or lack white space',
} as const; // prettier-ignore

/** A kind of loss. */
export type Loss = Dropped | keyof typeof NAMES;

/** Counts losses. */
export interface Losses {
  add(kind: Loss, count?: number): void;
  readonly counts: Readonly<Partial<Record<Loss, number>>>;
  /** Reports them in one line, if there are any. */
  note(source: string, output: string, warnings: NoteCollector): void;
}

/** Creates a counter without losses. */
export function createLosses(): Losses {
  const counts: Partial<Record<Loss, number>> = {};
  return {
    counts,
    add(kind, count = 1) {
      if (count > 0) counts[kind] = (counts[kind] ?? 0) + count;
    },
    note(source, output, warnings) {
      const found = (Object.keys(NAMES) as Loss[]).flatMap((kind) => {
        const [one, more = `${one}s`] = NAMES[kind].split('|');
        const count = counts[kind];
        return count === undefined ? [] : [counted(count, one, more)];
      });
      if (found.length === 0) return;
      const count = Object.values(counts).reduce((sum, each) => sum + each, 0);
      const message = `${source}: left out, because ${output} cannot hold them: ${found.join(', ')}`;
      warnings.add({ kind: 'losses', message, source, count });
    },
  };
}
