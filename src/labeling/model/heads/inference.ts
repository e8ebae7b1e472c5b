/** The inference halves of the heads that are built in, by kind: those of `index.ts`. */
import { inferenceCrf } from './crf.js';
import type { InferenceHeadKind } from './head.js';
import { inferenceSentence } from './sentence.js';
import { inferenceSoftmax } from './softmax.js';

export const inferenceHeadKinds: Readonly<Record<string, InferenceHeadKind>> = {
  softmax: inferenceSoftmax,
  crf: inferenceCrf,
  sentence: inferenceSentence,
};
