/** A device under measurement does all the work itself: there is no fallback to the CPU. Runs in a browser too. */
import type { Kernels } from '../kernels/index.js';
import { withFallback } from '../kernels/index.js';
import type { DeviceError } from '../tensor/index.js';

/** Acts like `withFallback` until the device is lost; from then on, every call throws the error of the loss. */
export function withoutFallback(device: Kernels, host: Kernels): Kernels {
  let lost: DeviceError | undefined;
  const kernels = withFallback(device, host, (error) => {
    lost = error;
    throw error;
  });
  const guarded = (act: Kernels['addMatmul']): Kernels['addMatmul'] => {
    return (out, a, b) => {
      if (lost !== undefined) throw lost;
      act(out, a, b);
    };
  };
  return {
    ...kernels,
    addMatmul: guarded(kernels.addMatmul),
    addMatmulTA: guarded(kernels.addMatmulTA),
    addMatmulTB: guarded(kernels.addMatmulTB),
  };
}
