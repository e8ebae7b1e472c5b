/**
 * Decides which lines that begin with `#` are comments in files of columns, where a `#` may also be a token.
 *
 * By default, a reader decides from the contents of the file. A line whose number of columns differs from that of the file is a comment if
 * it comes before the first token of a sentence, or if a blank follows the `#`. A line with the same number of columns is a comment if
 * column 1 counts the tokens, or if it has the form `# key = value`. If its first column is only `#`, it is also a comment if its label is
 * empty or, in space-separated files, does not look like a label of the file: it is not among the labels of the other lines, and does not
 * have the shape of one (`NOUN` and `SYM` are alike; `NOUN` and `note` are not). Decisions that could be wrong are reported.
 */
import type { Note } from '../notes.js';
import type { CommentRule } from './options.js';
import { quote } from './options.js';

/** A line that begins with `#`, and its position. */
export interface HashLine {
  readonly text: string;
  readonly line: number;
  readonly columns: readonly string[];
  /** Whether it has as many columns as the file. */
  readonly fits: boolean;
  /** Whether it comes before the first token of a sentence. */
  readonly atStart: boolean;
  /** Its label, trimmed; undefined if the file has none. */
  readonly label: string | undefined;
}

/** Decides line by line. */
export interface CommentJudge {
  isComment(line: HashLine): boolean;
  /** Records the label of a token that is not `#`. */
  learn(label: string): void;
  note(source: string): Note | undefined;
}

/** How many labels are recorded; a file with more has no closed set of labels. */
const REMEMBERED = 10_000;

const KEY_VALUE = /^#[ \t]*[\p{L}_][\p{L}\p{N}_.:-]*[ \t]*=([ \t]|$)/u;

/** Returns a new judge. @param layout what is known about the file */
export function createCommentJudge(
  rule: CommentRule,
  layout: { readonly tabs: boolean; readonly ids: boolean },
): CommentJudge {
  const labels = new Set(['O', '#']); // the outside label of every scheme, and the Penn Treebank tag of #
  const shapes = new Set<string>();
  const read = { comments: 0, tokens: 0 };
  let first: { line: number; text: string } | undefined;

  const told = (as: keyof typeof read, { line, text }: HashLine): boolean => {
    read[as]++;
    first ??= { line, text };
    return as === 'comments';
  };

  function isComment(hash: HashLine): boolean {
    const { text, columns, fits, atStart, label } = hash;
    const blankFollows = /^#([ \t]|$)/.test(text);
    if (!fits && atStart) return layout.tabs || layout.ids || blankFollows;
    if (!fits) return layout.ids || blankFollows ? told('comments', hash) : false;
    if (layout.ids) return true;
    if (KEY_VALUE.test(text) && columns.length > 2) return told('comments', hash);
    if (columns[0] !== '#' || label === undefined) return false;
    if (label === '') return told('comments', hash);
    if (labels.has(label)) return false;
    const strange = shapes.size > 0 && !shapes.has(shapeOf(label));
    return told(strange && !layout.tabs ? 'comments' : 'tokens', hash);
  }

  return {
    isComment: (hash) => (rule === 'auto' ? isComment(hash) : rule === '#'),
    learn(label) {
      if (labels.size >= REMEMBERED || labels.has(label)) return;
      labels.add(label);
      shapes.add(shapeOf(label));
    },
    note: (source) => first && noteOf(source, first, read),
  };
}

function noteOf(
  source: string,
  first: { readonly line: number; readonly text: string },
  { comments, tokens }: { readonly comments: number; readonly tokens: number },
): Note {
  const lines = (n: number) => `${n} ${n === 1 ? 'line' : 'lines'}`;
  const parts = [
    ...(comments > 0 ? [`${lines(comments)} read as ${comments === 1 ? 'a comment' : 'comments'}`] : []),
    ...(tokens > 0 ? [`${lines(tokens)} read as ${tokens === 1 ? 'a token' : 'tokens'}`] : []),
  ];
  const where = `first line ${first.line}, ${quote(first.text)}`;
  const message = `${source}: of the lines that begin with # and are ambiguous, ${parts.join(', ')} (${where})`;
  const advice = 'if that is wrong, pass --comments none or --comments "#"';
  return { kind: 'comments', message: `${message}: ${advice}`, source, line: first.line, count: comments + tokens };
}

/** The shape of a label: runs of upper case, of lower case, of digits; all else as it is. */
function shapeOf(label: string): string {
  return label
    .replace(/\p{Lu}+/gu, 'X')
    .replace(/\p{Ll}+/gu, 'x')
    .replace(/\d+/g, '0');
}
