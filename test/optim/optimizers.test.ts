import fc from 'fast-check';
import { completeRows } from '../../src/kernels/complete.js';
import { plainRows } from '../../src/kernels/cpu/rows.js';
import { createCpuKernels, type Kernels, type RowKernels } from '../../src/kernels/index.js';
import type { OwnRows } from '../../src/kernels/types.js';
import { createRowSparseGradient, touch } from '../../src/autograd/grads.js';
import { createAdam, createAdamW, createSgd, type Optimizer } from '../../src/optim/index.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf } from '../../src/tensor/view.js';
import golden from '../golden/layers.json';
import { distance, numbers, random, scattered } from '../layers/support.js';

const kernels = createCpuKernels();

fc.configureGlobal({ seed: 13, numRuns: 40 });

type Make = (kernels: Kernels, params: Record<string, Tensor>, options?: Record<string, number | boolean>) => Optimizer;
const makers: Record<string, Make> = { sgd: createSgd, adam: createAdam, adamw: createAdamW };

function tensor(values: readonly number[], shape: readonly number[] = [values.length], dtype: DType = 'float64') {
  const x = allocate(shape, dtype);
  x.data.set(values);
  return x;
}

/** Each variant once, so that every option takes part in the laws below. */
const variants: [string, Record<string, number | boolean>][] = [
  ['sgd', {}],
  ['sgd', { momentum: 0.9, weightDecay: 0.1 }],
  ['sgd', { momentum: 0.9, nesterov: true }],
  ['adam', {}],
  ['adam', { weightDecay: 0.1, beta1: 0.8 }],
  ['adamw', { lr: 0.1 }],
];

test.each(golden.optimizers.map((c) => [`${c.name} ${JSON.stringify(c.options)}`, c] as const))(
  'follows the trajectory of PyTorch: %s',
  (_, c) => {
    const W = tensor(c.start.flat(), [2, 3]);
    const options: Partial<Record<string, number | boolean>> = c.options;
    const optimizer = makers[c.name](kernels, { W }, options as Record<string, number | boolean>);
    c.gradients.forEach((gradient, i) => {
      optimizer.step({ W: tensor(gradient.flat(), [2, 3]) });
      expect(distance(W, c.trajectory[i])).toBeLessThan(1e-14);
    });
    expect(optimizer.name).toBe(c.name);
  },
);

describe('by hand, one number', () => {
  const steps = [0.5, -1, 2];

  function run(optimizer: (params: Record<string, Tensor>) => Optimizer): number[] {
    const x = tensor([1]);
    const made = optimizer({ x });
    return steps.map((g) => {
      made.step({ x: tensor([g]) });
      return x.data[0];
    });
  }

  test('SGD with momentum 0.5, rate 0.1, decay 0.2', () => {
    // g = 0.7, u = 0.7;  g = −1 + 0.186, u = 0.35 − 0.814;  g = 2 + 0.19528, u = −0.232 + 2.19528
    const expected = [0.93, 0.93 + 0.0464, 0.9764 - 0.196328];
    expect(
      distance(
        run((p) => createSgd(kernels, p, { lr: 0.1, momentum: 0.5, weightDecay: 0.2 })),
        expected,
      ),
    ).toBeLessThan(1e-15);
  });

  test.each([
    ['Adam', createAdam, 0.3, 0],
    ['AdamW', createAdamW, 0, 0.3],
  ] as const)('%s from its algorithm', (_, create, l2, decoupled) => {
    const [lr, beta1, beta2, epsilon] = [0.1, 0.8, 0.9, 0.01];
    let [theta, m, v] = [1, 0, 0];
    const expected = steps.map((gradient, i) => {
      const g = gradient + l2 * theta;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g ** 2;
      const mHat = m / (1 - beta1 ** (i + 1));
      const vHat = v / (1 - beta2 ** (i + 1));
      theta = theta - lr * decoupled * theta - (lr * mHat) / (Math.sqrt(vHat) + epsilon);
      return theta;
    });
    expect(
      distance(
        run((p) => create(kernels, p, { lr, beta1, beta2, epsilon, weightDecay: 0.3 })),
        expected,
      ),
    ).toBeLessThan(1e-14);
  });

  test('coupled and decoupled decay are not the same thing', () => {
    const options = { lr: 0.1, weightDecay: 0.3 };
    const [adam, adamw] = [run((p) => createAdam(kernels, p, options)), run((p) => createAdamW(kernels, p, options))];
    expect(distance(adam, adamw)).toBeGreaterThan(1e-3);
    expect(
      distance(
        run((p) => createAdam(kernels, p)),
        run((p) => createAdamW(kernels, p, { weightDecay: 0 })),
      ),
    ).toBe(0);
  });

  test('the first step of Adam has the size of the rate, whatever the size of the gradient', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), fc.boolean(), (size, negative) => {
        const x = tensor([0]);
        createAdam(kernels, { x }, { lr: 0.25 }).step({ x: tensor([negative ? -size : size]) });
        expect(Math.abs(x.data[0] - (negative ? 0.25 : -0.25))).toBeLessThan(0.25 * (1e-8 / size) * 1.01 + 1e-15);
      }),
    );
  });
});

