/** Training whose model is not lost, even if something fails midway or at the very end. */
import { mkdtemp, rmdir, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kernels } from '../../kernels/index.js';
import { saveModel } from '../../labeling/model/file.js';
import type { Model } from '../../labeling/model/model.js';
import type { TrainOptions } from '../../labeling/training/options.js';
import { TRAIN_KEYS } from '../../labeling/training/options.js';
import { nodeThreads } from '../../labeling/training/parallel/threads.node.js';
import type { TrainHooks, TrainResult } from '../../labeling/training/record.js';
import type { Corpora } from '../../labeling/training/run.js';
import type { SeedHooks, SeedsResult } from '../../labeling/training/seeds.js';
import { trainSeeds } from '../../labeling/training/seeds.js';
import type { EnsembleResult } from '../../labeling/training/ensemble.js';
import { trainEnsemble } from '../../labeling/training/ensemble.js';
import { ensembleOf } from '../../labeling/model/ensemble.js';
import { saveFile } from '../../serialize/save.node.js';
import { train } from '../../labeling/training/train.js';
import { BpttError } from '../../tensor/index.js';
import { messageOf } from '../../tensor/errors.js';
import { counted } from '../../tensor/print.js';

/** Training options from the command line. */
export interface ThreadedOptions extends Omit<TrainOptions, 'threads'> {
  readonly threads: number | 'auto';
  /** The model file. */
  readonly out: string;
}

/**
 * Trains. If an error ends the training (a dead thread, a loss that is not finite), the best model so far is saved first.
 *
 * @throws BpttError that states where it was saved, with the original error as its cause; if there is nothing to save, as `train`
 *   does
 */
export async function trainOrRescue(
  kernels: Kernels,
  corpora: Corpora,
  options: ThreadedOptions,
  hooks: TrainHooks,
): Promise<TrainResult> {
  const threads = nodeThreads(options.threads);
  const rescued: TrainResult[] = [];
  try {
    const onRescue = (result: TrainResult) => void rescued.push(result);
    return await train(kernels, corpora, { ...trainOptionsOf(options), threads }, { ...hooks, onRescue });
  } catch (error) {
    if (rescued.length === 0) throw error;
    throw await savedAfter(error, options.out, rescued[0]);
  }
}

/** The result of several seeds, and whether the best model was written. */
export interface SavedSeeds {
  readonly seeds: SeedsResult;
  readonly saved: boolean;
}

/**
 * Trains with several seeds, and writes the model file whenever a seed is the best so far, so that no best model is lost.
 *
 * @throws BpttError as `trainOrRescue` does
 */
export async function trainSeedsOrRescue(
  kernels: Kernels,
  corpora: Corpora,
  options: ThreadedOptions,
  count: number,
  hooks: SeedHooks,
): Promise<SavedSeeds> {
  const threads = nodeThreads(options.threads);
  const rescued: TrainResult[] = [];
  let [saved, bestSeed] = [false, 0];
  const onRun: SeedHooks['onRun'] = async (run, result, isBest) => {
    if (isBest) [saved, bestSeed] = [await saveResult(options.out, result), run.seed];
    await hooks.onRun?.(run, result, isBest);
  };
  try {
    const onRescue = (result: TrainResult) => void rescued.push(result);
    const settings = { ...trainOptionsOf(options), threads };
    const seeds = await trainSeeds(kernels, corpora, settings, count, { ...hooks, onRun, onRescue });
    if (seeds.runs.length === 0) saved = await saveResult(options.out, seeds.best);
    return { seeds, saved };
  } catch (error) {
    if (saved) {
      const kept = `the best model so far, of seed ${bestSeed}, was saved to ${options.out}`;
      throw new BpttError(`${messageOf(error)}; ${kept}`, { cause: error });
    }
    if (rescued.length === 0) throw error;
    throw await savedAfter(error, options.out, rescued[0]);
  }
}

/** The result of an ensemble, and whether it was written. */
export interface SavedEnsemble {
  readonly ensemble: EnsembleResult;
  readonly saved: boolean;
}

/**
 * Trains an ensemble and writes the model file after every member: first the first model, then an ensemble of the finished
 * members. A complete model file therefore exists whatever happens to the others.
 *
 * @throws BpttError as `trainOrRescue` does
 */
