/**
 * Shortens SVG: styles that many elements share (text size, anchor, colors, …) become a class with a short name. In SVG,
 * presentation attributes and style sheet properties are equivalent, so the appearance does not change. Quotes that HTML does not
 * need are removed; the result is HTML and no longer XML.
 */

/** Attributes that can move to a style sheet, and those whose numbers are lengths. */
const LOOKS =
  /^(text-anchor|dominant-baseline|font-(size|weight|family|style)|fill|fill-opacity|stroke|stroke-(width|dasharray)|pointer-events)$/;
const TAG = /<([a-z][a-zA-Z]*)((?: [\w:-]+="[^"]*")*)(\/?)>/g;
const ATTRIBUTE = / ([\w:-]+)="([^"]*)"/g;

/** Undoes the escapes in these values. */
const plain = (value: string): string => value.replace(/&#39;/g, "'").replace(/&quot;/g, '"');

const declaration = (name: string, value: string): string =>
  `${name}:${name === 'font-size' ? `${value}px` : plain(value)}`;

/** Style attributes and other attributes of a start tag. */
function split(attributes: string): { readonly looks: string; readonly rest: string; readonly own: string } {
  let [looks, rest, own] = ['', '', ''];
  for (const [all, name, value] of attributes.matchAll(ATTRIBUTE)) {
    if (LOOKS.test(name) && !/[;{}<\\]/.test(value)) {
      looks += `${looks === '' ? '' : ';'}${declaration(name, value)}`;
      own += all;
    } else rest += all;
  }
  return { looks, rest, own };
}

/** Short names: a, b, … z, aa, ab, … */
function nameOf(n: number): string {
  const last = String.fromCharCode(97 + (n % 26));
  return n < 26 ? last : nameOf(Math.floor(n / 26) - 1) + last;
}

/** Returns markup with classes, and their style sheet. A style becomes a class if that is shorter. */
export function classified(markup: string): { readonly css: string; readonly body: string } {
  const counts = new Map<string, { count: number; readonly bytes: number }>();
  for (const [, , attributes] of markup.matchAll(TAG)) {
    const { looks, own } = split(attributes);
    if (looks !== '' && !attributes.includes(' class=')) {
      const found = counts.get(looks) ?? { count: 0, bytes: own.length };
      found.count++;
      counts.set(looks, found);
    }
  }
  const names = new Map<string, string>();
  const order = [...counts].sort(([, a], [, b]) => b.count - a.count);
  for (const [looks, { count, bytes }] of order) {
    const name = nameOf(names.size);
    if (count * (bytes - name.length - 9) > looks.length + name.length + 3) names.set(looks, name);
  }
  const body = markup.replace(TAG, (_, element: string, attributes: string, end: string) => {
    const { looks, rest } = split(attributes);
    const name = names.get(looks);
    const own = name === undefined || attributes.includes(' class=') ? attributes : ` class="${name}"${rest}`;
    return `<${element}${unquoted(own, end)}${end}>`;
  });
  return { css: [...names].map(([looks, name]) => `.${name}{${looks}}`).join(''), body };
}

/**
 * Attributes without the quotes that HTML does not need; a space separates the last one from a slash, which would otherwise
 * become part of the value.
 */
function unquoted(attributes: string, end: string): string {
  return attributes.replace(
    /="([\w.,#-]+)"(?=( |$))/g,
    (_, value: string, next: string) => `=${value}${next === '' && end !== '' ? ' ' : ''}`,
  );
}
