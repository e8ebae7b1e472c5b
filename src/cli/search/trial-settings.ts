/** The settings of a trial: those of training without a search, overridden by the sampled values. */
import type { Command } from 'commander';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { TrainOptions } from '../../labeling/training/options.js';
import { TRAIN_DEFAULTS, TRAIN_KEYS, withDefaults } from '../../labeling/training/options.js';
import type { Decided } from '../../labeling/training/presets.js';
import { decideOptions } from '../../labeling/training/presets.js';
import { configText, isGiven, valueOf } from '../config.js';
import { settingsOf } from '../config-values.js';
import { OPTIONS_OF } from '../train/options/encoders.js';
import type { Drawn } from './draw.js';

/** Every training setting with its value, in the form of command-line options. */
export type Settings = Readonly<Record<string, unknown>>;

/** Creates the settings of trials. */
export interface TrialSettings {
  /** Maximum number of epochs: the same for all trials. */
  readonly epochs: number;
  /** The values that the size of the data, or a preset, determined for a trial that samples nothing. */
  readonly decided: Decided | null;
  /** The settings of a trial. */
  of(drawn: Drawn): Settings;
  /** The text of its configuration file. @param path future location of the file */
  text(settings: Settings, path: string): string;
}

/** Settings determined by the size of the data: if a trial samples one of them, the others keep the determined values. */
const BY_SIZE = ['epochs', 'batch', 'lr'];

/**
 * Prepares the settings of trials.
 *
 * The size of the data and a preset affect a trial like a training run with its values on the command line. However, epochs,
 * batch and rate that a trial does not sample are those of the first trial, and the epochs are the same for all trials.
 *
 * @param options all options of the search
 * @param command the command that received them
 * @param train the command that defines the settings
 */
export function trialSettings(
  options: Settings,
  command: Command,
  train: Command,
  sentences: readonly Sentence[],
): TrialSettings {
  const own = settingsOf(train);
  const names = TRAIN_KEYS.filter((name) => name !== 'threads' && isGiven(command, name));
  const given = Object.fromEntries(names.map((name) => [name, options[name]]));
  const decide = (drawn: Settings) => {
    const early = Object.entries(drawn).filter(([name]) => TRAIN_KEYS.includes(name) && !BY_SIZE.includes(name));
    return decideOptions({ ...given, ...Object.fromEntries(early) } as TrainOptions, sentences).decided;
  };
  const { epochs: most, batch } = TRAIN_DEFAULTS;
  const decided = decide({});
  const epochs = (given.epochs ?? decided?.options.epochs ?? most) as number;
  const parsed = (drawn: Drawn): Settings => {
    const values = Object.entries(drawn).filter(([, value]) => value !== null);
    return Object.fromEntries(values.map(([name, value]) => [name, valueOf(own.find((each) => each.attributeName() === name)!, value)])); // prettier-ignore
  };
  return {
    epochs,
    decided,
    of(drawn) {
      const values = parsed(drawn);
      const all: Settings = { ...options, batch, ...decide(values)?.options, ...given, ...values, preset: undefined };
      const { optimizer, lr } = all as Pick<TrainOptions, 'optimizer' | 'lr'>;
      const rate = withDefaults({ ...(optimizer && { optimizer }), ...(lr !== undefined && { lr }) }).lr;
      return { ...all, epochs, lr: rate };
    },
    text: (settings, path) => configText(path, train, settings, OPTIONS_OF),
  };
}
