/** The suite `tagger`: updates and inference of a whole tagger, tokens per second. */
import { availableParallelism } from 'node:os';
import { flatten } from '../autograd/index.js';
import type { Kernels } from '../kernels/index.js';
import { passes, rightPeers, skips } from './check.js';
import { decode, elements, encode } from './numbers.js';
import { secondCall, slowTagger } from './timeouts.js';
import type { Peer } from './peers.js';
import type { Problem } from './problem.js';
import { CHECKED_STEPS, CLIP, createProblem, createInference, createTrainer, LEARNING_RATE, TAGGER_SIZES } from './problem.js'; // prettier-ignore
import type { Reference } from './reference.js';
import { faultIn, inferenceFault, referenceOf, trainingFault } from './reference.js';
import { teamContestants } from './threads.js';
import { sampling } from './timing.js';
import type { Backend, Contestant, Context, SuiteParts } from './types.js';
import { backendsOf } from './types.js';

const CELLS = ['lstm', 'gru', 'rnn'];
const BATCHES = [32, 1];
/** Additional batch sizes for the plot, for one cell. */
const PLOTTED_BATCHES = [2, 4, 8, 16, 64];

type Phase = 'train' | 'infer';
const PHASES: readonly Phase[] = ['train', 'infer'];

/** A tagger, given by its cell and batch size, and whether it reads the characters of words. */
interface Case {
  readonly cell: string;
  readonly B: number;
  readonly spelled: boolean;
}

/** Every cell reads words; the LSTM also reads characters. */
function casesOf({ plotting }: Context): Case[] {
  const words = CELLS.flatMap((cell) => {
    const more = plotting && cell === 'lstm' ? PLOTTED_BATCHES : [];
    return [...BATCHES, ...more].map((B) => ({ cell, B, spelled: false }));
  });
  return [...words, ...BATCHES.map((B) => ({ cell: 'lstm', B, spelled: true }))];
}

/** The races of the suite. */
export async function* tagger(context: Context): SuiteParts {
  for (const { cell, B, spelled } of casesOf(context)) {
    const label = (phase: Phase): string => `${phase}-b${B}-${cell}${spelled ? '-characters' : ''}`;
    const phases = PHASES.filter((phase) => context.wants(label(phase)));
    if (phases.length === 0) continue;
    const problem = createProblem(cell, B, TAGGER_SIZES, spelled);
    const reference = referenceOf(problem);
    for (const phase of phases) {
      context.progress(`tagger ${label(phase)}: checking`, 0, 1);
      const own: Contestant[] = [];
      for (const backend of backendsOf(context, 'tagger')) {
        own.push(...(await ownContestants(context, label(phase), backend, phase, problem, reference)));
      }
      const teams = phase === 'train' && B > 1 ? await allCores(context, label(phase), problem, reference) : [];
      const contestants = [
        ...own,
        ...teams,
        ...(await peerContestants(context, label(phase), phase, problem, reference)),
      ];
      const work = B * problem.sizes.T;
      yield { suite: 'tagger', case: label(phase), metric: 'tokens/s', work, contestants };
    }
  }
}

/** Training with `bptt` on all cores, if there is more than one. */
async function allCores(
  context: Context,
  label: string,
  problem: Problem,
  reference: Reference,
): Promise<Contestant[]> {
  const backend = context.backends.find(({ system }) => system === 'bptt');
  const cores = Math.min(availableParallelism(), problem.B);
  if (backend === undefined || cores === 1) return [];
  return teamContestants(context, `tagger ${label}`, backend.kernels, problem, reference, cores);
}

/**
 * The models of a backend with correct results: two for inference, which differ in how they cache words; two for training, which
 * differ in Adam for the embeddings.
 */
async function ownContestants(
  context: Context,
  label: string,
  { system, backend, kernels, graphics }: Backend,
  phase: Phase,
  problem: Problem,
  reference: Reference,
): Promise<Contestant[]> {
  const obstacle = async (): Promise<string | undefined> =>
    graphics && slowTagger(phase, await inferenceMs(kernels, problem), context.budget.slowestMs);
  if (await skips(context, `tagger ${label}`, system, obstacle)) return [];
  const fault = (): string | undefined =>
    phase === 'infer' ? inferenceFault(kernels, problem, reference) : trainingFault(kernels, problem, reference);
  if (!passes(context, `tagger ${label}`, system, fault)) return [];
  const rounds = problem.batches.length;
  const contestant = (name: string, act: (batch: number) => void, close?: () => void): Contestant => {
    let next = 0;
    const sample = sampling(() => act(next++ % rounds));
    return { system: name, version: context.version, backend, threads: 1, ...graphics?.place, sample, close };
  };
  const both = system === 'bptt' && graphics === undefined;
  if (phase === 'infer') {
    return (both ? [true, false] : [true]).map((keepWords) => {
      const { logits, close } = createInference(kernels, problem, { keepWords });
      // A tagger in steady use is timed: every word has occurred before.
      if (both && keepWords) for (let batch = 0; batch < rounds; batch++) logits(batch);
      return contestant(keepWords ? system : `${system}-new-words`, (batch) => void logits(batch), close);
    });
  }
  return (both ? [true, false] : [true]).map((lazy) => {
    const { step, close } = createTrainer(kernels, problem, { lazy });
    return contestant(lazy ? system : `${system}-dense-adam`, (batch) => void step(batch), close);
  });
}

/** Milliseconds of an inference, to predict whether an update would take too long. */
async function inferenceMs(kernels: Kernels, problem: Problem): Promise<number> {
  const { logits, close } = createInference(kernels, problem);
  const ms = await secondCall(() => logits(0));
  close();
  return ms;
}

/** Peers whose logits, or losses over some updates, are right. */
function peerContestants(
  context: Context,
  label: string,
  phase: Phase,
  problem: Problem,
  reference: Reference,
): Promise<Peer[]> {
  return rightPeers(context, 'tagger', `tagger ${label}`, { phase, ...requestOf(problem) }, ({ logits, losses }) =>
    phase === 'infer'
      ? faultIn('logits', decode(logits), reference.logits())
      : faultIn('losses', (losses ?? []) as number[], reference.training().losses),
  );
}

/** A problem in the form sent to peers: sizes, weights by dotted name, batches. */
function requestOf({ network, sizes, B, params, batches, spellings }: Problem): object {
  const weights = Object.entries(flatten(params)).map(([name, p]) => {
    return [name, { shape: p.shape, data: encode(elements(p) as Float32Array) }];
  });
  return {
    cell: network.config.body.cell,
    ...sizes,
    B,
    lr: LEARNING_RATE,
    clip: CLIP,
    steps: CHECKED_STEPS,
    weights: Object.fromEntries(weights) as object,
    batches: batches.map(({ ids, targets }) => ({ ids: encode(ids), targets: encode(targets) })),
    ...(spellings && { spellings: spellings.map((characters) => Array.from(characters)) }),
  };
}
