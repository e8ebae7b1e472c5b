/** The options of `bptt tag`, as passed by commander. */
import type { Output } from '../../labeling/data/formats/index.js';
import type { OffsetUnit } from '../../labeling/data/offsets.js';
import type { ReadingOptions } from '../reading-options.js';
import type { ShardOption } from '../shard/which.js';

/** Options other than the model and the input. */
export interface TagOptions extends ReadingOptions {
  readonly cell?: string;
  readonly output: Output | 'spans';
  readonly offsets?: OffsetUnit;
  readonly column?: string | readonly string[];
  readonly probabilities?: boolean;
  readonly spans?: boolean;
  readonly backend: string;
  readonly threads: number | 'auto';
  readonly shard?: ShardOption;
  readonly out?: string;
}
