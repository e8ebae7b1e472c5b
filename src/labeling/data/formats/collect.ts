/** What the line parsers share: their interface, and the sentence under construction. */
import type { Sentence } from '../sentence.js';
import { dataErrorAt, type ParseOptions } from './options.js';

/** Takes lines one by one and gives a sentence when a line completes it. */
export interface LineParser {
  /** @throws DataError naming source and line */
  push(text: string, line: number): Sentence | undefined;
  /** Call once after the last line. @throws DataError */
  end(): Sentence | undefined;
}

/** Collects the tokens of one sentence after another. */
export interface Collector {
  /** Number of tokens since the last sentence ended. */
  readonly count: number;
  add(token: string, label: string | undefined, line: number): void;
  /** Ends the sentence; undefined where it has no tokens, as between two blank lines. */
  flush(): Sentence | undefined;
}

/** A collector that holds at most `maxTokens` and, where labels are optional, keeps them only if no token lacks one. */
export function createCollector({ source, maxTokens }: ParseOptions): Collector {
  let tokens: string[] = [];
  let labels: string[] = [];
  let first = 0;
  return {
    get count() {
      return tokens.length;
    },
    add(token, label, line) {
      if (tokens.length === 0) first = line;
      if (tokens.length === maxTokens) {
        const message = `the sentence that begins at line ${first} has more than ${maxTokens} tokens`;
        throw dataErrorAt(source, line, `${message}: put a blank line after each sentence, or raise maxTokens`);
      }
      tokens.push(token);
      if (label !== undefined) labels.push(label);
    },
    flush() {
      if (tokens.length === 0) return undefined;
      const labeled = labels.length === tokens.length;
      const sentence: Sentence = labeled ? { tokens, labels, line: first } : { tokens, line: first };
      tokens = [];
      labels = [];
      return sentence;
    },
  };
}
