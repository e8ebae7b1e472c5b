/**
 * Properties of the text output: width, number of colors, character set. All output is legible without color, because each
 * magnitude class has a distinct glyph; color is added if the terminal supports it.
 */
import { WriteStream } from 'node:tty';
import stringWidth from 'string-width';
import { visible } from '../../tensor/visible.js';
import type { OutputStream, Terminal } from '../terminal.js';

/** Bits of color: none, 16 colors, 256, and 24 bits. */
export type Depth = 1 | 4 | 8 | 24;

/** Magnitude classes, largest first; then marks without a magnitude. */
export type Ink = 'size0' | 'size1' | 'size2' | 'size3' | 'size4' | 'bold' | 'dim' | 'good' | 'bad' | 'plus' | 'minus';

/** The output medium. */
export interface Paper {
  /** Width in columns. */
  readonly width: number;
  readonly depth: Depth;
  /** Whether everything but the words of the sentence is ASCII. */
  readonly ascii: boolean;
  /** Converts text of this program to the character set of the output. */
  own(text: string): string;
  /**
   * A word of the sentence, with invisible characters spelled out, truncated to `most` columns; the direction of right-to-left
   * text is isolated.
   */
  word(token: string, most?: number): string;
  /** Text in a color, or unchanged. */
  paint(ink: Ink, text: string): string;
  /** A glyph for a magnitude class in [0, 4], where 0 is the largest, or for a mark without a magnitude. */
  glyph(kind: Glyph): string;
}

/** Possible contents of a cell. */
export type Glyph = 0 | 1 | 2 | 3 | 4 | 'none' | 'nan' | 'infinite';

const GLYPHS: Readonly<Record<'unicode' | 'ascii', Readonly<Record<Glyph, string>>>> = {
  unicode: { 0: '█', 1: '▓', 2: '▒', 3: '░', 4: '·', none: ' ', nan: '✕', infinite: '∞' },
  ascii: { 0: '#', 1: '+', 2: '-', 3: ':', 4: '.', none: ' ', nan: 'x', infinite: '!' },
};

/** Foregrounds of the classes, from light ochre to dark blue, legible on light and dark backgrounds; samples of the color map batlow. */
const BATLOW = [216, 173, 107, 30, 25];
const COLORS: Readonly<Record<4 | 8, Readonly<Record<Ink, string>>>> = {
  4: {
    ...{ size0: '33', size1: '32', size2: '36', size3: '34', size4: '90' },
    ...{ bold: '1', dim: '2', good: '32', bad: '31', plus: '31', minus: '34' },
  },
  8: {
    ...Object.fromEntries(BATLOW.map((color, n) => [`size${n}`, `38;5;${color}`])),
    ...{ bold: '1', dim: '2', good: '32', bad: '31', plus: '38;5;166', minus: '38;5;32' },
  } as Record<Ink, string>,
};

/** Non-ASCII characters of this program, and their replacements. */
const SPELLED: readonly (readonly [RegExp, string])[] = [
  [/‖/g, '|'],
  [/∂/g, 'd'],
  [/→/g, '->'],
  [/←/g, '<-'],
  [/[−–]/g, '-'],
  [/×/g, 'x'],
  [/·/g, '.'],
  [/…/g, '...'],
  [/≥/g, '>='],
  [/≤/g, '<='],
  [/≈/g, '~'],
  [/±/g, '+-'],
  [/✕/g, 'x'],
  [/✓/g, 'ok'],
  [/∞/g, 'inf'],
  [/∝/g, '~'],
  [/Σ/g, 'sum'],
  [/δ/g, 'delta'],
  [/σ/g, 'sigma'],
  [/′/g, "'"],
  [/[‘’]/g, "'"],
  [/₀/g, '0'],
];

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** The output medium of a command. */
export function paperFor({ stdout, env }: Terminal, { ascii = false }: { readonly ascii?: boolean }): Paper {
  const depth = depthOf(stdout, env);
  const colors = depth === 1 ? undefined : COLORS[depth === 4 ? 4 : 8];
  const own = (text: string): string =>
    ascii ? SPELLED.reduce((out, [what, by]) => out.replace(what, by), text) : text;
  return {
    width: Math.max(40, stdout.columns ?? 80),
    depth,
    ascii,
    own,
    word: (token, most = 24) => {
      const text = cut(visible(token === '' ? '∅' : token), most, own('…'));
      return RIGHT_TO_LEFT.test(text) && !ascii ? `\u2068${text}\u2069` : text;
    },
    paint: (ink, text) => (colors === undefined || text === '' ? text : `\u001b[${colors[ink]}m${text}\u001b[0m`),
    glyph: (kind) => GLYPHS[ascii ? 'ascii' : 'unicode'][kind],
  };
}

/** Bits of color of a stream: none if it is not a terminal, or if the environment disables color. */
function depthOf(stream: OutputStream, env: Terminal['env']): Depth {
  if (!stream.isTTY || env.NO_COLOR || env.TERM === 'dumb') return 1;
  return WriteStream.prototype.getColorDepth(env as NodeJS.ProcessEnv) as Depth;
}

/** Width of a text in columns: color codes take none, wide characters two. */
export const widthOf = (text: string): number => stringWidth(text.replace(/[\u2068\u2069]/g, ''));

/** Pads a text on the left to `columns`. */
export const right = (text: string, columns: number): string => ' '.repeat(Math.max(0, columns - widthOf(text))) + text;

/** Pads a text on the right. */
export const left = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - widthOf(text)));

function cut(text: string, most: number, mark: string): string {
  if (widthOf(text) <= most) return text;
  let out = '';
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)) {
    if (widthOf(out + segment) > most - widthOf(mark)) break;
    out += segment;
  }
  return out + mark;
}

/** Blocks of lines side by side, as many as fit the width, the rest below. */
export function beside(paper: Paper, blocks: readonly (readonly string[])[], gap = 3): string[] {
  const lines: string[] = [];
  let row: (readonly string[])[] = [];
  const width = (block: readonly string[]): number => Math.max(0, ...block.map(widthOf));
  const flush = (): void => {
    if (row.length === 0) return;
    const height = Math.max(...row.map((block) => block.length));
    for (let n = 0; n < height; n++) {
      const parts = row.map((block, b) =>
        b === row.length - 1 ? (block[n] ?? '') : left(block[n] ?? '', width(block)),
      );
      lines.push(parts.join(' '.repeat(gap)).trimEnd());
    }
    row = [];
  };
  for (const block of blocks) {
    const taken = [...row, block].reduce((sum, each) => sum + width(each) + gap, -gap);
    if (row.length > 0 && taken > paper.width) {
      flush();
      lines.push('');
    }
    row.push(block);
  }
  flush();
  return lines;
}

/** Text truncated to a number of columns, with a mark. Truncated text loses its colors. */
export function shortened(paper: Paper, text: string, most: number): string {
  return widthOf(text) <= most ? text : cut(text.replace(/\u001b\[[\d;]*m/g, ''), most, paper.own('…'));
}

/**
 * Text broken at spaces into lines that fit the width; every line after the first starts with `indent`. A word longer than a
 * line is truncated.
 */
export function wrapped(paper: Paper, text: string, indent = '  '): string[] {
  const lines: string[] = [];
  const lead = text.slice(0, text.search(/\S|$/));
  let line = lead;
  for (const long of text.slice(lead.length).split(' ')) {
    const word = shortened(paper, long, paper.width - Math.max(indent.length, lead.length));
    const begins = line === (lines.length > 0 ? indent : lead);
    const longer = begins ? line + word : `${line} ${word}`;
    if (!begins && widthOf(longer) > paper.width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
}
