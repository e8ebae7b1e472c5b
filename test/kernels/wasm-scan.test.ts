/**
 * The fused scans against the TypeScript scan. The reference runs in float64 from the same float32 numbers: a scan in
 * float32 must come within a small multiple of the unit roundoff of it, in every value and in every gradient.
 */
import { packingOf, unroll, unrollBackward } from '../../src/autograd/index';
import type { UnrollOptions, Unrolled, Unwound } from '../../src/autograd/index';
import { cells } from '../../src/cells/index';
import type { Cell, CellParams, State } from '../../src/cells/index';
import { createCpuKernels, createWasmKernels } from '../../src/kernels/index';
import type { FusedScan, Kernels, ScanTensors, WasmKernels } from '../../src/kernels/index';
import { createRng } from '../../src/tensor/index';
import type { DType, Tensor } from '../../src/tensor/index';
import { allocate, viewOf } from '../../src/tensor/view';
import { relaxedMissing } from '../support/relaxed';

const cpu = createCpuKernels();
const UNIT = 2 ** -24;

interface Scene {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly H: number;
  readonly start?: 'zero' | 'learned' | 'given';
  readonly direction?: 'forward' | 'reverse';
}

type Tensors = Record<string, Tensor>;

const mapped = (tensors: Readonly<Tensors>, f: (x: Tensor) => Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, f(x)]));

const inType = (dtype: DType) => (x: Tensor) =>
  viewOf(dtype === 'float32' ? Float32Array.from(x.data) : Float64Array.from(x.data), x.shape);

/** Everything a pass over a scene gives: outputs, final states, cache; gradients of all kinds. */
function pass(kernels: Kernels, dtype: DType, { name, lengths, H, start = 'zero', direction }: Scene): Tensors {
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
  const unwound: Unwound = unrollBackward(kernels, unrolled, dY, grads as unknown as CellParams, { dX, dFinal });
  const prefixed = (prefix: string, tensors: object): [string, Tensor][] =>
    Object.entries(tensors as Tensors).map(([n, t]) => [`${prefix}.${n}`, t]);
  return Object.fromEntries([
    ['y', unrolled.y],
    ['dX', dX],
    ...prefixed('final', unrolled.final),
    ...prefixed('states', unrolled.states),
    ...prefixed('cache', unrolled.cache),
    ...prefixed('grads', grads),
    ...prefixed('dStates', unwound.dStates),
    ...prefixed('left', unwound.left),
  ]);
}

