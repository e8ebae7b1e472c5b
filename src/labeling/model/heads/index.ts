/** The heads that are built in, by kind. */
import type { HeadKind } from './head.js';
import { sentence } from './sentence.js';
import { softmax } from './softmax.js';

/** A new head is a file of this folder and a line here; one of your own goes to `train({ head })`. */
export const headKinds: Readonly<Record<string, HeadKind>> = { [softmax.kind]: softmax, [sentence.kind]: sentence };
