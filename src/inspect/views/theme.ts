/** The three themes, and everything else about the appearance of a picture that is not in the trace. */
import { colorMaps } from './colors/index.js';
import type { ColorMap, ColorMapName } from './colors/index.js';
import { en } from './strings/index.js';
import type { Strings } from './strings/index.js';

/** Colors of a page. All pairs of ink, muted and background have a contrast of at least 4.5 to 1. */
export interface Theme {
  readonly name: 'light' | 'dark' | 'print';
  readonly background: string;
  /** Background of cells without a number. */
  readonly empty: string;
  readonly ink: string;
  readonly muted: string;
  readonly line: string;
  /** Frame color of the selection. */
  readonly accent: string;
  readonly diverging: ColorMapName;
  readonly sequential: ColorMapName;
}

/** The themes by name. */
export const themes: Readonly<Record<Theme['name'], Theme>> = {
  light: {
    name: 'light',
    background: '#ffffff',
    empty: '#f4f4f4',
    ink: '#1a1a1a',
    muted: '#595959',
    line: '#c4c4c4',
    accent: '#d4145a',
    diverging: 'vik',
    sequential: 'batlow',
  },
  dark: {
    name: 'dark',
    background: '#16181d',
    empty: '#22252c',
    ink: '#ededed',
    muted: '#a8b0ba',
    line: '#4a505a',
    accent: '#ff6fa5',
    diverging: 'berlin',
    sequential: 'batlow',
  },
  print: {
    name: 'print',
    background: '#ffffff',
    empty: '#ffffff',
    ink: '#000000',
    muted: '#404040',
    line: '#808080',
    accent: '#000000',
    diverging: 'vik',
    sequential: 'batlow',
  },
};

/** The inputs of a figure, written into its `<metadata>` so that the figure can be reproduced. */
export interface Metadata {
  /** The command line that produces this picture. */
  readonly command?: string;
  readonly version?: string;
  /** SHA-256 of the model. */
  readonly model?: string;
  /** Seed, normalization, norm, variable, loss, by name. */
  readonly conventions?: Readonly<Record<string, string | number | boolean>>;
}

/** Appearance of a view. Every field is optional. */
export interface Look {
  /** A theme by name, or a custom one; default `light`. */
  readonly theme?: Theme['name'] | Theme;
  /** The texts; default English. */
  readonly strings?: Strings;
  /** Color maps that replace those of the theme. */
  readonly maps?: { readonly diverging?: ColorMapName; readonly sequential?: ColorMapName };
  /** Prefix of ids; two pictures of one view on a page need different ones. Default: the view's name. */
  readonly id?: string;
  readonly metadata?: Metadata;
  /**
   * For a page that describes the picture in text and shows its numbers as a table: no heading, no sentence, no small print, no
   * names of single marks, and one path for all cells of a color. A third of the bytes, the same marks. Default false.
   */
  readonly dense?: boolean;
  /** Prefix of the ids of hatching and legends' bars; default `id`. A page whose dense pictures share them draws `definitions` once. */
  readonly shared?: string;
}

/** The numbers of a grid of cells, for a table next to it; null for cells without a number. */
export interface NumberMatrix {
  readonly label: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly values: readonly (readonly (number | null)[])[];
}

/** A look with every field resolved. */
export interface Style extends Theme {
  /** The grids drawn so far. */
  readonly matrices: NumberMatrix[];
  readonly strings: Strings;
  readonly id: string;
  readonly metadata?: Metadata;
  readonly dense: boolean;
  /** Prefix of ids of definitions. */
  readonly shared: string;
  readonly magnitude: ColorMap;
  readonly sign: ColorMap;
}

/** Resolves the fields that a look leaves open. `gray` is allowed for signed numbers: the glyph in each cell then shows the sign. */
export function styleOf(look: Look, view: string): Style {
  const theme = typeof look.theme === 'object' ? look.theme : themes[look.theme ?? 'light'];
  return {
    ...theme,
    matrices: [],
    strings: look.strings ?? en,
    id: look.id ?? view,
    metadata: look.metadata,
    dense: look.dense ?? false,
    shared: look.shared ?? look.id ?? view,
    magnitude: colorMaps[look.maps?.sequential ?? theme.sequential],
    sign: colorMaps[look.maps?.diverging ?? theme.diverging],
  };
}