describe.each(variants)('%s %j', (name, options) => {
  const make: Make = (on, params, more = {}) => makers[name](on, params, { ...options, ...more });

  test.each(['float32', 'float64'] as const)('a quadratic in %s gets smaller', (dtype) => {
    const x = tensor([3, -2, 1], [3], dtype);
    const optimizer = make(kernels, { x }, { lr: 0.05 });
    for (let i = 0; i < 200; i++) optimizer.step({ x: tensor(numbers(x), [3], dtype) });
    expect(Math.max(...numbers(x).map(Math.abs))).toBeLessThan(0.1);
  });

  test('float32 follows float64 within the rounding of its stores', () => {
    const [wide, single] = (['float64', 'float32'] as const).map((dtype) => {
      const W = random([3, 4], createRng(1), dtype);
      const optimizer = make(kernels, { W }, { lr: 0.01 });
      const rng = createRng(2);
      for (let i = 0; i < 5; i++) optimizer.step({ W: random([3, 4], rng, dtype) });
      return W;
    });
    // Five stores of numbers below 4, and updates of at most 0.05 each from gradients and moments rounded to 2⁻²⁴.
    expect(distance(wide, single)).toBeLessThan(5 * 4 * 2 ** -24 * 2);
  });

  test('views with any strides and any rank are updated like plain tensors', () => {
    const start = random([4, 3], createRng(3));
    const gradient = random([4, 3], createRng(4));
    const cube = { ...random([2, 3, 2], createRng(3)), data: start.data.slice(), stride: [1, 2, 6] };
    const params = { plain: tensor(numbers(start), [4, 3]), view: scattered(start), cube, scalar: tensor([0.5], []) };
    const cubeGradient = { ...cube, data: gradient.data.slice() };
    const grads = { plain: gradient, view: scattered(gradient), cube: cubeGradient, scalar: tensor([2], []) };
    const optimizer = make(kernels, params);
    for (let i = 0; i < 3; i++) optimizer.step(grads);
    expect(numbers(params.view)).toEqual(numbers(params.plain));
    expect([...cube.data]).toEqual(numbers(params.plain));
    expect(numbers(params.scalar)[0]).toBeLessThan(0.5);
  });

  test('a parameter, its gradient and its moments may each lie in memory as they like', () => {
    const start = random([4, 3], createRng(3));
    const vector = random([5, 1], createRng(3));
    const column = (x: Tensor): Tensor => {
      const { data, stride, offset } = scattered(x);
      return { data, shape: [x.shape[0]], stride: [stride[0]], offset };
    };
    const wide = (x: Tensor): Tensor => tensor(numbers(x), [x.shape[0]]);
    const params = {
      plain: tensor(numbers(start), [4, 3]),
      view: scattered(start),
      spoiled: tensor(numbers(start), [4, 3]),
      flat: wide(vector),
      spaced: column(vector),
      even: wide(vector),
    };
    const optimizer = make(kernels, params);
    for (let i = 0; i < 3; i++) {
      const gradient = random([4, 3], createRng(40 + i));
      const slope = random([5, 1], createRng(50 + i));
      optimizer.step({
        plain: gradient,
        view: gradient,
        spoiled: scattered(gradient),
        flat: wide(slope),
        spaced: wide(slope),
        even: column(slope),
      });
    }
    expect(numbers(params.view)).toEqual(numbers(params.plain));
    expect(numbers(params.spoiled)).toEqual(numbers(params.plain));
    expect(numbers(params.spaced)).toEqual(numbers(params.flat));
    expect(numbers(params.even)).toEqual(numbers(params.flat));
  });

  test('lazy, too: rows of a parameter that is a view', () => {
    const start = random([4, 3], createRng(3));
    const [plain, view] = [tensor(numbers(start), [4, 3]), scattered(start)];
    const optimizer = make(kernels, { plain, view }, { lazy: true });
    for (const list of [[2, 0], [3], [0, 2]]) {
      const g = createRowSparseGradient(4, 3, 'float64');
      for (const row of list) {
        touch(g, row);
        for (let e = 0; e < 3; e++) g.data[3 * row + e] = row - 0.4 * e;
      }
      optimizer.step({ plain: g, view: g });
    }
    expect(numbers(plain)).not.toEqual(numbers(start));
    expect(numbers(view)).toEqual(numbers(plain));
  });

  test('gradients are left as they were', () => {
    const W = random([2, 2], createRng(5));
    const gradient = random([2, 2], createRng(6));
    const before = numbers(gradient);
    make(kernels, { W }).step({ W: gradient });
    expect(numbers(gradient)).toEqual(before);
  });

  test('a rate given to one step replaces the own rate; 0 is 0', () => {
    const [own, given] = [random([3], createRng(7)), random([3], createRng(7))];
    const gradient = { x: random([3], createRng(8)) };
    make(kernels, { x: own }, { lr: 0.02 }).step(gradient);
    make(kernels, { x: given }, { lr: 0.5 }).step(gradient, 0.02);
    expect(numbers(given)).toEqual(numbers(own));
    make(kernels, { x: own }).step(gradient, 0);
    expect(numbers(own)).toEqual(numbers(given));
  });

  test('saved and restored, training goes on bit for bit', () => {
    const gradients = Array.from({ length: 6 }, (_, i) => ({
      'a.W': random([2, 3], createRng(20 + i)),
      b: random([4], createRng(30 + i)),
    }));
    const params = { 'a.W': random([2, 3], createRng(9)), b: random([4], createRng(10)) };
    const optimizer = make(kernels, params);
    gradients.slice(0, 3).forEach((g) => optimizer.step(g));
    const state = optimizer.state();
    const copies = { 'a.W': tensor(numbers(params['a.W']), [2, 3]), b: tensor(numbers(params.b)) };
    gradients.slice(3).forEach((g) => optimizer.step(g));

    const resumed = make(kernels, copies);
    resumed.restore(state);
    gradients.slice(3).forEach((g) => resumed.step(g));
    expect([numbers(copies['a.W']), numbers(copies.b)]).toEqual([numbers(params['a.W']), numbers(params.b)]);
    expect(state.step).toBe(3);
    expect(resumed.state()).toEqual(optimizer.state());
  });

  /** Three updates from random gradients; `touched` lists the rows of each. */
  function train(lazy: boolean | undefined, touched: readonly (readonly number[])[]): Tensor {
    const W = random([4, 3], createRng(11));
    const optimizer = make(kernels, { W }, lazy === undefined ? {} : { lazy });
    const rng = createRng(12);
    for (const list of touched) {
      const g = createRowSparseGradient(4, 3, 'float64');
      for (const row of list) {
        touch(g, row);
        for (let e = 0; e < 3; e++) g.data[3 * row + e] = rng.normal();
      }
      optimizer.step({ W: g });
    }
    return W;
  }

  test('lazy equals dense, bit for bit, when every row is touched every time', () => {
    const all = [
      [0, 1, 2, 3],
      [2, 0, 3, 1],
      [3, 2, 1, 0],
    ];
    expect(numbers(train(true, all))).toEqual(numbers(train(false, all)));
  });

  test('lazy leaves an untouched row alone; dense goes on moving it unless it has no memory', () => {
    const touched = [[0, 1], [1], [1]];
    const start = random([4, 3], createRng(11));
    const once = train(true, touched.slice(0, 1));
    const [lazy, dense] = [train(true, touched), train(false, touched)];
    const row = (x: Tensor, i: number) => numbers(x).slice(3 * i, 3 * i + 3);
    expect(row(lazy, 0)).toEqual(row(once, 0));
    expect(row(lazy, 3)).toEqual(row(start, 3));
    expect(row(dense, 1)).toEqual(row(lazy, 1));
    const remembers = name !== 'sgd' || options.momentum !== undefined;
    expect(distance(row(dense, 0), row(lazy, 0)) > 0).toBe(remembers);
    const decays = name === 'adamw' || options.weightDecay !== undefined;
    expect(distance(row(dense, 3), row(start, 3)) > 0).toBe(decays);
  });

  test('dense is the default', () => {
    const touched = [[0, 1], [1], [1]];
    expect(numbers(train(undefined, touched))).toEqual(numbers(train(false, touched)));
  });

  test('its tensors are the moments themselves', () => {
    const params = { W: random([2, 3], createRng(5)), b: random([3], createRng(6)) };
    const optimizer = make(kernels, params);
    const { tensors } = optimizer.state();
    expect(optimizer.tensors.map(({ shape }) => shape)).toEqual(Object.values(tensors).map(({ shape }) => shape));
    optimizer.step({ W: random([2, 3], createRng(7)), b: random([3], createRng(8)) });
    expect(optimizer.tensors.map(numbers)).toEqual(Object.values(optimizer.state().tensors).map(numbers));
    for (const moment of optimizer.tensors) expect(numbers(moment).every((v) => v !== 0)).toBe(true);
  });

  test('a state is restored from views, and from the start; nothing around a moment is written', () => {
    const start = () => ({ W: random([2, 3], createRng(5)), b: random([1, 4], createRng(6)) });
    const flat = ({ W, b }: ReturnType<typeof start>) => ({ W, b: tensor(numbers(b)) });
    const gradient = { W: random([2, 3], createRng(7)), b: tensor([1, -2, 3, -4]) };
    const optimizer = make(kernels, flat(start()));
    const fresh = optimizer.state();
    optimizer.step(gradient);
    const saved = optimizer.state();
    const views = Object.entries(saved.tensors).map(([name, x]) => {
      const { shape } = x;
      const view = scattered({ ...x, shape: shape.length === 2 ? shape : [1, ...shape], stride: [shape[1] ?? 0, 1] });
      return [name, shape.length === 2 ? view : { ...view, shape, stride: view.stride.slice(1) }];
    });
    const other = make(kernels, flat(start()));
    const around = other.tensors.map((moment) => {
      // As where a backend has taken them into its memory: other numbers follow.
      const data = new Float64Array(moment.data.length + 3).fill(7);
      Object.assign(moment, { data, offset: 1 });
      return data;
    });
    other.restore({ step: 1, tensors: Object.fromEntries(views) });
    expect(other.tensors.map(numbers)).toEqual(optimizer.tensors.map(numbers));
    for (const data of around) expect([data[0], ...data.slice(-2)]).toEqual([7, 7, 7]);
    optimizer.restore(fresh);
    expect(optimizer.state()).toEqual(fresh);
  });

  test('lazy on a gradient without a list of rows is dense', () => {
    const run = (lazy: boolean) => {
      const W = random([4, 3], createRng(14));
      const optimizer = make(kernels, { W }, { lazy });
      for (let i = 0; i < 3; i++) optimizer.step({ W: random([4, 3], createRng(15 + i)) });
      return numbers(W);
    };
    expect(run(true)).toEqual(run(false));
  });
});

