/**
 * The addends of a gradient: A[m,k] is the contribution of loss m to the gradient of a parameter through its use at word k.
 *
 *   dP = Σ_m Σ_k A[m,k]
 *
 * A weight matrix adds an outer product per use: A[m,k] = u_k ⊗ v[m,k], with u_k from the forward pass and v[m,k] from the
 * backward pass, in blocks of columns that can each have their own u_k. Its norm and its products with dP follow from the two
 * vectors. If a custom cell computes a weight gradient differently, each addend is formed by the cell's own products over a
 * single row.
 */
import { at, before } from '../autograd/layout.js';
import type { TensorRecord } from '../autograd/grads.js';
import type { Tensor } from '../tensor/types.js';
import { columns, sizeOf } from '../tensor/view.js';
import type { Direction } from './directions.js';
import { directionsOf, prefixOf, stepOf, unwoundOf } from './directions.js';
import type { Factoring } from './factoring.js';
import { factoringOf } from './factoring.js';
import { seedOf } from './losses.js';
import { asRow, rowOf, zerosOf } from './numbers.js';
import type { SeedBatch } from './seeds.js';
import { readRow, seedsIn } from './seeds.js';
import type { Returned, Study } from './study.js';
import { headGradients } from './study.js';
import type { DirectionName, LossTrace } from './trace.js';

/** The forward half of an addend: u_k. */
export interface Use {
  /** The first row of the parameter that is used. */
  readonly row: number;
  /** u_k by block of columns, one number per used row. Blocks are adjacent and have equal widths. */
  readonly left: readonly ArrayLike<number>[];
}

/** The addends of one parameter. */
export interface Addends {
  /** Dotted name. */
  readonly param: string;
  readonly layer: number | null;
  readonly direction: DirectionName | null;
  /** Gates whose columns are adjacent in it; empty if it has no such columns. */
  readonly gates: readonly string[];
  readonly shape: readonly number[];
  /** How the addends are computed. */
  readonly parts: Factors | Whole;
}

/** Addends as outer products. */
export interface Factors {
  readonly kind: 'factors';
  /** u_k; null if the parameter is not used at word k. */
  use(k: number): Use | null;
  /** v[m,k] for loss `batch.from + b`, one number per column. */
  read(batch: SeedBatch, b: number, k: number, into: Float64Array): void;
  /** The same for all losses together. */
  readAll(returned: Returned, k: number, into: Float64Array): void;
}

/** Explicitly formed addends, row-major. The result is valid until the next call; null if there is none. */
export interface Whole {
  readonly kind: 'whole';
  of(batch: SeedBatch, b: number, k: number): ArrayLike<number> | null;
  ofAll(returned: Returned, k: number): ArrayLike<number> | null;
}

/** Addends of every parameter of a model. */
export function addendsOf(study: Study, losses: readonly LossTrace[]): Addends[] {
  return [
    ...directionsOf(study).flatMap((direction) => ofDirection(study, direction)),
    ...ofHead(study, losses),
    ...ofEncoders(study),
  ];
}

/** Rows and columns of a parameter; a vector is one row. */
export const gridOf = ({ shape }: Pick<Addends, 'shape'>): readonly [number, number] =>
  shape.length === 1 ? [1, shape[0]] : [shape[0], shape[1]];

const ONE = [1];

function ofDirection(study: Study, direction: Direction): Addends[] {
  const { unrolled, layer, name, hidden } = direction;
  const { cell, params, x } = unrolled;
  const da = stepGradient(direction, 'da');
  const known: Partial<Record<string, Addends['parts']>> = {
    Wx: { kind: 'factors', use: remembered((k) => ({ row: 0, left: [rowOf(x, stepOf(direction, k))] })), ...da },
    b: { kind: 'factors', use: () => ({ row: 0, left: [ONE] }), ...da },
    ...Object.fromEntries(cell.states.map((state) => [`${state}0`, ofInitial(direction, state)])),
  };
  return Object.entries(params).map(([param, { shape }]): Addends => ({
    param: `${prefixOf(direction)}.${param}`,
    layer,
    direction: name,
    gates: shape[shape.length - 1] === cell.gates * hidden && cell.gates > 1 ? cell.gateNames : [],
    shape,
    parts: known[param] ?? recurrentOf(study, direction, param),
  }));
}

/** A result of the backward steps, by name, as the backward half of an addend. */
function stepGradient(direction: Direction, tensor: string): Pick<Factors, 'read' | 'readAll'> {
  return {
    read(batch, b, k, into) {
      readRow(seedsIn(batch, direction).stepGrads[tensor], stepOf(direction, k) * batch.count + b, into);
    },
    readAll: (returned, k, into) =>
      readRow(unwoundOf(direction, returned).stepGrads[tensor], stepOf(direction, k), into),
  };
}

/** A learned initial state is used only by the first step. */
function ofInitial(direction: Direction, state: string): Factors {
  const of = (record: object): Tensor => (record as Readonly<Record<string, Tensor>>)[state];
  return {
    kind: 'factors',
    use: (k) => (stepOf(direction, k) === 0 ? { row: 0, left: [ONE] } : null),
    read: (batch, b, _k, into) => readRow(of(seedsIn(batch, direction).dInitial), b, into),
    readAll: (returned, _k, into) => readRow(of(unwoundOf(direction, returned).dInitial), 0, into),
  };
}

