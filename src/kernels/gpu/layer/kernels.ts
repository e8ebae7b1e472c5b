/** The layers of a device, with the interface of the kernels: one implementation for synchronous and asynchronous devices. */
import type {
  AsyncLayerKernel,
  AsyncResidentLayer,
  LayerGradients,
  LayerKernel,
  LayerSize,
  LayerTensors,
  ResidentLayer,
} from '../../types.js';
import type { Work } from '../../work.js';
import { later, now } from '../../work.js';
import type { KernelCache } from '../device/kernel-cache.js';
import { deviceError } from '../device/kernel-cache.js';
import { LARGEST_OPERAND, LONGEST_SUM, padded, powerOfTwo } from '../device/limits.js';
import { DEVICE_CELLS } from './cells/index.js';
import type { Kept, Run } from './layer.js';
import { backwardOn, forwardOn, release, runOf } from './layer.js';
import type { DeviceCell } from './pass.js';
import type { PendingLayers } from './pending.js';
import { FAN, stackedRows } from './sources.js';

/** Whether every matrix of the layer fits a texture and can be indexed, and no sum is too long for one call. */
function fits({ device }: KernelCache, cell: DeviceCell, { steps, B, N, D, H }: LayerSize): boolean {
  if (Math.min(steps, B, N, D, H) === 0) return false;
  const side = device.info.maxTextureSize;
  const [Bp, Np] = [padded(B), padded(N)];
  const width = Math.max(cell.gates, cell.leftWidth, cell.stateWidth) * H;
  const joined = heightOfJoined(steps + 1, Bp);
  const height = Math.max(powerOfTwo(Np), Np + 2 * Bp, stackedRows(cell, D, H) + Bp, joined);
  const columns = Math.max(width, D);
  return Math.max(columns, height) <= side && columns * height <= LARGEST_OPERAND && Np <= LONGEST_SUM;
}

/** Rows of the tallest matrix when matrices of B rows are joined until one kernel can read them all. */
function heightOfJoined(count: number, B: number): number {
  return count > FAN ? heightOfJoined(Math.ceil(count / FAN), B * FAN) : B;
}

/** A layer as work of its device. */
function workOf(name: string, cache: () => KernelCache, pending: PendingLayers) {
  const cellOf = DEVICE_CELLS[name];
  return {
    suits: (size: LayerSize) => fits(cache(), cellOf(size.D, size.H), size),
    *forward(layer: LayerTensors): Work<Kept> {
      const [device, D] = [cache(), layer.x.shape[1]];
      const run = runOf(device, cellOf(D, layer.params.Wh.shape[0]), layer);
      return yield* guarded(run, function* () {
        const kept = yield* forwardOn(run, layer);
        if (layer.keep) pending.add(run);
        else release(run);
        return kept;
      });
    },
    *backward(kept: Kept, gradients: LayerGradients): Work<boolean> {
      return yield* guarded(kept.run, function* () {
        if (!pending.take(kept.run)) return false;
        yield* backwardOn(kept, gradients);
        release(kept.run);
        return true;
      });
    },
    release({ run }: Kept): void {
      if (pending.take(run)) release(run);
    },
  };
}

/** Holds its kernels while a layer runs, and frees the layer on failure. @throws DeviceError for any failure of the device */
function* guarded<T>(run: Run, work: () => Work<T>): Work<T> {
  const end = run.cache.hold();
  try {
    return yield* work();
  } catch (error) {
    release(run);
    throw deviceError(run.cache.device, error);
  } finally {
    end();
  }
}

/** The layers of a synchronous device. */
export function layerKernels(cache: () => KernelCache, pending: PendingLayers): Record<string, LayerKernel> {
  return mapCells((name) => {
    const work = workOf(name, cache, pending);
    return {
      suits: work.suits,
      forward(layer): ResidentLayer {
        const kept = now(work.forward(layer));
        return { backward: (gradients) => now(work.backward(kept, gradients)), release: () => work.release(kept) };
      },
    };
  });
}

/** The layers of an asynchronous device; `inTurn` runs calls one after another. */
export function asyncLayerKernels(
  cache: () => KernelCache,
  pending: PendingLayers,
  inTurn: <T>(act: () => Promise<T>) => Promise<T>,
): Record<string, AsyncLayerKernel> {
  return mapCells((name) => {
    const work = workOf(name, cache, pending);
    return {
      suits: work.suits,
      async forward(layer): Promise<AsyncResidentLayer> {
        const kept = await inTurn(() => later(work.forward(layer)));
        return {
          backward: (gradients) => inTurn(() => later(work.backward(kept, gradients))),
          release: () => work.release(kept),
        };
      },
    };
  });
}

function mapCells<T>(make: (name: string) => T): Record<string, T> {
  return Object.fromEntries(Object.keys(DEVICE_CELLS).map((name) => [name, make(name)]));
}
