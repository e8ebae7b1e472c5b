/** Builds the ONNX graph of a model: encoders, recurrent layers, heads. */
import { cellNamed, zoneout } from '../../cells/index.js';
import type { Cell } from '../../cells/index.js';
import type { Model } from '../../labeling/index.js';
import { ArgumentError } from '../../tensor/errors.js';
import { affine } from './arithmetic.js';
import type { GraphBuilder } from './builder.js';
import { graphBuilder } from './builder.js';
import { writeEncoder } from './encoders.js';
import { writeHead } from './heads.js';
import type { OnnxGraph } from './proto.js';
import { INT32 } from './proto.js';
import { recurrentLayer } from './recurrent.js';
import { sizesOf } from './sizes.js';

/** Name of the input that holds the number of tokens in each sentence. */
export const LENGTHS = 'lengths';

/**
 * Returns the graph of a model. Inputs: `lengths` int32 `[batch]`, and the input of each encoder, batch first. Outputs: the
 * scores of each head. The scores of a sentence do not depend on the rest of the batch.
 *
 * @throws UnsupportedError on a custom part that has no ONNX counterpart
 */
export function graphOf({ config, params, network, own }: Model): OnnxGraph {
  const builder = graphBuilder();
  const lengths = builder.input({ name: LENGTHS, type: INT32, shape: ['batch'] });
  const encoded = config.encoders.map((each) => writeEncoder(builder, params.encoders[each.kind], each));
  const x = encoded.length === 1 ? encoded[0] : builder.add('Concat', encoded, { axis: -1 });
  const sizes = sizesOf(builder, lengths, x);
  const { body } = config;
  const cell = cellOf({ body, own });
  const name = body.ownCell ? undefined : body.cell;
  const stack = params.layers.reduce((below, layer, l) => {
    const y = recurrentLayer(builder, cell, name, layer, { x: below, sizes, path: `layers.${l}` });
    return network.layers[l].residual ? builder.add('Add', [below, y]) : y;
  }, x);
  const top = params.dense ? tanhOf(builder, affine(builder, stack, 'dense', params.dense)) : stack;
  const stacked = body.hidden[body.hidden.length - 1] * (body.bidirectional ? 2 : 1);
  const width = body.dense ?? stacked;
  const forward = body.bidirectional ? width / 2 : width;
  for (const head of config.heads) {
    writeHead(builder, params.heads[head.name], head, { y: top, sizes, forward, width });
  }
  return builder.graph('bptt');
}

const tanhOf = (builder: GraphBuilder, x: string): string => builder.add('Tanh', [x]);

/** The cell with its equations and with its zoneout as applied at inference. */
function cellOf({ body, own }: Pick<Model['config'], 'body'> & Pick<Model, 'own'>): Cell {
  const plain = body.ownCell ? own.cell : cellNamed(body.cell);
  if (plain === undefined) {
    throw new ArgumentError(`onnx: the cell '${body.cell}' is custom: load the model with it`);
  }
  return body.zoneout ? zoneout(plain, body.zoneout) : plain;
}