/** ‖got − want‖ / ‖want‖ of every tensor, in units of the float32 roundoff; the worst, by name. */
function worst(got: Tensors, want: Tensors): { name: string; units: number } {
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
const ALLOWED = 24;

const SCENES: readonly Omit<Scene, 'name'>[] = [
  { lengths: [1], H: 1 },
  { lengths: [5], H: 3, start: 'given' },
  { lengths: [3, 5, 2], H: 4, start: 'learned' },
  { lengths: [4, 0, 7, 1, 0], H: 5, start: 'given', direction: 'reverse' },
  { lengths: [2, 2, 2, 2, 2], H: 7, start: 'learned', direction: 'reverse' },
  { lengths: [6, 3, 3, 1], H: 33 },
  { lengths: Array.from({ length: 70 }, (_, i) => 1 + (i % 4)), H: 18, start: 'given' },
];

/** Kernels whose fused scans say whether they ran. */
function watched(kernels: Kernels): { kernels: Kernels; answers: boolean[] } {
  const answers: boolean[] = [];
  const watch = (act: (scan: ScanTensors) => boolean) => (scan: ScanTensors) => {
    const answer = act(scan);
    answers.push(answer);
    return answer;
  };
  const fused = Object.fromEntries(
    Object.entries(kernels.fused ?? {}).map(([name, scan]): [string, FusedScan] => [
      name,
      { forward: watch(scan.forward), backward: watch(scan.backward) },
    ]),
  );
  return { kernels: { ...kernels, fused }, answers };
}

const missing = relaxedMissing();
if (missing !== undefined) it.skip(`wasm-relaxed-simd: skipped, ${missing}`, () => {});

describe.each(missing === undefined ? [false, true] : [false])('with relaxed SIMD: %s', (relaxedSimd) => {
  let wasm: WasmKernels;
  beforeAll(async () => {
    wasm = await createWasmKernels({ relaxedSimd });
  });

  it('has a fused scan for every cell', () => {
    expect(Object.keys(wasm.fused ?? {}).sort()).toEqual(Object.keys(cells).sort());
  });

  describe.each(Object.keys(cells))('the fused scan of %s', (name) => {
    it.each(SCENES.map((scene) => [JSON.stringify(scene).slice(0, 90), scene] as const))(
      'equals the TypeScript scan: %s',
      (_, scene) => {
        const exact = pass(cpu, 'float64', { name, ...scene });
        const { kernels, answers } = watched(wasm);
        const got = pass(kernels, 'float32', { name, ...scene });
        expect(answers).toEqual([true, true]);
        const { name: where, units } = worst(got, exact);
        if (!(units <= ALLOWED)) throw new Error(`${where} is off by ${units} units`);
        const plain = worst(pass(cpu, 'float32', { name, ...scene }), exact);
        expect(plain.units).toBeLessThanOrEqual(ALLOWED);
      },
    );

    it('declines float64 and tensors with gaps, and has written nothing', () => {
      const { kernels, answers } = watched(wasm);
      const got = pass(kernels, 'float64', { name, lengths: [3, 2], H: 5 });
      expect(answers).toEqual([false, false]);
      expect(worst(got, pass(cpu, 'float64', { name, lengths: [3, 2], H: 5 })).units * UNIT).toBeLessThan(2 ** -45);
      const gapped = (rows: number, columns: number): Tensor => ({
        ...viewOf(new Float32Array(rows * (columns + 1)).fill(0.5), [rows, columns]),
        stride: [columns + 1, 1],
      });
      const cell: Cell = cells[name];
      const params = cell.initialize(6, 5, createRng(1), { dtype: 'float32' });
      const cache = Object.fromEntries(
        Object.entries({ ...cell.kept, ...cell.left }).map(([n, width]) => [n, gapped(4, width * 5)]),
      );
      const states = Object.fromEntries(cell.states.map((n) => [n, gapped(6, 5)]));
      const scan: ScanTensors = {
        batchSizes: Int32Array.of(2, 2),
        params: params as unknown as Tensors,
        states,
        cache,
        dStates: states,
      };
      const fused = wasm.fused?.[name] as FusedScan;
      expect([fused.forward(scan), fused.backward(scan)]).toEqual([false, false]);
      expect(Object.values(cache).every((x) => x.data.every((each: number) => each === 0.5))).toBe(true);
    });

    it('takes a transposed and a strided Wh', () => {
      const scene: Scene = { name, lengths: [3, 1], H: 6 };
      const want = pass(cpu, 'float64', scene);
      const relaid: Kernels = {
        ...wasm,
        fused: {
          [name]: {
            forward: (scan) => relay(scan, (x) => (wasm.fused as Record<string, FusedScan>)[name].forward(x)),
            backward: (scan) => relay(scan, (x) => (wasm.fused as Record<string, FusedScan>)[name].backward(x)),
          },
        },
      };
      expect(worst(pass(relaid, 'float32', scene), want).units).toBeLessThanOrEqual(ALLOWED);
    });

    it('is rejected when a gradient is off by one part in 2^14: the comparison can tell', () => {
      const scene: Scene = { name, lengths: [3, 5, 2], H: 4 };
      const want = pass(cpu, 'float64', scene);
      const got = pass(wasm, 'float32', scene);
      got['grads.Wh'].data.forEach((x, i) => (got['grads.Wh'].data[i] = x * (1 + 2 ** -14)));
      expect(worst(got, want)).toMatchObject({ name: 'grads.Wh' });
      expect(worst(got, want).units).toBeGreaterThan(ALLOWED);
    });
  });

  it('lets ReLU pass NaN on, as the cell does', () => {
    const states = viewOf(new Float32Array(2 * 3), [2, 3]);
    const a = viewOf(Float32Array.of(NaN, -1, 2), [1, 3]);
    const params = { Wh: allocate([3, 3], 'float32') };
    wasm.fused?.['rnn-relu'].forward({ batchSizes: Int32Array.of(1), params, states: { h: states }, cache: { a } });
    expect([...states.data]).toEqual([0, 0, 0, NaN, 0, 2]);
  });
});

/** The scan with Wh stored column by column, from both a tight and a wide matrix. */
function relay(scan: ScanTensors, act: (scan: ScanTensors) => boolean): boolean {
  const { Wh } = scan.params;
  const [rows, columns] = Wh.shape;
  const gap = scan.dStates ? 3 : 0;
  const data = new Float32Array(columns * (rows + gap));
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) data[j * (rows + gap) + i] = Wh.data[i * columns + j];
  }
  const stored: Tensor = { data, shape: [rows, columns], stride: [1, rows + gap], offset: 0 };
  return act({ ...scan, params: { ...scan.params, Wh: stored } });
}
