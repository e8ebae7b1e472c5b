/** An asynchronous device: whole layers, computed on the host after everybody else had a turn, and a list of what it did. */
import type { Devices } from '../../src/autograd/devices.js';
import { packingOf } from '../../src/autograd/packing.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import { cells } from '../../src/cells/index.js';
import type { CellParams, State } from '../../src/cells/index.js';
import type { AsyncKernels, AsyncLayerKernel, Kernels } from '../../src/kernels/types.js';
import { flatCopy } from '../../src/tensor/view.js';
import type { Tensor } from '../../src/tensor/types.js';

/** A device that runs layers of these cells, all of them where none are named, as `unroll` does on the host. */
export function slowDevice(
  host: Kernels,
  names: readonly string[] = Object.keys(cells),
): Devices & { readonly done: string[] } {
  const done: string[] = [];
  const refuse = async (): Promise<void> => {
    throw new Error('a product was sent to a device that takes whole layers');
  };
  const turn = (): Promise<void> => new Promise(setImmediate);
  const layer = (name: string): AsyncLayerKernel => ({
    suits: () => true,
    async forward({ batchSizes, params, x, initial, y, final }) {
      await turn();
      const lengths = Array.from({ length: batchSizes[0] }, (_, b) => batchSizes.filter((size) => size > b).length);
      const start = initial as unknown as State;
      const pass = unroll(host, cells[name], params as CellParams, x, packingOf(lengths), { initial: start });
      copy(y, pass.y);
      for (const state of cells[name].states) copy(final[state], pass.final[state]);
      done.push(`${name} forward`);
      return {
        async backward({ dY, dFinal, grads, dX, dInitial }) {
          await turn();
          const back = unrollBackward(host, pass, dY, grads as CellParams, { dX, dFinal });
          for (const state of cells[name].states) copy(dInitial[state], back.dInitial[state]);
          done.push(`${name} backward`);
          return true;
        },
        release: () => void done.push(`${name} released`),
      };
    },
  });
  const device: AsyncKernels = {
    backend: 'slow',
    dtypes: host.dtypes,
    addMatmul: refuse,
    addMatmulTA: refuse,
    addMatmulTB: refuse,
    layers: Object.fromEntries(names.map((name) => [name, layer(name)])),
    dispose: async () => {},
  };
  return { device, host, done };
}

/** `out` is row-major. */
function copy(out: Tensor, x: Tensor): void {
  out.data.set(flatCopy(x), out.offset);
}
