/** Where the texts of a picture are, by the widths of letters in a common font. */

/** A text that sticks out of its picture, and where it begins and ends. */
export interface Outside {
  readonly text: string;
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

/** Translations by (x, y), then a rotation by 45 degrees to the left or none. */
interface Axes {
  readonly x: number;
  readonly y: number;
  readonly slanted: boolean;
}

const TAG = /<(\/?)([a-zA-Z]+)((?:[^>"]|"[^"]*")*?)(\/?)>([^<]*)/g;
const SLANT = Math.SQRT1_2;

const unescaped = (text: string): string =>
  text.replace(
    /&(lt|gt|quot|amp|#39);/g,
    (_, name: string) => ({ lt: '<', gt: '>', quot: '"', amp: '&' })[name] ?? "'",
  );

/** Advance widths of DejaVu Sans in thousandths of the font size, from the font's own table; other characters have about 600. */
const ADVANCE: Readonly<Record<number, string>> = { 278: 'ijl', 352: 'f', 392: 't', 411: 'r', 521: 's', 525: 'z', 550: 'c', 579: 'k', 592: 'vxy', 612: 'ao', 615: 'e', 635: 'bdghnpqu0123456789', 684: 'ABDEFGHIJKLNOPRSTUVXYZ', 818: 'w', 974: 'm', 1000: '…', 318: ' .,', 390: '()[]', 337: '/:;' }; // prettier-ignore
const ADVANCES = new Map(
  Object.entries(ADVANCE).flatMap(([width, all]) => [...all].map((each) => [each, +width] as const)),
);

function widthIn(text: string, size: number): number {
  const shown = [...text].filter((each) => !/[\p{M}\p{Cf}]/u.test(each));
  return shown.reduce((sum, each) => sum + (ADVANCES.get(each) ?? 600), 0) * (size / 1000);
}

function moved(axes: Axes, x: number, y: number): [number, number] {
  const [u, v] = axes.slanted ? [(x + y) * SLANT, (y - x) * SLANT] : [x, y];
  return [axes.x + u, axes.y + v];
}

/** The axes within an element with this transform. */
function inner(axes: Axes, transform = ''): Axes {
  const [, x = '0', y = '0'] = /translate\((-?[\d.]+) (-?[\d.]+)\)/.exec(transform) ?? [];
  const [at, down] = moved(axes, Number(x), Number(y));
  return { x: at, y: down, slanted: axes.slanted || transform.includes('rotate(-45)') };
}

/** The texts of a picture that begin or end outside of it. */
export function textsOutside(svg: string): Outside[] {
  const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg)!.map(Number);
  const open = [{ axes: { x: 0, y: 0, slanted: false } as Axes, size: 12, anchor: 'start' }];
  const found: Outside[] = [];
  for (const [, closing, name, raw, empty, content] of svg.matchAll(TAG)) {
    if (closing) {
      open.pop();
      continue;
    }
    const attributes = Object.fromEntries(
      [...raw.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    );
    const outer = open[open.length - 1];
    const axes = inner(outer.axes, attributes.transform);
    const size = Number(attributes['font-size'] ?? outer.size);
    const anchor = attributes['text-anchor'] ?? outer.anchor;
    if (!empty) open.push({ axes, size, anchor });
    if (name !== 'text') continue;
    const text = unescaped(content);
    const wide = widthIn(text, size);
    const begin = Number(attributes.x ?? 0) - ({ end: wide, middle: wide / 2 }[anchor] ?? 0);
    const [from, to] = [begin, begin + wide].map((x) => moved(axes, x, Number(attributes.y ?? 0)));
    const isInside = ([x, y]: readonly number[]): boolean => x >= 0 && x <= width && y >= 0 && y <= height;
    if (!isInside(from) || !isInside(to)) found.push({ text, from, to });
  }
  return found;
}
