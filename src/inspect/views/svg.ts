/**
 * SVG as text: elements, escaping, and the frame of a whole picture. No DOM is needed, so that the same function draws for the
 * command line, a report and a page.
 */

/** Attributes of an element; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** A piece of a picture with its size in pixels; the upper left corner is (0, 0). */
export interface Block {
  readonly width: number;
  readonly height: number;
  readonly body: string;
}

/** All characters that XML 1.0 forbids even as character references, and lone surrogates. */
const FORBIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Escapes text for use between tags and in attributes of XML and HTML. Characters that XML forbids become U+FFFD. */
export const escape = (text: string): string =>
  text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"'\t\n\r]/g, (each) => ENTITIES[each]);

/** A coordinate with at most two decimals. */
export const px = (x: number): string => String(Math.round(x * 100) / 100);

/** One element. Numeric attributes are lengths, rounded to a hundredth; children must already be markup. */
export function el(name: string, attributes: Attributes, ...children: readonly string[]): string {
  let out = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) out += ` ${key}="${typeof value === 'number' ? px(value) : escape(value)}"`;
  }
  const inside = children.join('');
  return inside === '' ? `${out}/>` : `${out}>${inside}</${name}>`;
}

/** A block moved to (x, y). */
export const place = (block: Block, x: number, y: number, attributes: Attributes = {}): string =>
  block.body === '' ? '' : el('g', { transform: `translate(${px(x)} ${px(y)})`, ...attributes }, block.body);

/** Blocks stacked vertically, `gap` pixels apart. */
export function below(gap: number, ...blocks: readonly Block[]): Block {
  let y = 0;
  const body = blocks.map((block) => {
    const out = place(block, 0, y);
    y += block.height + gap;
    return out;
  });
  return { width: Math.max(0, ...blocks.map((each) => each.width)), height: Math.max(0, y - gap), body: body.join('') };
}

/** Blocks side by side, aligned at the top, `gap` pixels apart. */
export function beside(gap: number, ...blocks: readonly Block[]): Block {
  let x = 0;
  const body = blocks.map((block) => {
    const out = place(block, x, 0);
    x += block.width + gap;
    return out;
  });
  return {
    width: Math.max(0, x - gap),
    height: Math.max(0, ...blocks.map((each) => each.height)),
    body: body.join(''),
  };
}

/** Description of a picture. */
export interface Frame {
  /** Prefix of all ids in the picture; two pictures on one page need different ones. */
  readonly id: string;
  readonly title: string;
  /** One sentence with the numbers of the picture. */
  readonly description: string;
  /** Language of its texts: `en`, `de`. */
  readonly language: string;
  readonly background: string;
  readonly ink: string;
  /** Written into `<metadata>` as JSON. */
  readonly metadata?: unknown;
  readonly definitions?: string;
}

/** Space around every picture. */
export const MARGIN = 16;

/** Fonts of every picture: those of the reader's system, which also supplies typefaces for other scripts. */
export const FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif";

/** Wraps a block in a whole picture. */
export function picture(frame: Frame, content: Block): string {
  const [width, height] = [content.width + 2 * MARGIN, content.height + 2 * MARGIN].map(Math.ceil);
  const { id, metadata } = frame;
  return el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'group',
      'aria-labelledby': `${id}-title`,
      'aria-describedby': `${id}-description`,
      lang: frame.language,
      'font-family': FONT,
      'font-size': 12,
      fill: frame.ink,
    },
    el('title', { id: `${id}-title` }, escape(frame.title)),
    el('desc', { id: `${id}-description` }, escape(frame.description)),
    metadata === undefined ? '' : el('metadata', {}, escape(JSON.stringify(metadata))),
    frame.definitions === undefined ? '' : el('defs', {}, frame.definitions),
    el('rect', { width, height, fill: frame.background }),
    place(content, MARGIN, MARGIN),
  );
}

/** A picture inside a page, in its font and on its background; the elements `ID-title` and `ID-description` of the page label it. */
export function inPage(id: string, ink: string, content: Block): string {
  const [width, height] = [content.width + 2 * MARGIN, content.height + 2 * MARGIN].map(Math.ceil);
  const named = { 'aria-labelledby': `${id}-title`, 'aria-describedby': `${id}-description` };
  const size = { viewBox: `0 0 ${width} ${height}`, width, height };
  return el('svg', { ...size, role: 'img', ...named, 'font-size': 12, fill: ink }, place(content, MARGIN, MARGIN));
}
