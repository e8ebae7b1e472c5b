/** The heads that are built in, by kind. */
import { crf } from './crf.js';
import type { HeadKind } from './head.js';
import { sentence } from './sentence.js';
import { softmax } from './softmax.js';

/** A new head is a file of this folder, and a line here and in `inference.ts`; one of your own goes to `train({ heads })`. */
export const headKinds: Readonly<Record<string, HeadKind>> = { softmax, crf, sentence };
