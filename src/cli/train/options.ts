/** The options of `bptt train`, as passed by commander. */
import type { CharacterNetworkName } from '../../labeling/model/encoders/character-network.js';
import type { EncoderName } from '../../labeling/model/encoders/index.js';
import type { OptimizerName, TaskName } from '../../labeling/training/options.js';
import type { ConfigOptions } from '../config.js';
import type { CorporaOptions } from '../corpora.js';
import type { CheckpointOptions } from './checkpoint.js';
import type { InitOptions } from './init.js';
import type { FindLrOptions } from './find-lr.js';
import type { ThreadedOptions } from './rescue.js';
import type { VectorOptions } from './vectors.js';

/** The command-line options, as passed by commander. */
export interface TrainCommandOptions
  extends
    Omit<ThreadedOptions, keyof VectorOptions | 'classWeights' | 'resume' | 'init'>,
    CheckpointOptions,
    InitOptions,
    VectorOptions,
    Omit<CorporaOptions, 'task'>,
    FindLrOptions,
    ConfigOptions {
  readonly cell: string;
  readonly task: TaskName;
  readonly classWeights?: string | Record<string, number>;
  readonly encoders: readonly EncoderName[];
  readonly characters: CharacterNetworkName;
  readonly characterSize: number;
  readonly optimizer: OptimizerName;
  readonly schedule: string;
  readonly epochs: number;
  readonly seed: number;
  readonly seeds?: number;
  readonly ensemble?: number;
  readonly backend: string;
  readonly log?: string;
  readonly tensorboard?: string;
  readonly card?: string;
  readonly language?: readonly string[];
  readonly profile?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}
