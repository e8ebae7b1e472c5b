/** What the line parsers share: their interface, and the sentence under construction. */
import { counted } from '../../../tensor/print.js';
import type { DataError } from '../../../tensor/errors.js';
import type { Note } from '../notes.js';
import type { Sentence } from '../sentence.js';
import { dataErrorAt, type ParseOptions } from './options.js';
import type { Reading } from './reading.js';

/** Takes lines one by one and gives a sentence when a line completes it. */
export interface LineParser {
  /** How it reads. */
  readonly reading: Reading;
  /** @throws DataError naming source and line */
  push(text: string, line: number): Sentence | undefined;
  /** Call once after the last line. @throws DataError */
  end(): Sentence | undefined;
  /** Call where `push` threw and the reading goes on: the sentence of that line is left out. */
  spoil(): void;
  /** Sentences left out, and their readable tokens. */
  lost(): { readonly sentences: number; readonly tokens: number };
  /** What was decided on the way, for people. */
  notes(): readonly Note[];
}

/** Collects the tokens of one sentence after another. */
export interface Collector {
  /** Number of tokens since the last sentence ended. */
  readonly count: number;
  add(token: string, label: string | undefined, line: number): void;
  /** Ends the sentence; undefined where it has no tokens, as between two blank lines, or was spoiled. */
  flush(): Sentence | undefined;
  spoil(): void;
  lost(): { readonly sentences: number; readonly tokens: number };
}

/** A collector that holds at most `maxTokens` and, where labels are optional, keeps them only if no token lacks one. */
export function createCollector({ source, maxTokens, cleaner }: ParseOptions): Collector {
  let tokens: string[] = [];
  let labels: string[] = [];
  let count = 0;
  let first = 0;
  let spoiled = false;
  const lost = { sentences: 0, tokens: 0 };
  const reset = (): void => {
    [tokens, labels, count, spoiled] = [[], [], 0, false];
  };
  return {
    get count() {
      return count;
    },
    add(token, label, line) {
      if (count === 0) first = line;
      if (++count > maxTokens && !spoiled) {
        spoiled = true;
        throw tooLong(source, maxTokens, first, line);
      }
      if (spoiled) return;
      tokens.push(cleaner.token(token, line));
      if (label !== undefined) labels.push(label);
    },
    flush() {
      if (spoiled) {
        lost.sentences++;
        lost.tokens += count;
        reset();
        return undefined;
      }
      if (tokens.length === 0) return undefined;
      const labeled = labels.length === tokens.length;
      const sentence: Sentence = labeled ? { tokens, labels, line: first } : { tokens, line: first };
      reset();
      return sentence;
    },
    spoil() {
      spoiled = true;
      tokens = [];
      labels = [];
    },
    lost: () => lost,
  };
}

function tooLong(source: string, maxTokens: number, first: number, line: number): DataError {
  const message = `the sentence that begins at line ${first} has more than ${counted(maxTokens, 'token')}`;
  return dataErrorAt(source, line, `${message}: put a blank line after each sentence, or raise maxTokens`);
}
