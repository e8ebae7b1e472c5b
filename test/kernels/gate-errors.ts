/** How far off the functions of the gates are on a device, against those of float64. */
import { DEVICE_FUNCTIONS, DEVICE_ULPS } from '../../src/kernels/gpu/device/gate-functions';
import type { GpuLibrary, GpuMode } from '../../src/kernels/index';
import type { GpuKernel } from '../../src/kernels/gpu/device/library';
import { createRng } from '../../src/tensor/index';

const COUNT = 1 << 14;

/** An ulp of float32 at y. */
function ulp(y: number): number {
  const exponent = Math.floor(Math.log2(Math.max(Math.abs(y), 2 ** -126)));
  return 2 ** (exponent - 23);
}

/** Arguments of all sizes, near 0, in the bend, and where the functions are flat. */
function samples(): Float32Array {
  const rng = createRng(3);
  const edges = [0, 0.625, -0.625, 0.6249999, 43, 43.1, 86.9, 87, 88, 200, -43, -87, -88, -200];
  return Float32Array.from({ length: COUNT }, (_, i) => edges[i] ?? rng.normal() * 2 ** ((i % 16) - 9));
}

/** The largest errors found, in ulp, and what is allowed. */
export async function gateErrors(library: GpuLibrary, mode: GpuMode) {
  const x = samples();
  const worst = { logistic: 0, hyperbolic: 0 };
  const exact = { logistic: (v: number) => 1 / (1 + Math.exp(-v)), hyperbolic: Math.tanh };
  const gpu = new library.GPU({ mode });
  for (const source of DEVICE_FUNCTIONS) {
    gpu.addFunction(source, { argumentTypes: { v: 'Number' }, returnType: 'Number' });
  }
  for (const name of ['logistic', 'hyperbolic'] as const) {
    const source = `function (x) { return ${name}(x[this.thread.y][this.thread.x]); }`;
    const settings = { output: [128, COUNT / 128], precision: 'single', tactic: 'precision' } as const;
    const kernel: GpuKernel = gpu.createKernel(source, settings);
    const rows = (await kernel(library.input(x, [128, COUNT / 128]))) as Float32Array[];
    x.forEach((v, i) => {
      const want = exact[name](v);
      // Beyond 87 the logistic function stays below 2⁻¹²⁵, as its description says.
      const flat = name === 'logistic' && v < -87 ? 2 ** -125 : 0;
      const off = Math.max(Math.abs(rows[Math.floor(i / 128)][i % 128] - want) - flat, 0) / ulp(want);
      worst[name] = Math.max(worst[name], off);
    });
    kernel.destroy();
  }
  return { worst, allowed: DEVICE_ULPS };
}
