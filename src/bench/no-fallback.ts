/** A device that is timed does the work itself: nothing goes on without it. Runs in a browser too. */
import type { Kernels } from '../kernels/index.js';
import { withFallback } from '../kernels/index.js';
import type { DeviceError } from '../tensor/index.js';

/** `withFallback` up to the loss of the device: then, and from then on, its error. */
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
