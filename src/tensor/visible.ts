/** Text of strangers in messages: what a terminal would obey, or is invisible, is spelled out. */

/** Controls, invisible format characters, line and paragraph separators, lone surrogates, and every space but U+0020. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|(?! )\p{Zs}/gu;

/** Text with its unseen characters written as `<U+FEFF>`: safe to print, and telling where two texts look the same. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => `<${codePointName(character)}>`);
}

/** The number of a character as Unicode writes it: `U+FEFF`. */
export function codePointName(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The beginning of a text, never half a surrogate pair, and `…` where it has more code units than `longest`. */
export function cutShort(text: string, longest = 60): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 3).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** A stretch of text for a message: in quotes, visible, and cut where it is long. */
export function quoted(text: string, longest = 60): string {
  // JSON spells controls of ASCII, quotes and backslashes; its escapes of lone surrogates are as clear as ours.
  return visible(JSON.stringify(cutShort(text, longest)));
}
