/** What `bptt train` writes next to a model: its settings, and its card. */
import type { Command } from 'commander';
import type { TrainResult } from '../../labeling/training/record.js';
import type { Corpora } from '../../labeling/training/run.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import { ArgumentError } from '../../tensor/index.js';
import type { Card } from '../card/card.js';
import { configPlace, configText, saveConfig } from '../config.js';
import { resolvedSettings } from './settings.js';
import type { TrainCommandOptions as Options } from './options.js';
import { inputsOf } from './inputs.js';
import type { Outcome } from './outcome.js';
import { OPTIONS_OF } from './options/encoders.js';

/** Prepares a model card if one is requested; its code is loaded only then. @throws ArgumentError if it would be ignored */
export async function prepareCard(options: Options): Promise<Card | undefined> {
  if (options.card === undefined && options.language !== undefined)
    throw new ArgumentError('--language has no effect without --card: leave it out, or add --card FILE');
  if (options.card === undefined) return undefined;
  const { openCard } = await import('../card/card.js');
  return openCard(options.card, options, inputsOf(options));
}

/** Paths of the files next to a model; null if they were not written. */
export interface Beside {
  readonly config: string | null;
  readonly card: string | null;
}

/** Writes the settings next to a saved model, and its card if requested. */
export async function saveBeside(
  outcome: Outcome,
  options: Options,
  corpora: Corpora,
  backend: string,
  command: Command,
  warnings: NoteCollector,
  card: Card | undefined,
): Promise<Beside> {
  const config = await saveSettings(outcome, options, backend, command, warnings);
  if (card === undefined || !outcome.saved) return { config, card: null };
  const path = options.card!;
  const settings = settingsText(path, outcome.result, options, backend, command);
  await card.write({ ...outcome, corpora, settings, backend, notes: warnings.notes });
  return { config, card: path };
}

/** Writes the settings next to the saved model. @returns their path; null if they were not written */
async function saveSettings(
  { result, saved }: Outcome,
  options: Options,
  backend: string,
  command: Command,
  warnings: NoteCollector,
): Promise<string | null> {
  const path = configPlace(options, options.out);
  if (path === undefined || !saved) return null;
  const text = settingsText(path, result, options, backend, command);
  const refused = await saveConfig(path, text, options, options.out);
  if (refused !== undefined) warnings.add({ kind: 'config-left', message: refused, source: path });
  return refused === undefined ? path : null;
}

/** The settings of a run in the form of a configuration file. @param path location of the file, to which its paths are relative */
function settingsText(path: string, { threads }: TrainResult, options: Options, backend: string, command: Command) {
  return configText(path, command, resolvedSettings(options, backend, threads), OPTIONS_OF);
}
