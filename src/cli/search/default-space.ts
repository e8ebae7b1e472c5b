/**
 * The default space of `bptt search --random`: the settings that mattered most in the recipes of labeling/training/presets.ts,
 * over ranges that contain their values and those for small data sets.
 *
 * | setting       | values                                                                                                  |
 * | ------------- | ------------------------------------------------------------------------------------------------------- |
 * | `lr`          | 0.001 to 0.02, logarithmic; for `--optimizer sgd` 0.05 to 2                                             |
 * | `dropout`     | 0.1 to 0.6                                                                                              |
 * | `hidden`      | 64, 100, 150, 200                                                                                       |
 * | `batch`       | 8, 16, 32                                                                                               |
 * | `wordDropout` | 0 to 0.3; where words are an encoder                                                                    |
 * | `head`        | softmax, crf; where one column of labels annotates spans                                                |
 * | `encoders`    | words; words and affixes; these and characters; without a preset, `--vectors` and a file of settings    |
 *
 * Settings given on the command line are left out.
 */
import type { TaskName } from '../../labeling/training/options.js';

/** Facts that determine the settings in the space. */
export interface SpaceQuestions {
  readonly task: TaskName;
  readonly optimizer: string;
  /** Encoders without the search. */
  readonly encoders: readonly string[];
  /** Whether encoders and head are already fixed by a preset, a file of vectors, or a file of settings. */
  readonly chosen: { readonly encoders: boolean; readonly head: boolean };
  /** Whether the labels are a single column that annotates spans. */
  readonly spans: boolean;
  /** Settings given on the command line. */
  readonly fixed: readonly string[];
}

/** The space in the form of its file. */
export function defaultSpace(asked: SpaceQuestions): Readonly<Record<string, unknown>> {
  const { task, optimizer, encoders, chosen, spans, fixed } = asked;
  const all: Record<string, unknown> = {
    lr: optimizer === 'sgd' ? { min: 0.05, max: 2, log: true } : { min: 0.001, max: 0.02, log: true },
    dropout: { min: 0.1, max: 0.6 },
    hidden: [64, 100, 150, 200],
    batch: [8, 16, 32],
    ...((encoders.includes('words') || !chosen.encoders) && { wordDropout: { min: 0, max: 0.3 } }),
    ...(task === 'tag' && spans && !chosen.head && { head: ['softmax', 'crf'] }),
    ...(!chosen.encoders && { encoders: [['words'], ['words', 'affixes'], ['words', 'affixes', 'characters']] }),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !fixed.includes(name)));
}
