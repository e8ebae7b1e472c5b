/** The built-in heads, by kind. */
import { crf } from './crf.js';
import type { HeadKind } from './head.js';
import { sentence } from './sentence.js';
import { softmax } from './softmax.js';

/** A new head is one file in this folder and one line here and in `inference.ts`; a custom one is passed to `train({ heads })`. */
export const headKinds: Readonly<Record<string, HeadKind>> = { softmax, crf, sentence };
