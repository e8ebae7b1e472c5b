/**
 * What a gradient is made of: A[m,k], what loss m contributes to the gradient of a parameter through its use at word k. Each
 * addend is formed by the product that forms the gradient, over a single row.
 *
 *   dP = Σ_m Σ_k A[m,k]
 */
import { at, before } from '../autograd/layout.js';
import type { TensorRecord } from '../autograd/grads.js';
import type { Tensor } from '../tensor/types.js';
import { columns } from '../tensor/view.js';
import type { Direction } from './directions.js';
import { directionsOf, prefixOf, stepOf, unwoundOf } from './directions.js';
import { seedOf } from './losses.js';
import { asRow, rowOf, zerosOf } from './numbers.js';
import type { Returned, Study } from './study.js';
import { headGradients } from './study.js';
import type { DirectionName, LossTrace } from './trace.js';

/** Elements `offset, offset + 1, …` of a gradient, row-major; the rest of the addend is zero. */
export interface Addend {
  readonly offset: number;
  readonly values: ArrayLike<number>;
}

/** The addends of one parameter. */
export interface Addends {
  /** Dotted name. */
  readonly param: string;
  readonly layer: number | null;
  readonly direction: DirectionName | null;
  /** Gates whose columns stand side by side in it; none where it has no such columns. */
  readonly gates: readonly string[];
  readonly shape: readonly number[];
  /** What loss m contributes through word k; null where it cannot. What it returns lives until the next call. */
  of(m: number, k: number): Addend | null;
}

/** Addends of every parameter of a model. */
export function addendsOf(study: Study, losses: readonly LossTrace[], passes: readonly Returned[]): Addends[] {
  return [
    ...directionsOf(study).flatMap((direction) => ofDirection(study, direction, passes)),
    ...ofHead(study, losses),
    ...ofEncoders(study, passes),
  ];
}

function ofDirection(study: Study, direction: Direction, passes: readonly Returned[]): Addends[] {
  const { unrolled, layer, name } = direction;
  const { cell, params } = unrolled;
  const scratch = zerosOf(params);
  const addend = { Wx: outerOf(direction, passes), b: sumOf(direction, passes) } as Partial<
    Record<string, Addends['of']>
  >;
  return Object.entries(params).map(([param, { shape }]): Addends => ({
    param: `${prefixOf(direction)}.${param}`,
    layer,
    direction: name,
    gates: shape[shape.length - 1] === cell.gates * direction.hidden && cell.gates > 1 ? cell.gateNames : [],
    shape,
    of: addend[param] ?? recurrentOf(study, direction, passes, scratch, param),
  }));
}

const daAt = (direction: Direction, passes: readonly Returned[], m: number, k: number): Tensor =>
  asRow(unwoundOf(direction, passes[m]).stepGrads.da, stepOf(direction, k));

/** dWx: xᵀ·da of one row. */
function outerOf(direction: Direction, passes: readonly Returned[]): Addends['of'] {
  const { x, params } = direction.unrolled;
  const [D, W] = params.Wx.shape;
  const values = new Float64Array(D * W);
  return (m, k) => {
    const row = rowOf(x, stepOf(direction, k));
    const { data } = daAt(direction, passes, m, k);
    for (let i = 0; i < D; i++) for (let j = 0; j < W; j++) values[i * W + j] = row[i] * data[j];
    return { offset: 0, values };
  };
}

/** db: da of one row. */
function sumOf(direction: Direction, passes: readonly Returned[]): Addends['of'] {
  return (m, k) => ({ offset: 0, values: daAt(direction, passes, m, k).data });
}

/** dWh and its kin by the cell's own products over one row; a learned initial state is used by the first step alone. */
function recurrentOf(
  { kernels }: Study,
  direction: Direction,
  passes: readonly Returned[],
  scratch: TensorRecord,
  param: string,
): Addends['of'] {
  const { cell, packing, states, saved } = direction.unrolled;
  const initial = cell.states.find((state) => param === `${state}0`);
  return (m, k) => {
    const s = stepOf(direction, k);
    const { stepGrads, dInitial } = unwoundOf(direction, passes[m]);
    if (initial !== undefined) {
      return s === 0 ? { offset: 0, values: rowOf((dInitial as Readonly<Record<string, Tensor>>)[initial], 0) } : null;
    }
    for (const [name, { data }] of Object.entries(scratch)) if (name !== 'Wx' && name !== 'b') data.fill(0);
    cell.weightGradients(
      kernels,
      before(states, packing, s).h,
      at({ ...saved, ...stepGrads }, packing, s),
      scratch as never,
    );
    return { offset: 0, values: scratch[param].data };
  };
}

/** The head's weights are used where its loss is: at that word, or, for a sentence, after the last. */
function ofHead(study: Study, losses: readonly LossTrace[]): Addends[] {
  const { model, params, head, tokens } = study;
  const { name } = model.config.heads[head];
  const grads = losses.map((_, m) => headGradients(study, seedOf(losses, m)));
  return Object.entries(params.heads[name]).map(([param, { shape }]): Addends => ({
    ...{ param: `heads.${name}.${param}`, layer: null, direction: null, gates: [], shape },
    of: (m, k) => (k === (losses[m].word ?? tokens.length - 1) ? { offset: 0, values: grads[m][param].data } : null),
  }));
}

/** Word vectors: the gradient that arrives at a word, in its row of the table. */
function ofEncoders({ model, params, features, pass }: Study, passes: readonly Returned[]): Addends[] {
  let from = 0;
  return model.network.encoders.flatMap((encoder, i): Addends[] => {
    const { kind, width } = encoder.config;
    const start = from;
    from += width;
    const [name, ...others] = Object.keys(params.encoders[kind]);
    if (encoder.table === undefined || others.length > 0) return []; // one of your own may use a parameter in any way
    const ids = encoder.table.rows(features[i]);
    return [
      {
        ...{ param: `encoders.${kind}.${name}`, layer: null, direction: null, gates: [] },
        shape: [params.encoders[kind][name].shape[0], width],
        of(m, k) {
          const arrived = columns(passes[m].dX, start, width);
          return pass.x.shape[0] > k ? { offset: ids[k] * width, values: rowOf(arrived, k) } : null;
        },
      },
    ];
  });
}
