/** The inference halves of the built-in heads in `index.ts`, by kind. */
import { inferenceCrf } from './crf.js';
import type { InferenceHeadKind } from './head.js';
import { inferenceSentence } from './sentence.js';
import { inferenceSoftmax } from './softmax.js';

export const inferenceHeadKinds: Readonly<Record<string, InferenceHeadKind>> = {
  softmax: inferenceSoftmax,
  crf: inferenceCrf,
  sentence: inferenceSentence,
};
