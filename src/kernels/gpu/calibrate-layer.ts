/** One LSTM layer, forward and backward, on a device and on a host: the benchmark that decides between them. */
import type { Tensor } from '../../tensor/types.js';
import { allocate, rows } from '../../tensor/view.js';
import type { Kernels } from '../types.js';

/** T of the timed layer. The time of both sides is proportional to it. */
const STEPS = 10;

/** The tensors of a layer of B sequences of equal length, D = H. */
export function layerProblem(B: number, H: number) {
  const N = STEPS * B;
  const filled = (...shape: number[]): Tensor => {
    const x = allocate(shape, 'float32');
    x.data.forEach((_, i) => (x.data[i] = (((i * 7919) % 1024) / 1024 - 0.5) / Math.sqrt(H)));
    return x;
  };
  const empty = (...shape: number[]): Tensor => allocate(shape, 'float32');
  const pair = (height: number) => ({ h: empty(height, H), c: empty(height, H) });
  return {
    batchSizes: new Int32Array(STEPS).fill(B),
    params: { Wx: filled(H, 4 * H), Wh: filled(H, 4 * H), b: filled(4 * H) },
    grads: { Wx: empty(H, 4 * H), Wh: empty(H, 4 * H), b: empty(4 * H) },
    ...{ x: filled(N, H), y: empty(N, H), dY: filled(N, H), dX: empty(N, H) },
    ...{ initial: pair(B), final: pair(B), dFinal: pair(B), dInitial: pair(B) },
    ...{ states: pair(B + N), dStates: pair(B + N) },
    cache: { a: empty(N, 4 * H), tanhC: empty(N, H), da: empty(N, 4 * H) },
  };
}

type Problem = ReturnType<typeof layerProblem>;

/** Both passes on a device. False if it does not accept the layer. */
export function runLayerOnDevice(device: Kernels, problem: Problem): boolean {
  const { batchSizes, x, grads, dFinal, dInitial, dY, dX } = problem;
  const layer = device.fused?.lstm?.layer;
  const [N, D] = x.shape;
  const B = batchSizes[0];
  if (!layer?.suits({ steps: STEPS, B, N, D, H: D })) return false;
  const resident = layer.forward({ ...problem, keep: true });
  return resident?.backward({ dY, dFinal, grads, dX, dInitial }) ?? false;
}

/**
 * Both passes on a host: the products of a layer, and its scan if it is fused. If not, only the products of the steps, which
 * favors the host.
 */
export function runLayerOnHost(host: Kernels, problem: Problem): void {
  const { x, params, grads, cache, states, dStates, dX, batchSizes } = problem;
  const B = batchSizes[0];
  const N = STEPS * B;
  const scan = { batchSizes, params, states, cache };
  host.addMatmul(cache.a, x, params.Wx);
  if (!host.fused?.lstm?.forward(scan)) {
    for (let t = 0; t < STEPS; t++) host.addMatmul(rows(cache.a, t * B, B), rows(states.h, t * B, B), params.Wh);
  }
  if (!host.fused?.lstm?.backward({ ...scan, dStates })) {
    for (let t = 0; t < STEPS; t++) host.addMatmulTB(rows(dStates.h, t * B, B), rows(cache.da, t * B, B), params.Wh);
  }
  host.addMatmulTB(dX, cache.da, params.Wx);
  host.addMatmulTA(grads.Wx, x, cache.da);
  host.addMatmulTA(grads.Wh, rows(states.h, 0, N), cache.da);
}
