/** A training whose model is not lost, whatever fails in the middle or at the very end. */
import { mkdtemp, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kernels } from '../kernels/index.js';
import { saveModel } from '../labeling/model/file.js';
import type { Model } from '../labeling/model/model.js';
import type { TrainOptions } from '../labeling/training/options.js';
import { TRAIN_KEYS } from '../labeling/training/options.js';
import { nodeThreads } from '../labeling/training/parallel/threads.node.js';
import type { TrainHooks, TrainResult } from '../labeling/training/record.js';
import type { Corpora } from '../labeling/training/run.js';
import type { SeedHooks, SeedsResult } from '../labeling/training/seeds.js';
import { trainSeeds } from '../labeling/training/seeds.js';
import type { EnsembleResult } from '../labeling/training/ensemble.js';
import { trainEnsemble } from '../labeling/training/ensemble.js';
import { ensembleOf } from '../labeling/model/ensemble.js';
import { saveFile } from '../serialize/save.node.js';
import { train } from '../labeling/training/train.js';
import { BpttError } from '../tensor/index.js';
import { messageOf } from '../tensor/errors.js';
import { counted } from '../tensor/print.js';

/** Options of a training as the command line has them. */
export interface ThreadedOptions extends Omit<TrainOptions, 'threads'> {
  readonly threads: number | 'auto';
  /** The model file. */
  readonly out: string;
}

/**
 * Trains. Where an error ends the training (a thread that died, a loss that is no longer a number) the best model so far is
 * saved first.
 *
 * @throws BpttError that says where, with that error as its cause; without anything to save, as `train` does
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

/** What several seeds came to, and whether the best model was written. */
export interface SavedSeeds {
  readonly seeds: SeedsResult;
  readonly saved: boolean;
}

/**
 * Trains with several seeds, and writes the model file whenever one is the best so far, so that nothing of it is lost.
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

/** What an ensemble came to, and whether it was written. */
export interface SavedEnsemble {
  readonly ensemble: EnsembleResult;
  readonly saved: boolean;
}

/**
 * Trains an ensemble, and writes the model file after every member: of the first that model, then an ensemble of those that are
 * finished. So there is a whole model file whatever happens to the others.
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

/** What was written of an ensemble that did not come to its end. */
export function membersSaved(count: number, out: string): string {
  return `${count === 1 ? 'that member alone' : `the ensemble of these ${count}`} was saved to ${out}`;
}

/** The error that ended a training, and what became of its model. */
async function savedAfter(error: unknown, out: string, result: TrainResult): Promise<BpttError> {
  const outcome = await saveResult(out, result).then((saved) => whatWasSaved(result, out, saved), messageOf);
  return new BpttError(`${messageOf(error)}; ${outcome}`, { cause: error });
}

/** What the command line says of the training itself, without files and reports. */
export function trainOptionsOf(options: ThreadedOptions): Omit<TrainOptions, 'threads'> {
  const known = ([name]: [string, unknown]): boolean => TRAIN_KEYS.includes(name) && name !== 'threads';
  return Object.fromEntries(Object.entries(options).filter(known));
}

/**
 * Writes the model file, unless that would replace a file by a model that has not finished an epoch: the earlier one is
 * worth more.
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
 * Writes the model file. Hours after it was seen to be writable it may be so no more: the disk is full, the folder is gone.
 * Then the model goes to the folder for temporary files, else to the current folder, else home.
 *
 * @throws BpttError that says why, and where the model is; or that it is lost, and why it could be saved nowhere
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

/** Saves a model in a new folder of the first place that takes it. @returns where, and why not before */
async function saveElsewhere(bytes: Uint8Array): Promise<{ place?: string; failures: readonly string[] }> {
  const failures: string[] = [];
  for (const folder of [tmpdir(), process.cwd(), homedir()]) {
    try {
      const place = join(await mkdtemp(join(folder, 'bptt-')), 'model.safetensors');
      await saveFile(place, bytes);
      return { place, failures };
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  return { failures };
}

/**
 * What became of the model of a training that did not come to its end.
 *
 * @param saved what `saveResult` said
 */
export function whatWasSaved({ bestEpoch }: TrainResult, out: string, saved: boolean): string {
  if (!saved) return `no epoch was finished, and the file ${out} was left as it was`;
  return `${bestEpoch > 0 ? `the best model so far, of epoch ${bestEpoch},` : 'the model as it stood'} was saved to ${out}`;
}
