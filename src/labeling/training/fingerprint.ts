/**
 * Everything that training depends on, to the bit: data, settings, threads and backend, each under a name. A checkpoint stores the
 * fingerprint of its training run, and a run with a different one cannot resume from it.
 */
import { flatten } from '../../autograd/grads.js';
import type { TensorRecord } from '../../autograd/grads.js';
import type { AsyncKernels } from '../../kernels/types.js';
import { encodeSafetensors } from '../../serialize/safetensors.js';
import { sha256 } from '../../serialize/sha256.js';
import { encodeUtf8 } from '../../serialize/utf8.js';
import { ArgumentError } from '../../tensor/errors.js';
import { visible } from '../../tensor/visible.js';
import type { Sentence } from '../data/sentence.js';
import type { Corpora, Run } from './run.js';

/** Values by name, as texts that are equal if and only if the values are; for data, their SHA-256. */
export type Fingerprint = Readonly<Record<string, string>>;

/** Settings that only reject input: they change no number. */
const NEUTRAL: readonly string[] = ['strictLabels'];

/** Names whose texts are long, or digests: messages only say that they differ. */
const DATA: readonly string[] = ['training data', 'development data', 'initial model'];
/** Values derived from data and settings. They are named only if nothing else differs, because custom parts may make them differ. */
const DERIVED: readonly string[] = ['network', 'vocabularies', 'frozen parameters', 'trained parameters'];

/**
 * Returns the fingerprint of a training run.
 *
 * @param threads number of threads that compute its gradients
 * @param device the asynchronous device, if there is one
 */
export function fingerprintOf(
  { settings, model, kernels, replica }: Run,
  { train, dev, input }: Corpora,
  threads: number,
  device?: AsyncKernels,
): Fingerprint {
  const { config, readers, heads } = model;
  const own = Object.entries(settings).filter(([name]) => !NEUTRAL.includes(name));
  const cell = typeof settings.cell === 'string' ? settings.cell : settings.cell.name;
  const parts = { encoders: config.encoders.map(({ kind }) => kind), heads: config.heads.map(({ name }) => name) };
  const words = [readers.map((each) => each.toJSON()), heads.map(({ labels }) => labels.toJSON())];
  return {
    ...Object.fromEntries(Object.entries({ ...Object.fromEntries(own), cell, ...parts }).map(([n, v]) => [n, canonical(v)])), // prettier-ignore
    'training data': hashOf(train),
    'development data': dev === undefined ? 'none' : hashOf(dev),
    'initial model': hashOfTensors(replica.start),
    'reading of the data': canonical(input),
    network: canonical(config),
    vocabularies: sha256(encodeUtf8(canonical(words))),
    'frozen parameters': hashOfFrozen(flatten(model.params), replica.params),
    'trained parameters': canonical(Object.keys(replica.params).sort()),
    threads: String(threads),
    backend: device === undefined ? kernels.backend : `${kernels.backend} with ${device.backend}`,
  };
}

/**
 * Requires that a checkpoint belongs to this training run.
 *
 * @throws ArgumentError that names what differs
 */
export function expectSameTraining(saved: Fingerprint, here: Fingerprint): void {
  const names = [...new Set([...Object.keys(here), ...Object.keys(saved)])];
  const differing = names.filter((name) => saved[name] !== here[name]);
  if (differing.length === 0) return;
  const causes = differing.filter((name) => !DERIVED.includes(name));
  const told = causes.length > 0 ? causes : differing;
  const shown = told.slice(0, MOST_NAMED).map((name) => difference(name, saved[name], here[name]));
  const more = told.length > MOST_NAMED ? `, and ${told.length - MOST_NAMED} more` : '';
  throw new ArgumentError(
    `train: resume: the checkpoint is from another run: ${shown.join('; ')}${more}: use what that run was started with, or start over without resume`,
  );
}

const MOST_NAMED = 5;

function difference(name: string, was: string | undefined, is: string | undefined): string {
  if ([...DATA, ...DERIVED].includes(name)) return `${name} ${name.endsWith('s') ? 'differ' : 'differs'}`;
  return `${name} was ${short(was)} and is ${short(is)}`;
}

/** Shortens a value for a message. */
function short(text: string | undefined): string {
  if (text === undefined) return 'not set';
  return visible(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/**
 * JSON with sorted object keys, and infinities by name. Undefined fields are omitted from objects; a top-level undefined becomes `not set`.
 */
function canonical(value: unknown): string {
  if (value === undefined) return 'not set';
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'number' && !Number.isFinite(each)) return String(each);
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([p], [q]) => (p < q ? -1 : 1)));
  });
}

/** Sentences per block, so that no text of the whole corpus is built. */
const BLOCK = 1000;

/** A digest of what training reads in sentences: tokens and all kinds of labels. */
function hashOf(sentences: readonly Sentence[]): string {
  let hash = '';
  for (let at = 0; at < sentences.length; at += BLOCK) {
    const block = sentences.slice(at, at + BLOCK);
    const read = block.map(({ tokens, labels, columns, category }) => ({ tokens, labels, columns, category }));
    hash = sha256(encodeUtf8(hash + canonical(read)));
  }
  return hash;
}

/** A digest of the parameters that training does not change, such as frozen word vectors. */
function hashOfFrozen(all: TensorRecord, trained: TensorRecord): string {
  return hashOfTensors(Object.fromEntries(Object.entries(all).filter(([name]) => !(name in trained))));
}

function hashOfTensors(tensors: TensorRecord): string {
  return Object.keys(tensors).length === 0 ? 'none' : sha256(encodeSafetensors(tensors));
}