test('lazy Adam corrects the bias by the count of all updates, not by that of the row', () => {
  const W = tensor([0, 0], [2, 1]);
  const optimizer = createAdam(kernels, { W }, { lr: 0.1, beta1: 0.5, beta2: 0.5, lazy: true });
  for (const row of [0, 0, 1]) {
    const g = createRowSparseGradient(2, 1, 'float64');
    touch(g, row);
    g.data[row] = 1;
    optimizer.step({ W: g });
  }
  // Row 1 at t = 3: m = v = 0.5, both divided by 1 − 0.5³.
  const corrected = 0.5 / 0.875;
  expect(Math.abs(W.data[1] + (0.1 * corrected) / Math.sqrt(corrected))).toBeLessThan(1e-8);
});

describe('Adam on a backend', () => {
  /** A backend that notes what it is asked to update, and says whether it did. */
  function backend(answer: boolean) {
    const asked: (readonly number[] | undefined)[] = [];
    const adam = (...[, , , , , rows]: Parameters<RowKernels['adam']>): boolean => {
      asked.push(rows && [...rows]);
      return answer;
    };
    return { asked, on: { ...kernels, rows: completeRows({ ...plainRows, adam } as unknown as OwnRows) } };
  }

  function run(on: Kernels, lazy = false): number[] {
    const W = random([4, 3], createRng(14));
    const optimizer = createAdam(on, { W }, { lazy });
    const g = createRowSparseGradient(4, 3, 'float64');
    for (const row of [2, 0]) touch(g, row);
    g.data.fill(0.5, 6, 9);
    optimizer.step({ W: g });
    return numbers(W);
  }

  test('the backend updates the whole parameter, or the touched rows', () => {
    const { asked, on } = backend(true);
    const start = numbers(random([4, 3], createRng(14)));
    expect(run(on)).toEqual(start);
    expect(run(on, true)).toEqual(start);
    expect(asked).toEqual([undefined, [2, 0]]);
  });

  test('where it declines, the plain loop does', () => {
    for (const lazy of [false, true]) {
      expect(run(backend(false).on, lazy)).toEqual(run(kernels, lazy));
    }
  });
});

