/**
 * A pass over packed sequences by any kernels, and how far one is from another: what the tests of the fused scans compare,
 * in jest and in other engines.
 */
import { packingOf, unroll, unrollBackward } from '../../src/autograd/index';
import type { UnrollOptions, Unrolled, BackwardPass } from '../../src/autograd/index';
import { cells } from '../../src/cells/index';
import type { Cell, CellParams, State } from '../../src/cells/index';
import type { Kernels } from '../../src/kernels/index';
import { createRng } from '../../src/tensor/index';
import type { DType, Tensor } from '../../src/tensor/index';
import { allocate, viewOf } from '../../src/tensor/view';

/** The unit roundoff of float32. */
export const UNIT = 2 ** -24;

/** A cell by name, the lengths of its sequences, and how it starts. */
export interface Scene {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly H: number;
  readonly start?: 'zero' | 'learned' | 'given';
  readonly direction?: 'forward' | 'reverse';
}

export type Tensors = Record<string, Tensor>;

const mapped = (tensors: Readonly<Tensors>, f: (x: Tensor) => Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, f(x)]));

const inType = (dtype: DType) => (x: Tensor) =>
  viewOf(dtype === 'float32' ? Float32Array.from(x.data) : Float64Array.from(x.data), x.shape);

/** Everything a pass over a scene gives: outputs, final states, cache; gradients of all kinds. */
export function pass(kernels: Kernels, dtype: DType, { name, lengths, H, start = 'zero', direction }: Scene): Tensors {
  const D = 6;
  const rng = createRng(31);
  const cell: Cell = cells[name];
  const packing = packingOf(lengths);
  const convert = inType(dtype);
  const random = (...shape: number[]): Tensor => {
    const x = allocate(shape, 'float32');
    x.data.forEach((_, i) => (x.data[i] = rng.normal()));
    return convert(x);
  };
  const wide = cell.initialize(D, H, rng, { dtype: 'float32', learnedInitialState: start === 'learned' });
  const params = mapped(wide as unknown as Tensors, (x) => {
    x.data.forEach((_, i) => (x.data[i] += 0.3 * rng.normal()));
    return convert(x);
  }) as unknown as CellParams;
  const state = () => Object.fromEntries(cell.states.map((s) => [s, random(lengths.length, H)])) as unknown as State;
  const options: UnrollOptions = { direction, initial: start === 'given' ? state() : undefined };
  const [x, dY, dFinal] = [random(packing.total, D), random(packing.total, H), state()];
  const unrolled: Unrolled = unroll(kernels, cell, params, x, packing, options);
  const grads = mapped(params as unknown as Tensors, (p) => allocate(p.shape, dtype));
  const dX = allocate(x.shape, dtype);
  const unwound: BackwardPass = unrollBackward(kernels, unrolled, dY, grads as unknown as CellParams, { dX, dFinal });
  const prefixed = (prefix: string, tensors: object): [string, Tensor][] =>
    Object.entries(tensors as Tensors).map(([n, t]) => [`${prefix}.${n}`, t]);
  return Object.fromEntries([
    ['y', unrolled.y],
    ['dX', dX],
    ...prefixed('final', unrolled.final),
    ...prefixed('states', unrolled.states),
    ...prefixed('saved', unrolled.saved),
    ...prefixed('grads', grads),
    ...prefixed('dStates', unwound.dStates),
    ...prefixed('stepGrads', unwound.stepGrads),
  ]);
}

/** ‖got − want‖ / ‖want‖ of every tensor, in units of the float32 roundoff; the worst, by name. */
export function worst(got: Tensors, want: Tensors): { name: string; units: number } {
  const result = { name: '', units: 0 };
  for (const [name, x] of Object.entries(want)) {
    let [off, size] = [0, 0];
    const [first, last] = [x.offset, x.offset + x.shape.reduce((product, n) => product * n, 1)];
    const shift = got[name].offset - first;
    for (let i = first; i < last; i++) {
      off += (got[name].data[i + shift] - x.data[i]) ** 2;
      size += x.data[i] ** 2;
    }
    const units = size === 0 ? (off === 0 ? 0 : Infinity) : Math.sqrt(off / size) / UNIT;
    if (!(units <= result.units)) Object.assign(result, { name, units });
  }
  return result;
}

/** The roundings of a few steps, and what the recurrence makes of them. */
export const ALLOWED = 24;

/** Lengths, sizes, starts and directions that every cell goes through. */
export const SCENES: readonly Omit<Scene, 'name'>[] = [
  { lengths: [1], H: 1 },
  { lengths: [5], H: 3, start: 'given' },
  { lengths: [3, 5, 2], H: 4, start: 'learned' },
  { lengths: [4, 0, 7, 1, 0], H: 5, start: 'given', direction: 'reverse' },
  { lengths: [2, 2, 2, 2, 2], H: 7, start: 'learned', direction: 'reverse' },
  { lengths: [6, 3, 3, 1], H: 33 },
  { lengths: Array.from({ length: 70 }, (_, i) => 1 + (i % 4)), H: 18, start: 'given' },
];
