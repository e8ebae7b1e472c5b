/**
 * CoNLL-U, the format of Universal Dependencies (https://universaldependencies.org/format.html): ten columns separated by
 * tabs, comment lines that begin with `#`, a blank line after each sentence. Multi-word ranges (`8-9`) and empty nodes
 * (`5.1`) are no words of their own and are skipped.
 */
import { createCollector, type LineParser } from './collect.js';
import { isBlank } from './detect.js';
import { columnIndex, dataErrorAt, quote, type ParseOptions } from './options.js';

/** Names of the ten columns, as the `column` option takes them. */
export const CONLLU_COLUMNS = [
  'id',
  'form',
  'lemma',
  'upos',
  'xpos',
  'feats',
  'head',
  'deprel',
  'deps',
  'misc',
] as const;

/** In these columns `_` is a value: no features, a lemma that is an underscore. In the others it means "not annotated". */
const UNDERSCORE_IS_A_VALUE = new Set([1, 2, 5, 8, 9]);

/** A parser of CoNLL-U lines whose labels are one column. @throws ArgumentError where there is no such column */
export function createConlluParser(options: ParseOptions): LineParser {
  const { source, labels } = options;
  const column = columnIndex(options.column ?? 'upos', CONLLU_COLUMNS, CONLLU_COLUMNS.length);
  const sentence = createCollector(options);

  function checkId(id: string, line: number): void {
    const expected = sentence.count + 1;
    if (!/^\d+$/.test(id)) {
      const message = `expected a word number, a range such as 8-9 or a decimal such as 5.1 in column 1; got ${quote(id)}`;
      throw dataErrorAt(source, line, `${message}: correct the number`);
    }
    if (Number(id) !== expected) {
      const message = `expected word number ${expected} in column 1; got ${id}`;
      throw dataErrorAt(source, line, `${message}: number words from 1 and put a blank line after each sentence`);
    }
  }

  function labelOf(columns: readonly string[], line: number): string | undefined {
    if (labels === 'ignored') return undefined;
    const label = columns[column];
    const missing = label === '' || (label === '_' && !UNDERSCORE_IS_A_VALUE.has(column));
    if (!missing) return label;
    if (labels === 'optional') return undefined;
    const message = `expected a label in column ${CONLLU_COLUMNS[column]}; got ${quote(label)}`;
    throw dataErrorAt(source, line, `${message}, which means "not annotated": annotate it, or choose another column`);
  }

  return {
    push(text, line) {
      if (isBlank(text)) return sentence.flush();
      if (text.startsWith('#')) return undefined;
      const columns = text.split('\t');
      if (columns.length !== CONLLU_COLUMNS.length) {
        const message = `too ${columns.length < 10 ? 'few' : 'many'} columns: expected 10 separated by tabs; got ${columns.length}`;
        throw dataErrorAt(source, line, `${message} in ${quote(text)}: correct the line, or give the format conll`);
      }
      if (/^\d+[-.]\d+$/.test(columns[0])) return undefined;
      checkId(columns[0], line);
      if (columns[1] === '') throw dataErrorAt(source, line, 'expected a word in column form; got nothing: fill it in');
      sentence.add(columns[1], labelOf(columns, line), line);
      return undefined;
    },
    end: () => sentence.flush(),
  };
}
