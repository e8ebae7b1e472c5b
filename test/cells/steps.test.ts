/**
 * Single steps of every cell, whose results other tests prove: what a step promises about the memory it is given. Rows lie anywhere,
 * nothing beside them is touched, and what a backward step leaves does not depend on what stood there: truncated sweeps overlap,
 * so the same rows are swept twice.
 */
import { cells, recurrentDropout, zoneout } from '../../src/cells/index.js';
import type { Cell, Saved, State } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { createRng, normal } from '../../src/tensor/index.js';
import type { Tensor } from '../../src/tensor/index.js';

const kernels = createCpuKernels();
const [B, D, H] = [3, 2, 4];
type Tensors = Record<string, Tensor>;

/** What stands around each matrix: another number each, because a mean of equal numbers, as zoneout takes it, is that number. */
const around = new WeakMap<object, number>();
let guards = -5;

/** A copy of a matrix in the middle of a larger one. */
function inside(x: Tensor): Tensor {
  const [rows, columns] = x.shape;
  const guard = (guards -= 1.5);
  const data = new Float64Array((rows + 2) * (columns + 3)).fill(guard);
  const out = { data, shape: x.shape, stride: [columns + 3, 1], offset: columns + 3 + 2 };
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) data[out.offset + i * out.stride[0] + j] = x.data[i * columns + j];
  }
  around.set(out, guard);
  return out;
}

/** The elements of a matrix, and whether any other was written to. */
function read(x: Tensor): { values: number[][]; spilled: boolean } {
  const [rows, columns] = x.shape;
  const at = (i: number, j: number): number => x.data[x.offset + i * x.stride[0] + j * x.stride[1]];
  const values = Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => at(i, j)));
  const untouched = Array.from(x.data).filter((v) => v === around.get(x)).length;
  return { values, spilled: untouched !== x.data.length - rows * columns };
}

/** One step forward and, twice, backward, in memory that `place` chooses. */
function steps(cell: Cell, place: (x: Tensor) => Tensor, dirt: number) {
  const rng = createRng(9);
  const matrix = (columns: number): Tensor => place(normal([B, columns], 1, rng, 'float64'));
  const filled = (columns: number, value: number): Tensor => {
    const x = normal([B, columns], 1, createRng(1), 'float64');
    x.data.fill(value);
    return place(x);
  };
  const params = cell.initialize(D, H, rng, { dtype: 'float64' });
  const states = (make: () => Tensor): State =>
    Object.fromEntries(cell.states.map((name) => [name, make()])) as unknown as State;
  const [prev, next] = [states(() => matrix(H)), states(() => filled(H, 0))];
  const saved: Tensors = { a: matrix(cell.saved.a * H) };
  for (const [name, width] of Object.entries(cell.saved)) {
    saved[name] ??= cell.masks?.[name] === undefined ? filled(width * H, 0) : matrix(width * H);
  }
  cell.stepForward(kernels, params, prev, saved as Saved, next);
  const after = { next: copies(next), saved: copies(saved) };
  for (const [name, width] of Object.entries(cell.stepGrads)) saved[name] = filled(width * H, dirt);
  const [dNext, dPrev] = [states(() => matrix(H)), states(() => matrix(H))];
  cell.stepBackward(kernels, params, prev, saved as Saved, next, dNext, dPrev);
  return { ...after, swept: copies(saved), dNext: copies(dNext), dPrev: copies(dPrev) };
}

const copies = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, read(x)]));

/** The built-in cells, and those that cells are wrapped in. */
const WRAPPED: readonly [string, Cell][] = [
  ...Object.entries<Cell>(cells),
  ['zoneout', zoneout(cells.lstm, { h: 0.3, c: 0.4 })],
  ['recurrent dropout', recurrentDropout(cells['gru-reset-before'], 0.4)],
];

describe.each(WRAPPED)('a step of %s', (_, cell) => {
  const expected = steps(cell, (x) => x, 0);

  test('takes rows that lie anywhere, and touches nothing beside them', () => {
    expect(steps(cell, inside, 0)).toEqual(expected);
  });

  test('leaves the same whatever stood there before', () => {
    expect(steps(cell, (x) => x, 7)).toEqual(expected);
    expect(steps(cell, inside, -7)).toEqual(expected);
  });
});
