/**
 * The fused scans against the TypeScript scan. The reference runs in float64 from the same float32 numbers: a scan in
 * float32 must come within a small multiple of the unit roundoff of it, in every value and in every gradient.
 */
import { cells } from '../../src/cells/index';
import type { Cell } from '../../src/cells/index';
import { createCpuKernels, createWasmKernels, profile } from '../../src/kernels/index';
import type { FusedScan, Kernels, ScanTensors, WasmKernels } from '../../src/kernels/index';
import { createRng } from '../../src/tensor/index';
import type { Tensor } from '../../src/tensor/index';
import { allocate, flatCopy, viewOf } from '../../src/tensor/view';
import { relaxedMissing } from '../support/relaxed';
import { ALLOWED, SCENES, UNIT, pass, worst } from './scans';
import type { Scene, Tensors } from './scans';

const cpu = createCpuKernels();

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
        Object.entries({ ...cell.saved, ...cell.stepGrads }).map(([n, width]) => [n, gapped(4, width * 5)]),
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

    it('overwrites what it says: anything may be there before', () => {
      for (const scene of SCENES) {
        const own = { name, ...scene };
        const same = (got: Kernels, want: Kernels): void =>
          expect(elementsOf(pass(got, 'float32', own))).toEqual(elementsOf(pass(want, 'float32', own)));
        same(spoilt(wasm), wasm);
        same(spoilt(profile(wasm).kernels), wasm);
        const declines = { forward: () => false, backward: () => false, overwrites: wasm.fused![name].overwrites };
        same(spoilt({ ...cpu, fused: { [name]: declines } }), cpu);
      }
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

  it('is noticed where it adds to what it says it overwrites', () => {
    const scan = { ...wasm.fused!.gru, overwrites: { forward: ['u'], backward: ['da', 'du'] } };
    const got = pass(spoilt({ ...wasm, fused: { gru: scan } }), 'float32', { name: 'gru', lengths: [3, 2], H: 4 });
    expect(elementsOf(got).y).toContainEqual(NaN);
  });

  it('lets ReLU pass NaN on, as the cell does', () => {
    const states = viewOf(new Float32Array(2 * 3), [2, 3]);
    const a = viewOf(Float32Array.of(NaN, -1, 2), [1, 3]);
    const params = { Wh: allocate([3, 3], 'float32') };
    wasm.fused?.['rnn-relu'].forward({ batchSizes: Int32Array.of(1), params, states: { h: states }, cache: { a } });
    expect([...states.data]).toEqual([0, 0, 0, NaN, 0, 2]);
  });
});

/** Kernels whose tensors of any elements are full of NaN. */
function spoilt(kernels: Kernels): Kernels {
  return {
    ...kernels,
    empty(shape, dtype) {
      const x = kernels.empty(shape, dtype);
      x.data.fill(NaN);
      return x;
    },
  };
}

const elementsOf = (tensors: Tensors): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, Array.from(flatCopy(x))]));

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
