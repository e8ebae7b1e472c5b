/** Style of the page, adapting to the reader's light or dark scheme: colors, shades of the heat maps, and layout rules. */
import { themes } from '../../inspect/views/theme.js';

/** Shades of a heat map, faintest first. */
export const SHADES = 8;

/** Colors for right and wrong, from Okabe & Ito's palette, distinguishable by color-blind people; see curves/chart-svg.ts. */
const INKS = {
  light: { right: '#0072b2', wrong: '#d55e00', gold: '#00594a', predicted: '#8f3500' },
  dark: { right: '#4aa8e0', wrong: '#f07b2e', gold: '#5fd6b8', predicted: '#ffa773' },
} as const;

const LAYOUT = `*{box-sizing:border-box}body{margin:0 auto;padding:1rem;max-width:64rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.25rem;margin:2.5rem 0 .5rem}h3{font-size:1.05rem;margin:2rem 0 .5rem}p{margin:.4rem 0}a{color:var(--link)}
.small,caption{font-size:.85rem;color:var(--muted)}code{font-size:.85rem}nav a{margin-inline-end:1rem}
.wide{overflow-x:auto;max-width:100%;padding:2px}.wide:focus-visible,.sentence:focus{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;margin:.5rem 0}caption{text-align:start;caption-side:top;padding-bottom:.25rem}
th,td{border-bottom:1px solid var(--line);padding:.15rem .6rem;text-align:start;white-space:nowrap;font-weight:400}thead th{font-weight:600;vertical-align:bottom}.n{text-align:end}
.heat td{text-align:end;border:1px solid var(--ground);min-width:2.2rem;padding:0 .3rem}.heat th{border:0;padding:.1rem .5rem}.heat .v{writing-mode:vertical-rl;transform:rotate(180deg);text-align:start;padding:.4rem .1rem}
.heat button{all:unset;box-sizing:border-box;width:100%;text-align:end;cursor:pointer;display:block}.heat button:focus-visible{outline:2px solid currentColor;outline-offset:1px}.heat button:hover{text-decoration:underline}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.5rem 1rem;margin:.5rem 0}dl div{border-inline-start:3px solid var(--line);padding-inline-start:.6rem}dt{font-size:.85rem;color:var(--muted)}dd{margin:0;font-size:1.2rem;font-variant-numeric:tabular-nums}
summary{cursor:pointer}figure{margin:.5rem 0}kbd{border:1px solid var(--line);border-radius:.2rem;padding:0 .25rem}svg{max-width:100%;height:auto}.note{border-inline-start:3px solid var(--wrong);padding-inline-start:.6rem}
.filters{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.5rem;align-items:end;border:1px solid var(--line);padding:.75rem;border-radius:.4rem}.filters[hidden]{display:none}
.filters label{display:block;font-size:.85rem;min-width:0}.filters select,.filters input[type=search]{display:block;width:100%;font:inherit;min-height:2rem}.filters button{font:inherit;min-height:2rem}.filters .all{grid-column:1/-1}
select,input,.filters button{color:var(--ink);background:var(--ground);border:1px solid var(--muted);border-radius:.25rem}
.sentences{list-style:none;padding:0}.sentence{border-top:1px solid var(--line);padding:.6rem 0}.sentence[hidden],.error[hidden]{display:none}.errors{margin:.3rem 0;padding-inline-start:1.2rem}
.text{line-height:1.6}.w{display:inline-flex;flex-direction:column;vertical-align:top;padding:0 .15rem}.w span{font-size:.75rem;line-height:1.25}.w mark{color:inherit;background:none;border-bottom:3px solid var(--wrong)}
.gold{color:var(--gold);font-weight:600}.predicted{color:var(--predicted);font-weight:600}
.axis,.ideal{stroke:var(--muted);fill:none}.ideal{stroke-dasharray:4 4}.bar{fill:var(--right)}.over{fill:var(--wrong);fill-opacity:.35;stroke:var(--wrong)}.under{fill:var(--right);fill-opacity:.3;stroke:var(--right)}.count{fill:var(--muted)}svg text{fill:var(--ink);font:11px system-ui,sans-serif}
@media print{.filters{display:none}.sentence{break-inside:avoid}}`;

/** The style sheet. */
export function styleSheet(): string {
  return `${rootOf('light')}${shadesOf('light')}@media(prefers-color-scheme:dark){${rootOf('dark')}${shadesOf('dark')}}${LAYOUT}`;
}

function rootOf(name: 'light' | 'dark'): string {
  const { background, ink, muted, line } = themes[name];
  const { right, wrong, gold, predicted } = INKS[name];
  const link = name === 'light' ? '#00558a' : '#7cc4f0';
  return `:root{color-scheme:light dark;--ground:${background};--ink:${ink};--muted:${muted};--line:${line};--right:${right};--wrong:${wrong};--gold:${gold};--predicted:${predicted};--link:${link}}`;
}

/**
 * Classes `.r1` to `.r8` and `.x1` to `.x8`: from near the background to the color itself, with black or white text, whichever is
 * more legible.
 */
function shadesOf(name: 'light' | 'dark'): string {
  const ground = channelsOf(themes[name].background);
  const ofOne = (letter: string, hex: string): string =>
    Array.from({ length: SHADES }, (_, i) => {
      const color = mixed(ground, channelsOf(hex), (i + 1) / SHADES);
      return `.${letter}${i + 1}{background:rgb(${color.join()});color:${textOn(color)}}`;
    }).join('');
  return ofOne('r', INKS[name].right) + ofOne('x', INKS[name].wrong);
}

const channelsOf = (hex: string): number[] => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

const mixed = (from: readonly number[], to: readonly number[], share: number): number[] =>
  from.map((channel, c) => Math.round(channel + (to[c] - channel) * share));

/** Black or white: one of them has a contrast of at least 4.5 to 1 with any color. */
export function textOn(color: readonly number[]): '#000' | '#fff' {
  const light = luminance(color);
  return (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) ? '#000' : '#fff';
}

/** Relative luminance of sRGB (WCAG 2.2). */
function luminance(color: readonly number[]): number {
  const [r, g, b] = color.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The class of a cell: its shade by the square root of a share in [0, 1], so that rare errors are visible; none for 0. */
export function shadeOf(kind: 'right' | 'wrong', share: number): string {
  if (share <= 0) return '';
  const shade = Math.max(1, Math.min(SHADES, Math.ceil(SHADES * Math.sqrt(share))));
  return `${kind === 'right' ? 'r' : 'x'}${shade}`;
}
