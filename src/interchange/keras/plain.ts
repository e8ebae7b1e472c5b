/** Builds a model from a tagger that another program trained in Keras, plus its words and labels. */
import { flatten } from '../../autograd/grads.js';
import { loadModel } from '../../labeling/model/file.js';
import type { Model } from '../../labeling/model/model.js';
import type { ModelConfig } from '../../labeling/model/network.js';
import { encodeSafetensors } from '../../serialize/safetensors.js';
import { UnsupportedError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { quoted } from '../../tensor/visible.js';
import { flatCopy, transpose, viewOf } from '../../tensor/view.js';
import type { StateDictNames } from '../pytorch/plain.js';
import { defaultUnknown, fromPlainStateDict } from '../pytorch/plain.js';
import type { StateDict } from '../pytorch/state-dict.js';
import { factsOf } from '../pytorch/state-dict.js';
import type { Direction } from './cells.js';
import type { Hdf5Dataset } from './hdf5-write.js';
import type { KerasParts } from './layers.js';

/** A GRU variant that exists only in Keras: it is read as the other GRU, with a second bias of 0, and renamed. */
const RESET_BEFORE = 'gru-reset-before';

/**
 * @throws UnsupportedError if there is a dense layer before the output, or the unknown word is masked; DataError if words or labels do not fit the weights
 */
export function plainModel({ embedding, masked, cell, recurrent, dense }: KerasParts, names: StateDictNames): Model {
  if (dense.length > 1) throw new UnsupportedError('Keras model: a dense layer before the output can be imported only from exports of bptt'); // prettier-ignore
  const [output] = dense;
  const state: StateDict = {
    'embedding.weight': viewOf(embedding.values, embedding.shape),
    ...layersAsPyTorch(recurrent),
    'output.weight': transposed(output.W),
    'output.bias': viewOf(output.b.values, output.b.shape),
  };
  const read = cell === RESET_BEFORE ? 'gru' : cell;
  const own = { cell: read as StateDictNames['cell'], embedding: 'embedding.weight', output: 'output.weight' };
  const model = fromPlainStateDict(state, { ...names, ...own });
  if (masked) expectFillerFirst(names);
  return cell === RESET_BEFORE ? renamed(model) : model;
}

/**
 * With `mask_zero` Keras skips words with id 0. As long as id 0 is padding, this makes no difference here; but if it were the
 * unknown word, unknown words would be skipped too.
 *
 * @throws UnsupportedError if id 0 is the unknown word
 */
function expectFillerFirst({ words, unknown = defaultUnknown(words) }: StateDictNames): void {
  if (words[0] !== unknown) return;
  throw new UnsupportedError(`Keras model: its embedding has mask_zero, so Keras skips words with id 0, and ${quoted(unknown)} is both that and the unknown word, which bptt does not skip: set "unknown" to the word for unknown ones, or train without mask_zero`); // prettier-ignore
}

function layersAsPyTorch(recurrent: readonly (readonly Direction[])[]): StateDict {
  const state: StateDict = {};
  recurrent.forEach((directions, l) =>
    directions.forEach(({ Wx, Wh, b, bn }, d) => {
      const suffix = `_l${l}${d === 0 ? '' : '_reverse'}`;
      const second = new Float32Array(b.values.length);
      if (bn) second.set(bn.values, second.length - bn.values.length);
      state[`weight_ih${suffix}`] = transposed(Wx);
      state[`weight_hh${suffix}`] = transposed(Wh);
      state[`bias_ih${suffix}`] = viewOf(b.values, b.shape);
      state[`bias_hh${suffix}`] = viewOf(second, b.shape);
    }),
  );
  return state;
}

function transposed({ shape, values }: Hdf5Dataset): Tensor {
  const x = transpose(viewOf(values, shape));
  return viewOf(flatCopy(x), x.shape);
}

/** The same weights as a GRU that resets before the product. */
function renamed(model: Model): Model {
  const facts = factsOf(model);
  const config = JSON.parse(facts.config) as ModelConfig;
  const tensors = Object.entries(flatten(model.params)).filter(([name]) => !name.endsWith('.bn'));
  const body = { ...config.body, cell: RESET_BEFORE };
  return loadModel(
    encodeSafetensors(Object.fromEntries(tensors), { ...facts, config: JSON.stringify({ ...config, body }) }),
  );
}
