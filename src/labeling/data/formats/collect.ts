/** Shared by the line parsers: their interface, and the sentence under construction. */
import { counted } from '../../../tensor/print.js';
import type { DataError } from '../../../tensor/errors.js';
import type { Note } from '../notes.js';
import type { Sentence } from '../sentence.js';
import { dataErrorAt, type ParseOptions } from './options.js';
import type { Reading } from './reading.js';

/** Takes lines one by one, and returns a sentence when a line completes it. */
export interface LineParser {
  /** How it reads the input. */
  readonly reading: Reading;
  /** @throws DataError naming source and line */
  push(text: string, line: number): Sentence | undefined;
  /** Call once after the last line. @throws DataError */
  end(): Sentence | undefined;
  /** Call after `push` has thrown if reading continues: the sentence of that line is dropped. */
  spoil(): void;
  /** Number of dropped sentences, and of their readable tokens. */
  lost(): { readonly sentences: number; readonly tokens: number };
  /** Automatic decisions, as notes for people. */
  notes(): readonly Note[];
}

/** Collects the tokens of one sentence after another. */
export interface Collector {
  /** Number of tokens since the last sentence ended. */
  readonly count: number;
  /** @param labels of the columns that are read, in order; `''` if the token has none, undefined if the line does not say */
  add(token: string, labels: readonly (string | undefined)[], line: number): void;
  /** Ends the sentence; undefined if it has no tokens, as between two blank lines, or was spoiled. */
  flush(): Sentence | undefined;
  spoil(): void;
  lost(): { readonly sentences: number; readonly tokens: number };
}

/**
 * Returns a collector that holds at most `maxTokens` tokens and, if labels are optional, keeps those of a column only if no token lacks one.
 *
 * @param names of the label columns, if several are read
 */
export function createCollector(
  { source, maxTokens, cleaner, tokenLines = false }: ParseOptions,
  names: readonly string[] = [],
): Collector {
  let [tokens, lines, count, spoiled]: [string[], number[], number, boolean] = [[], [], 0, false];
  const labels = createLabelLists(names);
  const lost = { sentences: 0, tokens: 0 };
  const reset = (): void => {
    [tokens, lines, count, spoiled] = [[], [], 0, false];
    labels.clear();
  };
  return {
    get count() {
      return count;
    },
    add(token, given, line) {
      const cleaned = cleaner.token(token, line); // first, because a token that makes this throw is not readable
      if (++count > maxTokens && !spoiled) {
        spoiled = true;
        throw tooLong(source, maxTokens, lines[0], line);
      }
      if (spoiled) return;
      tokens.push(cleaned);
      labels.add(given);
      lines.push(line);
    },
    flush() {
      if (spoiled) {
        lost.sentences++;
        lost.tokens += count;
        reset();
        return undefined;
      }
      if (tokens.length === 0) return undefined;
      const sentence = { tokens, ...labels.whole(tokens.length), line: lines[0], ...(tokenLines && { lines }) };
      reset();
      return sentence;
    },
    spoil() {
      [tokens, lines, spoiled] = [[], [], true];
      labels.clear();
    },
    lost: () => lost,
  };
}

/** Collects the labels of one sentence after another, column by column. */
function createLabelLists(names: readonly string[]) {
  const lists = Array.from({ length: Math.max(names.length, 1) }, (): string[] => []);
  return {
    add(given: readonly (string | undefined)[]): void {
      given.forEach((label, c) => {
        if (label !== undefined) lists[c].push(label);
      });
    },
    /** The fields of a sentence: the columns in which every token has a label. */
    whole(tokens: number): Pick<Sentence, 'labels' | 'columns'> {
      const whole = lists.map((each) => (each.length === tokens ? each : undefined));
      const columns = names.flatMap((name, c) => (whole[c] ? [[name, whole[c]] as const] : []));
      return {
        ...(whole[0] && { labels: whole[0] }),
        ...(names.length > 0 && { columns: Object.fromEntries(columns) }),
      };
    },
    clear(): void {
      lists.forEach((_, c) => (lists[c] = []));
    },
  };
}

function tooLong(source: string, maxTokens: number, first: number, line: number): DataError {
  const message = `the sentence that begins at line ${first} has more than ${counted(maxTokens, 'token')}`;
  return dataErrorAt(source, line, `${message}: put a blank line after each sentence, or raise maxTokens`);
}
