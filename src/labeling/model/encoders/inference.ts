/** The inference halves of the encoders that are built in, by kind: those of `index.ts`. */
import type { InferenceEncoderKind } from './encoder.js';
import { inferenceWords } from './words.js';

export const inferenceEncoderKinds: Readonly<Record<string, InferenceEncoderKind>> = { words: inferenceWords };
