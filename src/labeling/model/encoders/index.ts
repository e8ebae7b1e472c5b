/** The built-in encoders, by kind. */
import { affixes } from './affixes.js';
import { characters } from './characters.js';
import type { EncoderKind } from './encoder.js';
import { vectors } from './vectors.js';
import { words } from './words.js';

/** Names of the built-in encoders, in the order of the options. */
export const ENCODERS = ['words', 'affixes', 'characters', 'vectors'] as const;
/** Name of a built-in encoder. @useDeclaredType */
export type EncoderName = (typeof ENCODERS)[number];

/** A new encoder is one file in this folder and one line here and in `inference.ts`; a custom one is passed to `train({ encoders })`. */
export const encoderKinds: Readonly<Record<EncoderName, EncoderKind>> = { words, affixes, characters, vectors };
