/**
 * The style of prose, as far as a machine can judge it: short sentences in the present tense, that address the reader, with the
 * field's terms. Texts are Markdown without its code, comments of the sources, help texts and messages.
 */
import ts from 'typescript';

/** A habit to drop. */
export interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  /** What to write in its place. */
  readonly instead: string;
  /** A sentence that breaks it. */
  readonly wrong: string;
  /** One that looks alike and is fine. */
  readonly right: string;
}

/** A piece of prose and where it stands. */
export interface Passage {
  readonly line: number;
  readonly text: string;
}

export const RULES: readonly Rule[] = [
  {
    name: '"Who …" as a subject',
    pattern: /\bWho (?!else\b)[a-z]+s\b(?![^.:;]*\?)/,
    instead: 'the imperative ("Benchmark your own kernel: …") or the noun ("a caller that …")',
    wrong: 'Who wants to measure kernels runs this.',
    right: 'Who closed the door? Measure kernels with this.',
  },
  {
    name: 'a negated noun',
    pattern: /(?<!\b[Tt]here )\b(is|are) no (?!longer\b|more\b|less\b|fewer\b)[a-z]+/,
    instead: '"is not a …"',
    wrong: 'The value is no number.',
    right: 'There is no number, so the value is no longer finite.',
  },
  {
    name: '"any more" after a negation',
    pattern: /\b(not|no|nobody|nothing|never|cannot)\b[^.]*\bany more\b/,
    instead: '"no longer"',
    wrong: 'The file cannot be written any more.',
    right: 'The file can no longer be written.',
  },
  {
    name: '"to be had", "can be had"',
    pattern: /\b(to|can|cannot|could not) be had\b/,
    instead: '"is available", "is unavailable"',
    wrong: 'The memory cannot be had.',
    right: 'The memory is unavailable.',
  },
  {
    name: '"by who"',
    pattern: /\bby who\b/,
    instead: 'the noun: "by the caller"',
    wrong: 'It is loaded by who asks for it.',
    right: 'It is loaded by its callers.',
  },
  {
    name: '"somebody", "nobody"',
    pattern: /\b(somebody|nobody|everybody)\b/i,
    instead: 'the field’s noun, or the passive: "is not read"',
    wrong: 'Nobody looks into the steps.',
    right: 'The caller never reads single steps.',
  },
  {
    name: 'a human verb for a machine',
    pattern: /\b(hears? of|is told once|are told once|comes? up|came up|seen at work|lies down|walked backward)\b/,
    instead: '"receives", "is reported once", "occurs", "runs", "sleeps", "forward-only"',
    wrong: 'A lost device is told once.',
    right: 'A lost device is reported once.',
  },
  {
    name: 'a riddle for a term',
    pattern: /\b(answers? later|answers? at once)\b/,
    instead: '"asynchronous", "synchronous"',
    wrong: 'A device that answers later takes whole layers.',
    right: 'An asynchronous device takes whole layers.',
  },
  {
    name: 'an exclamation mark',
    pattern: /[A-Za-z]!(?=\s|$)/,
    instead: 'a full stop',
    wrong: 'It works!',
    right: 'It works.',
  },
  {
    name: 'an em dash',
    pattern: /\u2014/,
    instead: 'a comma, a colon or a new sentence',
    wrong: 'The tape \u2014 an oracle \u2014 agrees.',
    right: 'The tape, an oracle, agrees.',
  },
  {
    name: 'praise and padding',
    pattern:
      /\b(simply|obviously|of course|blazing(ly)?|seamless(ly)?|powerful|cutting-edge|state-of-the-art|leverage[sd]?|utilize[sd]?|in order to|please)\b/i,
    instead: 'nothing: delete it, or "to"',
    wrong: 'Simply leverage the powerful tape.',
    right: 'Use the tape.',
  },
];

/** Which rules a text breaks: the rule and the words that break it. */
export function broken(text: string): string[] {
  return RULES.flatMap(({ name, pattern, instead }) => {
    const found = pattern.exec(text);
    return found ? [`${name}: "${found[0]}"; write ${instead}`] : [];
  });
}

/** Words of a sentence; a piece of code is one word, however long. */
export const wordsIn = (sentence: string): number =>
  sentence
    .replace(/`[^`]*`/g, 'code')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/** The sentences of a text. */
export const sentencesOf = (text: string): string[] =>
  text
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/\b(e\.g|i\.e|cf|vs)\./g, '$1')
    .split(/(?<=[.?!:;]["')*_]*)\s+/)
    .filter(Boolean);

/** The prose of a Markdown document by paragraphs, list items and table cells: no code blocks, and a link is its words. */
export function markdownPassages(markdown: string): Passage[] {
  const passages: Passage[] = [];
  let open: { line: number; text: string } | undefined;
  let fenced = false;
  markdown.split('\n').forEach((raw, i) => {
    if (/^\s*```/.test(raw)) fenced = !fenced;
    const line = raw.trim();
    const bare = line.replace(/^([-*]|\d+\.|#+|>)\s+/, '');
    if (fenced || /^(```|<|\||:?-{3,}|$)/.test(line) || /^ {4,}\S/.test(raw)) {
      open = undefined;
      if (!fenced && line.startsWith('|')) passages.push(...line.split('|').map((text) => ({ line: i + 1, text })));
      return;
    }
    if (!open || bare !== line) passages.push((open = { line: i + 1, text: bare }));
    else open.text += ` ${bare}`;
  });
  return passages.map(({ line, text }) => ({ line, text: text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1') }));
}

/** The comments of a TypeScript file, and the texts in it that have spaces: messages, help texts, labels of views. */
export function sourcePassages(source: string): Passage[] {
  const file = ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line + 1;
  const seen = new Set<number>();
  const passages: Passage[] = [];
  const comments = (ranges: ts.CommentRange[] | undefined) => {
    for (const { pos, end } of ranges ?? []) {
      if (seen.has(pos)) continue;
      seen.add(pos);
      const text = source.slice(pos, end).replace(/^\/\*+|\*+\/$|^\/\/+/g, '').replace(/\n\s*\* ?/g, '\n'); // prettier-ignore
      for (const part of text.split(/\n\s*\n|(?=\n@|\n\s*- )/)) passages.push({ line: lineOf(pos), text: part.replace(/\s+/g, ' ').trim() }); // prettier-ignore
    }
  };
  const visit = (node: ts.Node) => {
    comments(ts.getLeadingCommentRanges(source, node.pos));
    comments(ts.getTrailingCommentRanges(source, node.end));
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const text = node.getText(file);
      if (/[A-Za-z] [a-z]/.test(text)) passages.push({ line: lineOf(node.getStart(file)), text: text.slice(1, -1) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return passages;
}
