/** A small training whose losses are compared batch by batch: on a device, and on the CPU with products at their bound. */
import { createCpuKernels } from '../../src/kernels/index';
import type { AsyncKernels, Kernels } from '../../src/kernels/index';
import { generateCorpus, train } from '../../src/labeling/index';
import type { Model, TrainOptions } from '../../src/labeling/index';
import { noisyKernels } from './noisy';

const corpus = generateCorpus({ sentences: 90, seed: 11, maxPhrases: 1 });

export const CORPORA = { train: corpus.slice(0, 60), dev: corpus.slice(60) };

export const OPTIONS: TrainOptions = {
  embedding: 8,
  hidden: 9,
  layers: 2,
  epochs: 2,
  lr: 0.01,
  dropout: 0.1,
  batch: 16,
};

/** What a training gave. */
export interface Trained {
  readonly model: Model;
  /** Running mean of the loss after every batch. */
  readonly losses: readonly number[];
}

/** Trains on kernels; on an asynchronous device where one is given. `onBatch` is told of every batch, from 1. */
export async function trainOn(
  kernels: Kernels,
  {
    device,
    options = OPTIONS,
    onBatch,
  }: { device?: AsyncKernels; options?: TrainOptions; onBatch?: (n: number) => void } = {},
): Promise<Trained> {
  const losses: number[] = [];
  const onProgress = ({ loss }: { readonly loss: number }): void => {
    losses.push(loss);
    onBatch?.(losses.length);
  };
  const { model } = await train(kernels, CORPORA, options, { onProgress, device });
  return { model, losses };
}

/**
 * Throws unless the losses, of all batches or of every n-th, are those of the CPU: at no batch further off than the furthest of six trainings whose every
 * product is off by its whole bound. The bound of one product is derived (`oracle.ts`); this carries it through the steps. The
 * functions of the gates of a device, off by 9u at most, are not more than products of K > 8 terms may add to what they are taken of.
 */
export async function expectSameLosses(
  losses: readonly number[],
  { options = OPTIONS, every = 1 }: { options?: TrainOptions; every?: number } = {},
): Promise<void> {
  const envelope = await envelopeOf(options);
  const sampled = (list: readonly number[]) => list.filter((_, i) => i % every === every - 1);
  const [cpu, allowed] = [sampled(envelope.cpu), sampled(envelope.allowed)];
  if (losses.length !== cpu.length) throw new Error(`${losses.length} batches, ${cpu.length} on the CPU`);
  losses.forEach((loss, i) => {
    const off = Math.abs(loss - cpu[i]);
    if (!(off <= allowed[i]))
      throw new Error(`batch ${i + 1}: ${loss} is not ${cpu[i]}; off by ${off}, allowed ${allowed[i]}`);
  });
}

interface Envelope {
  readonly cpu: readonly number[];
  readonly allowed: readonly number[];
}

const envelopes = new Map<string, Promise<Envelope>>();

/** The losses on the CPU and how far off they may be; computed once per options. */
function envelopeOf(options: TrainOptions): Promise<Envelope> {
  const key = JSON.stringify(options);
  const known = envelopes.get(key) ?? computeEnvelope(options);
  envelopes.set(key, known);
  return known;
}

async function computeEnvelope(options: TrainOptions): Promise<Envelope> {
  const cpu = (await trainOn(createCpuKernels(), { options })).losses;
  const allowed = new Array<number>(cpu.length).fill(0);
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const noisy = (await trainOn(noisyKernels(seed), { options })).losses;
    noisy.forEach((loss, i) => (allowed[i] = Math.max(allowed[i], Math.abs(loss - cpu[i]))));
  }
  return { cpu, allowed };
}
