/** Makes untrusted text safe in messages: control and invisible characters are spelled out. */

/** Controls, invisible format characters, line and paragraph separators, lone surrogates, and every space but U+0020. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|(?! )\p{Zs}/gu;

/**
 * Text with its unseen characters written as `<U+FEFF>`: safe to print, and it shows the difference between texts that look the
 * same.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => `<${codePointName(character)}>`);
}

/** The code point of a character in Unicode notation: `U+FEFF`. */
export function codePointName(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Truncates a text of more than `longest` code units and appends `…`; never splits a surrogate pair. */
export function cutShort(text: string, longest = 60): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 3).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Text for a message: in quotes, visible, and truncated if it is long. */
export function quoted(text: string, longest = 60): string {
  // JSON escapes ASCII controls, quotes and backslashes; its escapes of lone surrogates are as clear as ours.
  return visible(JSON.stringify(cutShort(text, longest)));
}
