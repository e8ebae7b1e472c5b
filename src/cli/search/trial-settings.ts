/** The settings of a trial: those of a training without a search, and over them what the trial drew. */
import type { Command } from 'commander';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { TrainOptions } from '../../labeling/training/options.js';
import { TRAIN_DEFAULTS, TRAIN_KEYS, withDefaults } from '../../labeling/training/options.js';
import type { Decided } from '../../labeling/training/presets.js';
import { decideOptions } from '../../labeling/training/presets.js';
import { configText, isGiven, valueOf } from '../config.js';
import { settingsOf } from '../config-values.js';
import { OPTIONS_OF } from '../train.js';
import type { Drawn } from './draw.js';

/** Every setting of a training with its value, as options of the command line have them. */
export type Settings = Readonly<Record<string, unknown>>;

/** Makes the settings of trials. */
export interface TrialSettings {
  /** The most epochs of a training: the same for all trials. */
  readonly epochs: number;
  /** What the size of the data, or a preset, decided for a trial that draws nothing. */
  readonly decided: Decided | null;
  /** The settings of a trial. */
  of(drawn: Drawn): Settings;
  /** The text of its configuration file. @param path where the file will be */
  text(settings: Settings, path: string): string;
}

/** What the size of the data decides: of a trial that draws one of them the others stay as they were decided. */
const BY_SIZE = ['epochs', 'batch', 'lr'];

/**
 * Prepares the settings of trials.
 *
 * The size of the data, and a preset, decide about a trial as about a training with its values on the command line; but of epochs,
 * batch and rate those that a trial does not draw are those of the first trial, and the epochs are the same for all.
 *
 * @param options all options of the search
 * @param command the command they were given to
 * @param train the command whose settings they are
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