test('a state is a copy with readable names, of the types of the parameters', () => {
  const params = { 'output.W': random([2, 3], createRng(1), 'float32'), b: random([3], createRng(2)) };
  const optimizer = createAdam(kernels, params);
  const zero = optimizer.state();
  optimizer.step({ 'output.W': random([2, 3], createRng(3), 'float32'), b: random([3], createRng(4)) });
  const { step, tensors } = optimizer.state();
  expect(step).toBe(1);
  expect(Object.keys(tensors)).toEqual(['m.output.W', 'v.output.W', 'm.b', 'v.b']);
  expect([tensors['v.output.W'].shape, dtypeOf(tensors['v.output.W'].data)]).toEqual([[2, 3], 'float32']);
  expect(dtypeOf(tensors['m.b'].data)).toBe('float64');
  expect(numbers(zero.tensors['m.b'])).toEqual([0, 0, 0]);
  expect(Object.keys(createSgd(kernels, params).state().tensors)).toEqual([]);
  expect(Object.keys(createSgd(kernels, params, { momentum: 0.5 }).state().tensors)).toEqual([
    'velocity.output.W',
    'velocity.b',
  ]);
});

test.each([
  ['adam', (on: Kernels, params: Record<string, Tensor>) => createAdam(on, params, { lazy: true, weightDecay: 0.1 })],
  ['sgd', (on: Kernels, params: Record<string, Tensor>) => createSgd(on, params, { lazy: true, momentum: 0.7 })],
])('%s: rows updated one part after the other are rows updated at once', (_name, create) => {
  const start = () => ({
    W: random([5, 3], createRng(1)),
    b: random([4], createRng(2)),
    e: random([6, 2], createRng(3)),
  });
  const gradients = (seed: number) => {
    const e = createRowSparseGradient(6, 2, 'float64');
    for (const row of [4, 1, 5]) touch(e, row);
    for (const row of [4, 1, 5]) for (const i of [0, 1]) e.data[2 * row + i] = seed + row - i;
    return { W: random([5, 3], createRng(seed)), b: random([4], createRng(seed + 1)), e };
  };
  const rows = (...list: number[]) => Int32Array.from(list);
  const [whole, parts] = [start(), start()];
  const one = create(kernels, whole);
  const two = [0, 1].map(() => create(kernels, parts));
  for (const seed of [11, 12, 13]) {
    one.step(gradients(seed), 0.1);
    two[0].step(gradients(seed), 0.1, { W: rows(0, 1, 2), e: rows(4) });
    two[1].step(gradients(seed), 0.1, { W: rows(3, 4), b: rows(), e: rows(1, 5) });
  }
  for (const name of ['W', 'b', 'e'] as const) expect(numbers(parts[name])).toEqual(numbers(whole[name]));
  expect(numbers(parts.e).slice(0, 2)).toEqual(numbers(start().e).slice(0, 2)); // an untouched row
});

