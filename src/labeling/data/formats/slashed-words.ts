/**
 * Words with their labels in the format `slashed`: `the/DT cat/NN`.
 *
 * The label follows the last slash of a word, so a token may contain slashes. A backslash makes the slash, the space, the tab or the
 * backslash after it part of the token or the label, and `\uXXXX` is a code unit in hexadecimal; any other backslash stands for itself.
 */

/** A word split into its parts, both still escaped; the label is undefined if no slash has text on both sides. */
export interface SlashedWord {
  readonly token: string;
  readonly label: string | undefined;
}

/** The words of a line, still escaped, in time linear in its length. */
export function slashedWords(line: string): string[] {
  const words: string[] = [];
  let start = 0;
  for (let i = 0; i <= line.length; i++) {
    const character = line[i];
    if (character === '\\' && i + 1 < line.length) i++;
    else if (i >= line.length || character === ' ' || character === '\t') {
      if (i > start) words.push(line.slice(start, i));
      start = i + 1;
    }
  }
  if (start < line.length) words.push(line.slice(start)); // the line ends in an escaped character
  return words;
}

/** Splits a word at its last unescaped slash. */
export function splitWord(word: string): SlashedWord {
  let slash = -1;
  for (let i = 0; i < word.length; i++) {
    if (word[i] === '\\') i++;
    else if (word[i] === '/') slash = i;
  }
  if (slash <= 0 || slash === word.length - 1) return { token: word, label: undefined };
  return { token: word.slice(0, slash), label: word.slice(slash + 1) };
}

/** Whether every word of a line has a label, none looks like an address, and there are no tabs, which would separate columns. */
export function isSlashed(line: string): boolean {
  if (line.includes('\t')) return false;
  const words = slashedWords(line);
  return words.length > 0 && words.every((word) => splitWord(word).label !== undefined && !word.includes('://'));
}

/** Escapes a token or label for a word. */
export function escapeWord(text: string): string {
  return text.replace(/[\\/ ]|[^\S ]|[\p{Cc}\p{Cf}\p{Cs}]/gu, (character) =>
    '\\/ '.includes(character) ? `\\${character}` : unitsOf(character),
  );
}

function unitsOf(character: string): string {
  return Array.from({ length: character.length }, (_, i) => {
    return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }).join('');
}

/** Unescapes a token or label from a word. */
export function unescapeWord(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\\/ \t]))/g, (_, code?: string, character?: string) =>
    code === undefined ? character! : String.fromCharCode(parseInt(code, 16)),
  );
}
