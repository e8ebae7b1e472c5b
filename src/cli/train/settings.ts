/** The options of training, completed by the size of its data and by a preset. */
import type { Command } from 'commander';
import type { TrainOptions } from '../../labeling/training/options.js';
import { TRAIN_DEFAULTS, TRAIN_KEYS, withDefaults } from '../../labeling/training/options.js';
import type { Corpora } from '../../labeling/training/run.js';
import type { Decided } from '../../labeling/training/presets.js';
import type { Model } from '../../labeling/model/model.js';
import { decideOptions } from '../../labeling/training/presets.js';
import { isGiven } from '../config.js';
import { counted } from '../../tensor/print.js';

/**
 * Returns the options with the derived values; options from the command line take precedence.
 *
 * @param corpora supply the training sentences; absent if they are not read yet, which leaves only the numbers undecided
 * @param init the model that training continues from
 * @throws ArgumentError if the preset is for another task
 */
export function settle<O extends { readonly dev?: unknown; readonly split?: unknown }>(
  options: O,
  command: Command,
  { train, dev }: Partial<Corpora>,
  init?: Model,
): { readonly options: O; readonly decided: Decided | null } {
  const names = TRAIN_KEYS.filter((name) => name !== 'threads' && name !== 'init' && isGiven(command, name));
  const given = Object.fromEntries(names.map((name) => [name, (options as Record<string, unknown>)[name]]));
  const hasDev = train === undefined ? (options.dev ?? options.split) !== undefined : dev !== undefined;
  const { decided } = decideOptions({ ...(given as TrainOptions), ...(init && { init }) }, train ?? [], hasDev);
  const { epochs, batch } = TRAIN_DEFAULTS;
  return { options: { ...options, epochs, batch, ...decided?.options, ...given, preset: undefined }, decided };
}

/** Backend names; the backend that ran is one of them, followed by details. */
const BACKENDS = ['wasm-relaxed', 'wasm', 'gpu', 'cpu', 'reference'];

/** The options of a finished run in the form of a settings file, with the learning rate, backend and threads that were used. */
export function resolvedSettings(
  options: Pick<TrainOptions, 'optimizer' | 'lr'> & { readonly backend: string },
  backend: string,
  threads: number,
): Readonly<Record<string, unknown>> {
  const { optimizer, lr: given } = options;
  const { lr } = withDefaults({
    ...(optimizer !== undefined && { optimizer }),
    ...(given !== undefined && { lr: given }),
  });
  const name = BACKENDS.find((each) => backend.startsWith(each));
  return { ...options, lr, backend: name ?? options.backend, threads };
}

/** The decisions, as equivalent options: `by size, for 720 sentences, 9,800 tokens: --epochs 23 --batch 8 --lr 0.01`. */
export function describeDecided({ preset, sentences, tokens, options }: Decided): string {
  const flags = Object.entries(options).map(([name, value]) => {
    const flag = name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
    return `--${flag} ${Array.isArray(value) ? value.join(',') : String(value)}`;
  });
  const size = `${counted(sentences, 'sentence')}, ${counted(tokens, 'token')}`;
  return `${preset === undefined ? 'by size' : `preset ${preset}`}, for ${size}: ${flags.join(' ')}`;
}
