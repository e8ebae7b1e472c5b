/**
 * A recurrent layer as a Scan: one step of the cell, written from its equations (`cells/equations.ts`), inside an ONNX loop. This
 * makes cells available that have no ONNX operator: layer normalization, projection, zoneout, custom cells.
 *
 * After the end of a sentence its state is kept. In reverse, padding comes first, so the state stays at the initial one until the
 * sentence starts.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import type { Algebra, Cell } from '../../cells/index.js';
import type { GraphBuilder } from './builder.js';
import { BOOL, FLOAT } from './proto.js';

/** Input of a layer. */
export interface Sequence {
  /** `[T, B, D]` */
  readonly x: string;
  /** `[T, B, 1]`, whether the sentence has a token at this position. */
  readonly mask: string;
}

/** The output of one direction, `[T, B, H]`. @param path of its parameters, `layers.0.forward` */
export function scanLayer(
  builder: GraphBuilder,
  cell: Cell,
  own: TensorRecord,
  { x, mask }: Sequence,
  { path, reverse }: { readonly path: string; readonly reverse: boolean },
): string {
  const [D, H] = [own.Wx.shape[0], own.Wh.shape[0]];
  const body = builder.inner();
  const weights = Object.fromEntries(
    Object.entries(own).map(([name, tensor]) => [name, builder.weight(`${path}.${name}`, tensor)]),
  );
  const at = (name: string): string => `${path}.step.${name}`;
  const state = (name: string) => ({ name, type: FLOAT, shape: ['batch', H] as const });
  const prev = Object.fromEntries(cell.states.map((name) => [name, body.input(state(at(`${name}.before`)))]));
  const row = body.input({ name: at('row'), type: FLOAT, shape: ['batch', D] });
  const here = body.input({ name: at('here'), type: BOOL, shape: ['batch', 1] });
  const next = cell.equations!(algebraOf(body), weights, row, prev, H);
  for (const name of cell.states) {
    body.add('Where', [here, next[name], prev[name]], {}, at(name));
    body.output(state(at(name)));
  }
  body.add('Identity', [at('h')], {}, at('output'));
  body.output(state(at('output')));
  const initial = cell.states.map((name) => initialState(builder, x, H, own[`${name}0`] && weights[`${name}0`]));
  const way = reverse ? 1 : 0;
  const outputs = builder.addMany('Scan', [...initial, x, mask], cell.states.length + 1, {
    body: { graph: body.graph(`${path}.step`) },
    num_scan_inputs: 2,
    ...{ scan_input_directions: [way, way], scan_output_directions: [way] },
  });
  return outputs[cell.states.length];
}

/** `[B, H]`: the learned state in every row, or zeros. */
function initialState(builder: GraphBuilder, x: string, H: number, learned?: string): string {
  const size = builder.add('Shape', [x]);
  const batch = builder.add('Slice', [size, builder.integers([1]), builder.integers([2])]);
  const shape = builder.add('Concat', [batch, builder.integers([H])], { axis: 0 });
  return builder.add('Expand', [learned ?? builder.scalar(0), shape]);
}

/** Operations on named values, each a node of the graph. */
function algebraOf(body: GraphBuilder): Algebra<string> {
  const part = (x: string, axis: number, start: number, count: number): string => {
    const [from, to, axes] = [[start], [start + count], [axis]].map((each) => body.integers(each));
    return body.add('Slice', [x, from, to, axes]);
  };
  return {
    matmul: (a, b) => body.add('MatMul', [a, b]),
    add: (a, b) => body.add('Add', [a, b]),
    sub: (a, b) => body.add('Sub', [a, b]),
    mul: (a, b) => body.add('Mul', [a, b]),
    scale: (x, factor) => body.add('Mul', [x, body.scalar(factor)]),
    shift: (x, summand) => body.add('Add', [x, body.scalar(summand)]),
    exp: (x) => body.add('Exp', [x]),
    log: (x) => body.add('Log', [x]),
    reciprocal: (x) => body.add('Reciprocal', [x]),
    rowMean: (x) => body.add('ReduceMean', [x], { axes: [-1], keepdims: 1 }),
    step: (x) => body.add('Cast', [body.add('GreaterOrEqual', [x, body.scalar(0)])], { to: FLOAT }),
    oneMinus: (x) => body.add('Sub', [body.scalar(1), x]),
    sigmoid: (x) => body.add('Sigmoid', [x]),
    tanh: (x) => body.add('Tanh', [x]),
    relu: (x) => body.add('Relu', [x]),
    name: (_symbol, x) => x,
    sliceColumns: (x, start, count) => part(x, -1, start, count),
    sliceRows: (x, start, count) => part(x, 0, start, count),
  };
}
