/** The suites by name. */
import { cold } from './cold.js';
import { crf } from './crf.js';
import { gemm } from './gemm.js';
import { layer } from './layer.js';
import { memory } from './memory.js';
import { tagger } from './tagger.js';
import { threads } from './threads.js';
import type { Suite, SuiteName } from './types.js';

/** In execution order. */
export const RUNNERS: Readonly<Record<SuiteName, Suite>> = { gemm, layer, crf, tagger, threads, cold, memory };
