/**
 * Converts the tensors of a model to a PyTorch state dict and back: transposed, reordered and with two biases, as listed in
 * `weights.ts`.
 */
import { flatten } from '../../autograd/grads.js';
import { loadModel, saveModel } from '../../labeling/model/file.js';
import type { Model } from '../../labeling/model/model.js';
import type { ModelConfig } from '../../labeling/model/network.js';
import { expectModel } from '../../labeling/model/checks.js';
import { decodeSafetensors, encodeSafetensors } from '../../serialize/safetensors.js';
import { expectTensors } from '../../tensor/arguments.js';
import { zeros } from '../../tensor/create.js';
import { sameShape } from '../../tensor/checks.js';
import { BpttError, DataError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { quoted } from '../../tensor/visible.js';
import { flatCopy, transpose, viewOf } from '../../tensor/view.js';
import type { Weight } from './weights.js';
import { expectPortable, weightsOf } from './weights.js';

/** Tensors keyed by their PyTorch names. */
export type StateDict = Record<string, Tensor>;

/** Everything in a model besides its tensors: the metadata of its file, as text by field. */
export type ModelFacts = Readonly<Record<string, string>>;

/**
 * Returns the state dict of a model: float32, row-major, keyed by the parameter names of the module that `exportPyTorch` writes.
 *
 * @throws UnsupportedError naming a part that PyTorch has no module for, such as the cell `gru-reset-before`
 */
export function toStateDict(model: Model): StateDict {
  expectModel('toStateDict', model);
  expectPortable(model);
  const own = flatten(model.params);
  const out: StateDict = {};
  for (const weight of weightsOf(model.config)) Object.assign(out, theirsOf(weight, own));
  return out;
}

/** Returns the metadata of a model's file. */
export function factsOf(model: Model): ModelFacts {
  return decodeSafetensors(saveModel(model)).metadata;
}

/**
 * Returns a model from the result of `factsOf` and a state dict of the same module, which may have been trained in the meantime.
 *
 * @throws DataError naming a tensor that is missing, unused, of the wrong shape or not finite
 */
export function fromStateDict(facts: ModelFacts, state: Readonly<StateDict>): Model {
  expectTensors('fromStateDict', 'state', state);
  const config = configIn(facts);
  const weights = weightsOf(config);
  const left = new Set(Object.keys(state));
  const own: Record<string, Tensor> = {};
  const take = (name: string): Tensor => {
    if (!Object.hasOwn(state, name)) throw broken(`it has no ${name}: pass the state dict of the exported module`);
    left.delete(name);
    return state[name];
  };
  for (const weight of weights) Object.assign(own, oursOf(weight, take));
  const [more] = left;
  if (more !== undefined)
    throw broken(`the exported module has no ${quoted(more)}: pass the state dict of that module`);
  return loadModel(encodeSafetensors(own, facts));
}

function configIn({ config }: ModelFacts): ModelConfig {
  try {
    return JSON.parse(config ?? '') as ModelConfig;
  } catch (cause) {
    throw new DataError('the description of the model is not JSON: the file is damaged', { cause });
  }
}

type Biases = Extract<Weight, { kind: 'biases' }>;

/** Returns the error for an invalid state dict. */
export function broken(what: string): DataError {
  return new DataError(`PyTorch state dict: ${what}`);
}

function theirsOf(weight: Weight, own: Readonly<Record<string, Tensor>>): StateDict {
  const x = own[weight.ours];
  if (weight.kind === 'same') return { [weight.theirs]: rowMajor(x) };
  if (weight.kind === 'transposed') return { [weight.theirs]: rowMajor(transpose(x)) };
  if (weight.kind === 'filters') return { [weight.theirs]: filtersOf(x, weight.window) };
  const [input, recurrent] = [rowMajor(x), zeros(x.shape)];
  const { bn: name } = weight as Biases;
  if (name !== undefined) {
    const bn = flatCopy(own[name]);
    recurrent.data.set(bn, 2 * bn.length);
  }
  const [first, second] = (weight as Biases).theirs;
  return { [first]: input, [second]: recurrent };
}

function oursOf(weight: Weight, take: (name: string) => Tensor): Record<string, Tensor> {
  if (weight.kind === 'biases') return biasesOf(weight, take(weight.theirs[0]), take(weight.theirs[1]));
  const x = take(weight.theirs);
  if (weight.kind === 'same') return { [weight.ours]: rowMajor(x) };
  const rank = weight.kind === 'filters' ? 3 : 2;
  if (x.shape.length !== rank) throw broken(`${weight.theirs} is [${x.shape.join(', ')}]; expected ${rank} dimensions`);
  return { [weight.ours]: rank === 3 ? windowsOf(x) : rowMajor(transpose(x)) };
}

/** Adds the two biases; those of a GRU's n stay separate. */
function biasesOf(weight: Biases, x: Tensor, h: Tensor): Record<string, Tensor> {
  const [name, other] = weight.theirs;
  if (!sameShape(x.shape, h.shape) || x.shape.length !== 1)
    throw broken(`${name} is [${x.shape.join(', ')}] and ${other} [${h.shape.join(', ')}]; expected two equal vectors`);
  const b = rowMajor(x);
  const recurrent = flatCopy(h, 'float32');
  const shared = weight.bn === undefined ? b.data.length : Math.floor((2 * b.data.length) / 3);
  for (let j = 0; j < shared; j++) b.data[j] += recurrent[j];
  if (weight.bn === undefined) return { [weight.ours]: b };
  return { [weight.ours]: b, [weight.bn]: viewOf(recurrent.slice(shared), [b.data.length - shared]) };
}

/** `[K·D, F]` as `[F, D, K]`. */
function filtersOf(x: Tensor, K: number): Tensor {
  const [rows, F] = x.shape;
  const D = rows / K;
  const [from, to] = [flatCopy(x, 'float32'), new Float32Array(rows * F)];
  for (let k = 0; k < K; k++)
    for (let d = 0; d < D; d++) for (let f = 0; f < F; f++) to[(f * D + d) * K + k] = from[(k * D + d) * F + f];
  return viewOf(to, [F, D, K]);
}

/** `[F, D, K]` as `[K·D, F]`. */
function windowsOf(x: Tensor): Tensor {
  const [F, D, K] = x.shape;
  const [from, to] = [flatCopy(x, 'float32'), new Float32Array(F * D * K)];
  for (let k = 0; k < K; k++)
    for (let d = 0; d < D; d++) for (let f = 0; f < F; f++) to[(k * D + d) * F + f] = from[(f * D + d) * K + k];
  return viewOf(to, [K * D, F]);
}

/** An independent copy, in float32. */
function rowMajor(x: Tensor): Tensor {
  return viewOf(flatCopy(x, 'float32'), x.shape);
}

/** Runs `make` and converts any error of this package about a file to a DataError. */
export function asData<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof DataError || !(error instanceof BpttError)) throw error;
    throw new DataError(error.message, { cause: error });
  }
}