export async function trainEnsembleOrRescue(
  kernels: Kernels,
  corpora: Corpora,
  options: ThreadedOptions,
  count: number,
  hooks: SeedHooks,
): Promise<SavedEnsemble> {
  const threads = nodeThreads(options.threads);
  const rescued: TrainResult[] = [];
  const models: Model[] = [];
  const onRun: SeedHooks['onRun'] = async (run, result, isBest) => {
    models.push(result.model);
    await saveTrained(options.out, ensembleOf(models));
    await hooks.onRun?.(run, result, isBest);
  };
  try {
    const onRescue = (result: TrainResult) => void rescued.push(result);
    const settings = { ...trainOptionsOf(options), threads };
    const ensemble = await trainEnsemble(kernels, corpora, settings, count, { ...hooks, onRun, onRescue });
    return { ensemble, saved: models.length > 0 || (await saveResult(options.out, ensemble.members.best)) };
  } catch (error) {
    if (models.length > 0)
      throw new BpttError(
        `${messageOf(error)}; after ${counted(models.length, 'member')}: ${membersSaved(models.length, options.out)}`,
        { cause: error },
      );
    if (rescued.length === 0) throw error;
    throw await savedAfter(error, options.out, rescued[0]);
  }
}

/** What was written for an unfinished ensemble. */
export function membersSaved(count: number, out: string): string {
  return `${count === 1 ? 'only that member' : `the ensemble of these ${count}`} was saved to ${out}`;
}

/** The error that ended a training run, and what happened to its model. */
async function savedAfter(error: unknown, out: string, result: TrainResult): Promise<BpttError> {
  const outcome = await saveResult(out, result).then((saved) => whatWasSaved(result, out, saved), messageOf);
  return new BpttError(`${messageOf(error)}; ${outcome}`, { cause: error });
}

/** Command-line options of the training itself, without files and reports. */
export function trainOptionsOf(options: ThreadedOptions): Omit<TrainOptions, 'threads'> {
  const known = ([name]: [string, unknown]): boolean => TRAIN_KEYS.includes(name) && name !== 'threads';
  return Object.fromEntries(Object.entries(options).filter(known));
}

/**
 * Writes the model file, unless this would replace an earlier file by a model that has not finished an epoch.
 *
 * @returns whether it was written
 * @throws BpttError as `saveTrained` does
 */
export async function saveResult(out: string, { model, bestEpoch }: TrainResult): Promise<boolean> {
  if (bestEpoch === 0 && (await exists(out))) return false;
  await saveTrained(out, model);
  return true;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Writes the model file. Hours after the path was found writable, this may no longer be true: the disk is full, or the folder is
 * gone. The model is then saved in the folder for temporary files, else in the current folder, else in the home folder.
 *
 * @throws BpttError that states why, and where the model is; or that it is lost, and why it could not be saved anywhere
 */
export async function saveTrained(out: string, model: Model): Promise<void> {
  const bytes = saveModel(model);
  try {
    await saveFile(out, bytes);
  } catch (error) {
    const { place, failures } = await saveElsewhere(bytes);
    const outcome =
      place === undefined ? `the model is lost: ${failures.join('; ')}` : `the model was saved to ${place} instead`;
    throw new BpttError(`${messageOf(error)}; ${outcome}`, { cause: error });
  }
}

/** Saves a model in a new folder at the first location that works; leaves nothing at others. @returns where, and why earlier ones failed */
async function saveElsewhere(bytes: Uint8Array): Promise<{ place?: string; failures: readonly string[] }> {
  const failures: string[] = [];
  for (const folder of [tmpdir(), process.cwd(), homedir()]) {
    let made: string | undefined;
    try {
      made = await mkdtemp(join(folder, 'bptt-'));
      const place = join(made, 'model.safetensors');
      await saveFile(place, bytes);
      return { place, failures };
    } catch (error) {
      failures.push(messageOf(error));
      if (made !== undefined) await rmdir(made).catch(() => undefined);
    }
  }
  return { failures };
}

/**
 * Describes what happened to the model of an unfinished training run.
 *
 * @param saved the result of `saveResult`
 */
export function whatWasSaved({ bestEpoch }: TrainResult, out: string, saved: boolean): string {
  if (!saved) return `no epoch was finished, and the file ${out} was left unchanged`;
  return `${bestEpoch > 0 ? `the best model so far, of epoch ${bestEpoch},` : 'the current model'} was saved to ${out}`;
}
