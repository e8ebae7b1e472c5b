/** exp, tanh, sigmoid and log in WebAssembly: the bits of the float32 twins. scripts/wasm-math.mjs sweeps all floats. */
import { expf, logf, sigmoidf, tanhf } from '../../src/tensor/math';
import { PAGE, start } from '../../src/kernels/wasm/module';
import { relaxedMissing } from '../support/relaxed';

const FUNCTIONS = { exp32: expf, tanh32: tanhf, sigmoid32: sigmoidf, log32: logf } as const;

/** Every float whose bits are a multiple of a prime apart: all exponents, both signs, infinities, NaN. */
function samples(step: number): Float32Array {
  const bits: number[] = [];
  for (let pattern = 0; pattern < 2 ** 32; pattern += step) bits.push(pattern | 0);
  const special = [0, -0, 1, -1, -2, 0.625, -0.625, 89, -104, 88.72284, -87.33655, 2 ** -126, 2 ** -149, 1 / 3];
  const extra = new Int32Array(new Float32Array([...special, Infinity, -Infinity, NaN]).buffer);
  return new Float32Array(Int32Array.from([...bits, ...extra]).buffer);
}

const missing = relaxedMissing();
const builds = missing === undefined ? [false, true] : [false];
const cases = builds.flatMap((relaxed) =>
  Object.entries(FUNCTIONS).map(
    ([name, twin]) => [name, relaxed ? 'with relaxed SIMD' : 'with SIMD', twin, relaxed] as const,
  ),
);
if (missing !== undefined) it.skip(`with relaxed SIMD: skipped, ${missing}`, () => {});

describe.each(cases)('%s, %s', (name, _, twin, relaxed) => {
  const results = async (x: Float32Array): Promise<Float32Array> => {
    const { wasm, memory } = await start(1 + Math.ceil((x.length * 4) / PAGE) + 1, relaxed);
    memory.grow(Math.ceil((x.length * 4 + 16) / PAGE));
    const count = Math.ceil(x.length / 4) * 4;
    const inside = new Float32Array(memory.buffer, 0, count);
    inside.set(x);
    wasm[name as keyof typeof FUNCTIONS](count, 0);
    return inside.slice(0, x.length);
  };
  const firstDifference = (x: Float32Array, got: Float32Array, want: (x: number) => number): string | undefined => {
    for (let i = 0; i < x.length; i++) {
      const expected = want(x[i]);
      if (!Object.is(got[i], expected)) return `${name}(${x[i]}) is ${got[i]}, not ${expected}`;
    }
    return undefined;
  };

  it('gives the bits of its twin', async () => {
    const x = samples(10007);
    expect(firstDifference(x, await results(x), twin)).toBeUndefined();
  });

  it('differs from a function off by one place: the comparison can tell', async () => {
    const x = samples(1000003);
    const off = (each: number): number => Math.fround(twin(each) * (1 + 2 ** -23));
    expect(firstDifference(x, await results(x), off)).toMatch(/is/);
  });
});