test('a parameter that the optimizer does not own stays frozen', () => {
  const [W, frozen] = [random([2], createRng(1)), random([2], createRng(2))];
  const before = numbers(frozen);
  createSgd(kernels, { W }).step({ W: random([2], createRng(3)), frozen: random([2], createRng(4)) });
  expect(numbers(frozen)).toEqual(before);
});

describe('what does not fit is refused by name', () => {
  const x = () => random([2, 3], createRng(1));

  test('options', () => {
    expect(() => createSgd(kernels, { x: x() }, { lr: NaN })).toThrow(ArgumentError);
    expect(() => createSgd(kernels, { x: x() }, { lr: -1 })).toThrow(
      'sgd: lr must be a finite number of at least 0; got -1',
    );
    expect(() => createSgd(kernels, { x: x() }, { momentum: 1 })).toThrow(/momentum/);
    expect(() => createSgd(kernels, { x: x() }, { weightDecay: -1 })).toThrow(/weightDecay/);
    expect(() => createSgd(kernels, { x: x() }, { nesterov: true })).toThrow(/nesterov needs a momentum/);
    expect(() => createAdam(kernels, { x: x() }, { beta1: 1 })).toThrow(/beta1/);
    expect(() => createAdam(kernels, { x: x() }, { beta2: -0.1 })).toThrow(/beta2/);
    expect(() => createAdam(kernels, { x: x() }, { epsilon: 0 })).toThrow(/epsilon/);
    expect(() => createAdam(kernels, { x: x() }, { weightDecay: Infinity })).toThrow(/adam: weightDecay/);
    expect(() => createAdamW(kernels, { x: x() }, { weightDecay: -1 })).toThrow(/adamw: weightDecay/);
  });

  test.each(Object.keys(makers))('%s: gradients and rates', (name) => {
    const params = { x: x(), y: x() };
    const before = numbers(params.x);
    const optimizer = makers[name](kernels, params);
    expect(() => optimizer.step({ x: x() })).toThrow("the gradient of 'y' is missing");
    expect(() => optimizer.step({ x: x(), y: random([3, 2], createRng(1)) })).toThrow(ShapeError);
    expect(() => optimizer.step({ x: x(), y: random([2, 3], createRng(1), 'float32') })).toThrow(
      "the gradient of 'y' must be float64 [2, 3], like its parameter; got float32 [2, 3]",
    );
    expect(() => optimizer.step({ x: x(), y: x() }, NaN)).toThrow(ArgumentError);
    expect(numbers(params.x)).toEqual(before);
    expect(optimizer.state().step).toBe(0);
  });

  test('states, without half of one being restored', () => {
    const optimizer = createAdam(kernels, { x: x() });
    const empty = optimizer.state();
    optimizer.step({ x: x() });
    const kept = optimizer.state();
    const { 'm.x': m } = empty.tensors;
    expect(() => optimizer.restore({ step: -1, tensors: empty.tensors })).toThrow(ArgumentError);
    expect(() => optimizer.restore({ step: 1, tensors: { 'm.x': m } })).toThrow("'v.x' is missing");
    expect(() => optimizer.restore({ step: 1, tensors: { ...empty.tensors, 'm.z': m } })).toThrow(
      /'m.z' is not a parameter/,
    );
    const wrong = { 'm.x': m, 'v.x': random([3, 2], createRng(1)) };
    expect(() => optimizer.restore({ step: 1, tensors: wrong })).toThrow(ShapeError);
    expect(optimizer.state()).toEqual(kept);
  });
});
