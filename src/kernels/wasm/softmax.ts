/** Softmax cross-entropy on rows in the memory of the module. */
import type { SoftmaxKernel } from '../types.js';
import { address, entered, size, step } from './rows.js';
import type { Within } from './rows.js';
import type { Exports } from './module.js';

/** Implements `SoftmaxKernel`. */
export function softmaxKernel(wasm: Exports, within: Within): SoftmaxKernel {
  return {
    rows: (out, x) =>
      within([out, x], () => wasm.softmaxRows(...size(x), address(out), step(out), address(x), step(x))),
    logs: (out, x) =>
      within([x], (arena) => {
        const at = arena.take(out.byteLength);
        wasm.softmaxLogs(...size(x), at, address(x), step(x));
        out.set(arena.f64().subarray(at / 8, at / 8 + out.length));
      }),
    backward: (out, p, targets, tables, d) =>
      within([out, p], (arena) => {
        const own = [entered(arena, targets), arena.take(tables.byteLength)];
        arena.f64().set(tables, own[1] / 8);
        wasm.softmaxBackward(...size(p), address(out), step(out), address(p), step(p), ...own, d);
      }),
  };
}
