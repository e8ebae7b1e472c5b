/** Recurrent layers: an ONNX operator if the cell has one, otherwise a Scan (`scan.ts`) for each direction. */
import type { TensorRecord } from '../../autograd/grads.js';
import type { Cell } from '../../cells/index.js';
import { UnsupportedError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import type { GraphBuilder } from './builder.js';
import { toOnnx } from './gates.js';
import type { OperatorPlan } from './operators.js';
import { attributesOf, operatorOf } from './operators.js';
import { scanLayer } from './scan.js';
import type { Sizes } from './sizes.js';

/** Parameters of each direction; `reverse` is present if the layer is bidirectional. */
export interface DirectionParams {
  readonly forward: TensorRecord;
  readonly reverse?: TensorRecord;
}

const directionsOf = ({ forward, reverse }: DirectionParams): TensorRecord[] =>
  reverse ? [forward, reverse] : [forward];

/** Adds the operator; returns its output `[T, dirs, B, H]` and its last states `[dirs, B, H]`. @param lengths int32 `[B]` */
export function operatorLayer(
  builder: GraphBuilder,
  plan: OperatorPlan,
  own: DirectionParams,
  { x, lengths, path }: { readonly x: string; readonly lengths: string; readonly path: string },
): readonly [string, string] {
  const directions = directionsOf(own);
  const H = directions[0].Wh.shape[0];
  const { W, R, B, P } = toOnnx(plan.order, directions);
  const weights = [builder.weight(`${path}.W`, W), builder.weight(`${path}.R`, R), builder.weight(`${path}.B`, B)];
  const peepholes = P ? ['', '', builder.weight(`${path}.P`, P)] : [];
  const inputs = [x, ...weights, lengths, ...peepholes];
  const { operator } = plan.order;
  const [y, h] = builder.addMany(operator, inputs, 2, attributesOf(plan, directions.length, H));
  return [y, h];
}

/**
 * The operator that a cell corresponds to; it must be a built-in cell without zoneout and without a learned initial state. An
 * LSTM with clipping has none: ONNX clips the input of every activation, but ONNX Runtime 1.30 omits the last one, which reads
 * the cell state.
 */
export function planOf(cell: Cell, name: string, own: DirectionParams): OperatorPlan | undefined {
  const zoned = Object.keys(cell.masks ?? {}).length > 0;
  const learned = directionsOf(own).some((params) => cell.states.some((state) => params[`${state}0`]));
  const plan = zoned || learned ? undefined : operatorOf(name);
  return plan?.order.operator === 'LSTM' && plan.attributes.clip !== undefined ? undefined : plan;
}

/** Adds one layer, `[T, B, dirs·H]`. @param name of the cell, as in the configuration */
export function recurrentLayer(
  builder: GraphBuilder,
  cell: Cell,
  name: string | undefined,
  own: DirectionParams,
  { x, sizes, path }: { readonly x: string; readonly sizes: Sizes; readonly path: string },
): string {
  const plan = name === undefined ? undefined : planOf(cell, name, own);
  if (plan !== undefined) {
    const [y] = operatorLayer(builder, plan, own, { x, lengths: sizes.lengths(), path });
    const beside = builder.add('Transpose', [y], { perm: [0, 2, 1, 3] });
    return builder.add('Reshape', [beside, builder.integers([0, 0, -1])]);
  }
  if (cell.equations === undefined) {
    throw new UnsupportedError(
      `onnx: the cell ${quoted(cell.name)} is not an ONNX operator, and has no equations to write its steps from: declare them, see Cell.equations`,
    );
  }
  const both = directionsOf(own).map((params, d) => {
    const place = { path: `${path}.${d === 0 ? 'forward' : 'reverse'}`, reverse: d === 1 };
    return scanLayer(builder, cell, params, { x, mask: sizes.mask() }, place);
  });
  return both.length === 1 ? both[0] : builder.add('Concat', both, { axis: -1 });
}
