/**
 * One token a line in columns, a blank line after each sentence: the format of the CoNLL shared tasks, with as many
 * columns as the file happens to have. `two-column` is the case of a token, a tab and a label.
 *
 * A line that begins with `#` may be a comment or a hashtag. It is a comment where it stands before the first token of a
 * sentence, has another number of columns than the file, and (where spaces separate) a space follows the `#`.
 */
import { createCollector, type LineParser } from './collect.js';
import { isBlank, splitColumns, type ColumnLayout } from './detect.js';
import { columnIndex, dataErrorAt, quote, type ParseOptions } from './options.js';

/** The token that CoNLL-2003 puts before each document; it is no sentence. */
const DOCUMENT_START = '-DOCSTART-';

/** Where token and label stand, and what width a line must have. */
interface Places {
  token: number;
  label: number | undefined;
  /** Least number of columns. */
  least: number;
  /** Greatest number of columns; Infinity where every place is counted from the left. */
  most: number;
}

/**
 * A parser of lines in columns.
 *
 * @param layout separator and width, as `detectLayout` finds them in the first lines
 * @throws ArgumentError where there is no such column
 */
export function createConllParser(options: ParseOptions, layout: ColumnLayout): LineParser {
  const { source, labels } = options;
  const places = placesOf(options, layout);
  const sentence = createCollector(options);

  const isComment = (text: string, width: number) =>
    text.startsWith('#') &&
    sentence.count === 0 &&
    width !== layout.width &&
    (layout.separator === 'tab' || /^#([ \t]|$)/.test(text));

  function checkWidth(text: string, width: number, line: number): void {
    if (width >= places.least && width <= places.most) return;
    const expected = places.most === Infinity ? `at least ${places.least}` : `${places.most}`;
    const separator = layout.separator === 'tab' ? 'tabs' : 'spaces';
    const problem = `too ${width < places.least ? 'few' : 'many'} columns: expected ${expected} separated by ${separator}`;
    const advice = 'correct the line, or give the format and the column';
    throw dataErrorAt(source, line, `${problem}; got ${width} in ${quote(text)}: ${advice}`);
  }

  function labelOf(columns: readonly string[], line: number): string | undefined {
    const label = places.label === undefined ? '' : columns[places.label];
    if (label !== '') return label;
    if (labels !== 'required') return undefined;
    const message = `expected a label in column ${places.label! + 1}; got nothing`;
    throw dataErrorAt(source, line, `${message}: fill it in, or choose another column`);
  }

  return {
    push(text, line) {
      if (isBlank(text)) return sentence.flush();
      const columns = splitColumns(text, layout.separator);
      if (isComment(text, columns.length)) return undefined;
      if (columns[0] === DOCUMENT_START) return sentence.flush();
      checkWidth(text, columns.length, line);
      const token = columns[places.token];
      if (token === '') {
        throw dataErrorAt(source, line, `expected a token in column ${places.token + 1}; got nothing: fill it in`);
      }
      sentence.add(token, labelOf(columns, line), line);
      return undefined;
    },
    end: () => sentence.flush(),
  };
}

/** A parser of lines with a token, a tab and a label. */
export function createTwoColumnParser(options: ParseOptions): LineParser {
  return createConllParser(options, { separator: 'tab', width: 2, numbered: false });
}

function placesOf(options: ParseOptions, { width, numbered }: ColumnLayout): Places {
  const { column = -1, tokenColumn = numbered ? 2 : 1, columns = [], labels } = options;
  const token = columnIndex(tokenColumn, columns, width);
  // A file without labels may have a single column; then there is none to look at.
  const labelless = labels === 'ignored' || (labels === 'optional' && width === 1);
  const widthForLabel = labels === 'required' ? Math.max(width, 2) : width;
  const label = labelless ? undefined : columnIndex(column, columns, widthForLabel);
  const fromTheRight = (place: string | number) => /^-/.test(String(place));
  const strict = fromTheRight(tokenColumn) || (label !== undefined && fromTheRight(column));
  const needed = Math.max(token, label ?? 0) + 1;
  const whole = Math.max(width, needed);
  return { token, label, least: strict ? whole : needed, most: strict ? whole : Infinity };
}
