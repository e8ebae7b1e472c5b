/** The encoders that are built in, by kind. */
import { affixes } from './affixes.js';
import { characters } from './characters.js';
import type { EncoderKind } from './encoder.js';
import { vectors } from './vectors.js';
import { words } from './words.js';

/** Names of the encoders that are built in, in the order of the options. */
export const ENCODERS = ['words', 'affixes', 'characters', 'vectors'] as const;
/** Name of an encoder that is built in. @useDeclaredType */
export type EncoderName = (typeof ENCODERS)[number];

/** A new encoder is a file of this folder and a line here and in `inference.ts`; one of your own goes to `train({ encoders })`. */
export const encoderKinds: Readonly<Record<EncoderName, EncoderKind>> = { words, affixes, characters, vectors };
