/**
 * Shorter SVG: looks that many elements share (size of text, anchor, colors, …) become a class with a short name. Presentation
 * attributes and properties of a style sheet are the same thing in SVG, so that nothing looks different. Quotes go where HTML does not
 * need them; the result is HTML and no longer XML.
 */

/** Attributes that may stand in a style sheet, and those of them whose numbers are lengths. */
const LOOKS =
  /^(text-anchor|dominant-baseline|font-(size|weight|family|style)|fill|fill-opacity|stroke|stroke-(width|dasharray)|pointer-events)$/;
const TAG = /<([a-z][a-zA-Z]*)((?: [\w:-]+="[^"]*")*)(\/?)>/g;
const ATTRIBUTE = / ([\w:-]+)="([^"]*)"/g;

/** Undoes the escapes that these values have. */
const plain = (value: string): string => value.replace(/&#39;/g, "'").replace(/&quot;/g, '"');

const declaration = (name: string, value: string): string =>
  `${name}:${name === 'font-size' ? `${value}px` : plain(value)}`;

/** Looks and other attributes of a start tag. */
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

/** Markup with classes, and the style sheet of them. A look becomes a class where that is shorter. */
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

/** Attributes without the quotes that HTML does not need; a blank keeps the last one from a slash, which would be read as part of it. */
function unquoted(attributes: string, end: string): string {
  return attributes.replace(
    /="([\w.,#-]+)"(?=( |$))/g,
    (_, value: string, next: string) => `=${value}${next === '' && end !== '' ? ' ' : ''}`,
  );
}
