/**
 * What runs in another engine: the kernel contract, and the fused scans of every cell against the TypeScript scan, on both
 * builds of the WebAssembly backend. Bundled with the built package; `engines.test.ts` reads the reports.
 */
import { cells } from '../../src/cells/index';
import { createCpuKernels, createWasmKernels, selectBackend } from '../../src/kernels/index';
import type { Tensor } from '../../src/tensor/index';
import { contractChecks } from '../kernels/contract';
import { ALLOWED, SCENES, pass, worst } from '../kernels/scans';

/** How one build of the backend did. */
export interface Report {
  readonly backend: string;
  readonly checks: number;
  readonly failures: readonly string[];
  /** A digest of the bits of every scan. */
  readonly digest: number;
}

/** FNV-1a over the bytes of float32 numbers. */
function digestOf(tensors: readonly Tensor[], start: number): number {
  let hash = start;
  for (const { data } of tensors) {
    for (const byte of new Uint8Array(Float32Array.from(data).buffer)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}

async function reportOn(relaxedSimd: boolean): Promise<Report> {
  const kernels = await createWasmKernels({ relaxedSimd });
  const failures: string[] = [];
  const checks = contractChecks(['float32', 'float64']);
  for (const check of checks) {
    try {
      await check.run(kernels);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  let [scans, digest] = [0, 0x811c9dc5];
  for (const name of Object.keys(cells)) {
    for (const each of SCENES) {
      const scene = { name, ...each };
      const got = pass(kernels, 'float32', scene);
      const { name: where, units } = worst(got, pass(createCpuKernels(), 'float64', scene));
      if (!(units <= ALLOWED)) failures.push(`${name} ${JSON.stringify(each)}: ${where} is off by ${units} units`);
      digest = digestOf(Object.values(got), digest);
      scans++;
    }
  }
  return { backend: kernels.backend, checks: checks.length + scans, failures, digest };
}

/** Both builds, and what `auto` chooses here. */
export async function report(): Promise<{ readonly chosen: string; readonly reports: readonly Report[] }> {
  return { chosen: (await selectBackend()).kernels.backend, reports: [await reportOn(false), await reportOn(true)] };
}

(globalThis as unknown as { report: typeof report }).report = report;
