/** The inference halves of the built-in encoders in `index.ts`, by kind. */
import { inferenceAffixes } from './affixes.js';
import { inferenceCharacters } from './characters.js';
import type { InferenceEncoderKind } from './encoder.js';
import { inferenceVectors } from './vectors.js';
import { inferenceWords } from './words.js';

export const inferenceEncoderKinds: Readonly<Record<string, InferenceEncoderKind>> = {
  words: inferenceWords,
  affixes: inferenceAffixes,
  characters: inferenceCharacters,
  vectors: inferenceVectors,
};
