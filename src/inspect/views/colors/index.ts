/** The color maps: 256 colors each, by name, and the color for a position between 0 and 1. */
import { exp, log } from '../../../tensor/math.js';
import { batlow } from './batlow.js';
import { berlin } from './berlin.js';
import { puor } from './puor.js';
import { viridis } from './viridis.js';
import { vik } from './vik.js';

/** Names of the maps. `vik`, `berlin` and `puor` are diverging, the others sequential. */
export type ColorMapName = 'vik' | 'berlin' | 'puor' | 'batlow' | 'viridis' | 'gray';

/** A color map: red, green and blue of 256 colors, one after the other. */
export interface ColorMap {
  readonly name: ColorMapName;
  readonly diverging: boolean;
  readonly bytes: Uint8Array;
}

function decoded(name: ColorMapName, diverging: boolean, hex: string): ColorMap {
  const bytes = Uint8Array.from({ length: 768 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  return { name, diverging, bytes };
}

/** From nearly black to nearly white in equal steps of the byte. */
const gray = {
  name: 'gray',
  diverging: false,
  bytes: Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)),
} as const;

/** Every map by its name. */
export const colorMaps: Readonly<Record<ColorMapName, ColorMap>> = {
  vik: decoded('vik', true, vik),
  berlin: decoded('berlin', true, berlin),
  puor: decoded('puor', true, puor),
  batlow: decoded('batlow', false, batlow),
  viridis: decoded('viridis', false, viridis),
  gray,
};

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** Index of the color for a position between 0 and 1; positions outside get the color of the nearer end. NaN gets −1. */
export const stepOf = (place: number): number =>
  Number.isNaN(place) ? -1 : Math.min(255, Math.max(0, Math.round(place * 255)));

/** The color of a step 0 to 255. */
export const rgbOf = ({ bytes }: ColorMap, step: number): Rgb => [
  bytes[3 * step],
  bytes[3 * step + 1],
  bytes[3 * step + 2],
];

/** A color as `#rrggbb`. */
export const hexOf = (rgb: Rgb): string => `#${rgb.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;

/** The bytes of `#rrggbb`. */
export const bytesOf = (hex: string): Rgb =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;

/** A byte of sRGB as linear light, 0 to 1. */
const light = (byte: number): number => (byte <= 10 ? byte / 3294.6 : exp(2.4 * log((byte / 255 + 0.055) / 1.055)));

/** Relative luminance, 0 to 1 (WCAG 2.2). */
const luminance = ([r, g, b]: Rgb): number => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);

/** Black or white, whichever has the larger contrast with a color; it is at least 4.5 to 1. */
export const inkOn = (rgb: Rgb): string => (luminance(rgb) > 0.179 ? '#000000' : '#ffffff');
