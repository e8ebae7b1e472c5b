/** The color maps: whole, as their authors say, even in lightness, and readable by color-blind readers and in gray. */
import { bytesOf, colorMaps, hexOf, inkOn, rgbOf, stepOf } from '../../../src/inspect/views/colors/index.js';
import type { ColorMapName, Rgb } from '../../../src/inspect/views/colors/index.js';
import { d3Map } from '../../support/d3.js';
import { themes } from '../../../src/inspect/views/theme.js';

const linearOf = (byte: number): number => (byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]: Rgb): number => 0.2126 * linearOf(r) + 0.7152 * linearOf(g) + 0.0722 * linearOf(b);
/** CIE L*. */
const lightness = (rgb: Rgb): number => {
  const y = luminance(rgb);
  return y < 0.008856 ? 903.3 * y : 116 * Math.cbrt(y) - 16;
};
const contrast = (a: Rgb, b: Rgb): number => {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};
const all = (name: ColorMapName): Rgb[] => Array.from({ length: 256 }, (_, i) => rgbOf(colorMaps[name], i));

describe('color maps', () => {
  it.each(Object.keys(colorMaps) as ColorMapName[])('%s has 256 colors', (name) => {
    expect(colorMaps[name].bytes.length).toBe(768);
    expect(new Set(all(name).map(hexOf)).size).toBeGreaterThan(240);
    expect(all(name).map((rgb) => bytesOf(hexOf(rgb)))).toEqual(all(name));
  });

  it('the scientific color maps begin, turn and end as published (version 7.0.1)', () => {
    const of = (name: ColorMapName) => [0, 127, 128, 255].map((i) => all(name)[i]);
    expect(of('vik')).toEqual([[0, 18, 97], [235, 230, 226], [236, 229, 224], [89, 0, 8]]); // prettier-ignore
    expect(of('berlin')).toEqual([[158, 176, 255], [24, 12, 10], [25, 12, 9], [255, 173, 173]]); // prettier-ignore
    expect(of('batlow')).toEqual([[1, 25, 89], [129, 130, 50], [130, 130, 49], [250, 204, 250]]); // prettier-ignore
  });

  it('viridis and PuOr are those of d3-scale-chromatic', () => {
    const bytes = (color: string): number[] =>
      color.startsWith('#') ? [...bytesOf(color)] : color.match(/\d+/g)!.map(Number);
    for (const name of ['viridis', 'puor'] as const) expect(all(name)).toEqual(d3Map(name).map(bytes));
  });

  it.each(['batlow', 'viridis', 'gray'] as const)(
    '%s gets lighter from end to end, so that it can be read in gray',
    (name) => {
      const steps = all(name).map(lightness);
      for (let i = 16; i < 256; i++) expect(steps[i]).toBeGreaterThan(steps[i - 16]);
    },
  );

  it.each(['vik', 'puor', 'berlin'] as const)(
    '%s is symmetric in lightness, with its extreme in the middle',
    (name) => {
      const steps = all(name).map(lightness);
      const middle = name === 'berlin' ? Math.min(...steps) : Math.max(...steps);
      expect(Math.abs(steps.indexOf(middle) - 127.5)).toBeLessThan(14);
      expect(Math.abs(steps[0] - steps[255])).toBeLessThan(name === 'puor' ? 25 : 16);
    },
  );

  it('text on every color of every map has a contrast of at least 4.5', () => {
    for (const name of Object.keys(colorMaps) as ColorMapName[]) {
      for (const rgb of all(name)) expect(contrast(rgb, bytesOf(inkOn(rgb)))).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each(Object.values(themes))('words of the theme $name have a contrast of at least 4.5', (theme) => {
    for (const ink of [theme.ink, theme.muted, theme.accent]) {
      for (const paper of [theme.background, theme.empty]) {
        expect(contrast(bytesOf(ink), bytesOf(paper))).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it('places outside get the color of the end, NaN none', () => {
    expect([-1, 0, 0.5, 1, 7, NaN].map(stepOf)).toEqual([0, 0, 128, 255, 255, -1]);
  });
});
