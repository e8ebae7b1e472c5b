/** Describes the model of a trace. */
import { flatten } from '../autograd/grads.js';
import type { Model } from '../labeling/model/model.js';
import { networkOf } from '../labeling/model/network.js';
import type { Tensor } from '../tensor/types.js';
import { flatCopy, sizeOf } from '../tensor/view.js';
import { quantitiesOf } from './quantities.js';
import { sha256 } from '../serialize/sha256.js';
import type { ModelTrace } from './trace.js';
import type { ReadableModel } from './untrained.js';

/** Fields of a body that change the meaning of the states, or what is computed from them. */
const EXTRAS = ['zoneout', 'residual', 'dense'] as const;

/** @param head index of the head to inspect */
export function modelOf(model: Model, head: number): ModelTrace {
  const { config, own, params, heads, words } = model;
  const network = networkOf(config, own);
  const [{ cell }] = network.layers;
  const { origin = { source: 'model', initialization: null } } = model as Partial<ReadableModel>;
  const tensors = flatten(params);
  const extras = EXTRAS.filter((name) => config.body[name] !== undefined);
  return {
    cell: cell.name,
    gates: [...cell.gateNames],
    states: [...cell.states],
    quantities: quantitiesOf(cell),
    hidden: [...config.body.hidden],
    bidirectional: config.body.bidirectional,
    ...(extras.length > 0 && { extras }),
    embedding: network.width,
    vocabulary: words.size,
    labels: [...heads[head].labels.labels],
    parameters: Object.values(tensors).reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    ...origin,
    sha256: hashOf(tensors),
  };
}

/** SHA-256 of all weights as little-endian float64, in the order of their names. */
function hashOf(tensors: Readonly<Record<string, Tensor>>): string {
  const names = Object.keys(tensors).sort();
  const view = new DataView(new ArrayBuffer(8 * names.reduce((sum, name) => sum + sizeOf(tensors[name].shape), 0)));
  let at = 0;
  for (const name of names) {
    for (const each of flatCopy(tensors[name], 'float64')) {
      view.setFloat64(at, each, true);
      at += 8;
    }
  }
  return sha256(new Uint8Array(view.buffer));
}