/** dWh and similar gradients: as outer products if a trial shows that they are, else by the cell's own products. */
function recurrentOf(study: Study, direction: Direction, param: string): Addends['parts'] {
  const factoring = factoringOf(study.kernels, direction.unrolled, param);
  return factoring === null ? formedBy(study, direction, param) : factored(direction, factoring);
}

function factored(direction: Direction, blocks: Factoring): Factors {
  const { packing, states, saved, y } = direction.unrolled;
  const H = y.shape[1];
  const tensors = saved as Readonly<Record<string, Tensor>>;
  const gather = (row: (tensor: string, from: number, into: Float64Array, start: number) => void, into: Float64Array) =>
    blocks.forEach(({ right }, i) => row(right.tensor, right.block * H, into, i * H));
  return {
    kind: 'factors',
    use: remembered((k) => {
      const s = stepOf(direction, k);
      const left = blocks.map(({ left: from }) => {
        if (from === 'one') return ONE;
        if (from === 'h') return rowOf(before(states, packing, s).h, 0);
        return rowOf(tensors[from.tensor], s, from.block * H, H);
      });
      return { row: 0, left };
    }),
    read(batch, b, k, into) {
      const { stepGrads } = seedsIn(batch, direction);
      const row = stepOf(direction, k) * batch.count + b;
      gather((tensor, from, to, start) => readRow(columns(stepGrads[tensor], from, H), row, to, start), into);
    },
    readAll(returned, k, into) {
      const { stepGrads } = unwoundOf(direction, returned);
      const row = stepOf(direction, k);
      gather((tensor, from, to, start) => readRow(columns(stepGrads[tensor], from, H), row, to, start), into);
    },
  };
}

/** Caches a function of a word. */
function remembered<V>(make: (k: number) => V): (k: number) => V {
  const found: V[] = [];
  return (k) => (found[k] ??= make(k));
}

function formedBy({ kernels }: Study, direction: Direction, param: string): Whole {
  const { cell, packing, states, saved, params } = direction.unrolled;
  const scratch = zerosOf(params) as unknown as TensorRecord;
  const form = (s: number, left: Readonly<Record<string, Tensor>>): ArrayLike<number> => {
    for (const { data } of Object.values(scratch)) data.fill(0);
    const step = { ...at(saved, packing, s), ...left };
    cell.weightGradients(kernels, before(states, packing, s).h, step, scratch as never);
    return scratch[param].data;
  };
  const rowsAt = (record: object, row: number): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(record).map(([name, x]) => [name, asRow(x as Tensor, row)]));
  return {
    kind: 'whole',
    of(batch, b, k) {
      const s = stepOf(direction, k);
      const { stepGrads, steps } = seedsIn(batch, direction);
      return s < steps ? form(s, rowsAt(stepGrads, s * batch.count + b)) : null;
    },
    ofAll(returned, k) {
      const s = stepOf(direction, k);
      return form(s, rowsAt(unwoundOf(direction, returned).stepGrads, s));
    },
  };
}

/** The head's weights are used where its loss is: at that word, or, for a sentence, after the last. */
function ofHead(study: Study, losses: readonly LossTrace[]): Addends[] {
  const { model, params, head, tokens } = study;
  const { name } = model.config.heads[head];
  let last: { readonly m: number; readonly grads: TensorRecord } | undefined;
  const gradients = (m: number): TensorRecord => {
    if (last?.m !== m) last = { m, grads: headGradients(study, seedOf(losses, m)) };
    return last.grads;
  };
  const wordOf = (m: number): number => losses[m].word ?? tokens.length - 1;
  return Object.entries(params.heads[name]).map(([param, { shape }]): Addends => ({
    ...{ param: `heads.${name}.${param}`, layer: null, direction: null, gates: [], shape },
    parts: {
      kind: 'whole',
      of: ({ from }, b, k) => (wordOf(from + b) === k ? gradients(from + b)[param].data : null),
      ofAll(_returned, k) {
        const own = losses.map((_, m) => m).filter((m) => wordOf(m) === k);
        const sum = new Float64Array(sizeOf(shape));
        for (const m of own) gradients(m)[param].data.forEach((each, i) => (sum[i] += each));
        return own.length === 0 ? null : sum;
      },
    },
  }));
}

/** Word vectors: the gradient that arrives at a word belongs to its row of the table. */
function ofEncoders({ network, params, features, tokens }: Study): Addends[] {
  let from = 0;
  return network.encoders.flatMap((encoder, i): Addends[] => {
    const { kind, width } = encoder.config;
    const start = from;
    from += width;
    const [name, ...others] = Object.keys(params.encoders[kind]);
    if (encoder.table === undefined || others.length > 0) return []; // a custom encoder may use a parameter in any way
    const ids = encoder.table.rows(features[i]);
    return [
      {
        ...{ param: `encoders.${kind}.${name}`, layer: null, direction: null, gates: [] },
        shape: [params.encoders[kind][name].shape[0], width],
        parts: {
          kind: 'factors',
          use: (k) => (k < tokens.length ? { row: ids[k], left: [ONE] } : null),
          read: ({ dX, count }, b, k, into) => readRow(columns(dX, start, width), k * count + b, into),
          readAll: ({ dX }, k, into) => readRow(columns(dX, start, width), k, into),
        },
      },
    ];
  });
}
