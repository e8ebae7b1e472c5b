/**
 * The layers on a device that answers later: whole recurrent layers run there, or the products over whole batches and the time
 * loops on the host. The same order of the same operations as the synchronous layers, so on one arithmetic both give the same
 * bits.
 */
import type { Packing } from '../autograd/packing.js';
import type { Resident } from '../autograd/storage.js';
import { unrollAsync, unrollBackwardAsync } from '../autograd/unroll.js';
import type { Cell, State } from '../cells/cell.js';
import { completeKernels } from '../kernels/complete.js';
import type { AsyncKernels, Kernels } from '../kernels/types.js';
import type { Tensor } from '../tensor/types.js';
import type { DirectionStates } from './bidirectional.js';
import { joinDirections, splitDirections } from './bidirectional.js';
import { dropoutBackward } from './dropout.js';
import type { LinearGrads, LinearParams } from './linear.js';
import { linearBackward, linearForward } from './linear.js';
import type {
  LayerParams,
  LayerPass,
  LayerSpec,
  LayerBackwardPass,
  StackBackwardOptions,
  StackOptions,
  StackPass,
} from './stack.js';
import { checkBackwardOptions, checkStack, dropBehind, expectPairs, zeroView } from './stack.js';
import { expectEntry } from '../autograd/entry-checks.js';

/** Where the parts of a layer run. */
export interface Devices {
  /** The products over all rows of a batch. */
  readonly device: AsyncKernels;
  /** The products inside the time loops. */
  readonly host: Kernels;
}

/** `linearForward` on a device. */
export async function linearForwardAsync(devices: Devices, params: LinearParams, x: Tensor): Promise<Tensor> {
  expectEntry('linearForwardAsync', { devices });
  const { device } = devices;
  return later(device, (kernels) => linearForward(kernels, params, x));
}

/** `linearBackward` on a device. */
export async function linearBackwardAsync(
  devices: Devices,
  params: LinearParams,
  x: Tensor,
  dY: Tensor,
  grads: LinearGrads,
  dX?: Tensor,
): Promise<void> {
  expectEntry('linearBackwardAsync', { devices });
  const { device } = devices;
  return later(device, (kernels) => linearBackward(kernels, params, x, dY, grads, dX));
}

/** Runs what only adds up products without reading them: they are noted down, and then done on the device in their order. */
async function later<T>(device: AsyncKernels, act: (kernels: Kernels) => T): Promise<T> {
  const products: (() => Promise<void>)[] = [];
  const recording = completeKernels({
    backend: device.backend,
    dtypes: device.dtypes,
    addMatmul: (out, a, b) => void products.push(() => device.addMatmul(out, a, b)),
    addMatmulTA: (out, a, b) => void products.push(() => device.addMatmulTA(out, a, b)),
    addMatmulTB: (out, a, b) => void products.push(() => device.addMatmulTB(out, a, b)),
  });
  const result = act(recording);
  for (const product of products) await product();
  return result;
}

/** `stackForward` on a device. */
export async function stackForwardAsync(
  devices: Devices,
  layers: readonly LayerSpec[],
  params: readonly LayerParams[],
  x: Tensor,
  packing: Packing,
  options: StackOptions = {},
): Promise<StackPass> {
  expectEntry('stackForwardAsync', { devices, x, packing });
  checkStack(layers, params, options);
  const { dropout, initial = [], resident } = options;
  const passes: LayerPass[] = [];
  let input = x;
  for (let l = 0; l < layers.length; l++) {
    const pass = await layerForwardAsync(devices, layers[l].cell, params[l], input, packing, initial[l], resident);
    const dropped = dropBehind(devices.host, pass.y, packing, l, l === layers.length - 1 ? undefined : dropout);
    passes.push({ ...pass, mask: dropped.mask });
    input = dropped.y;
  }
  return { y: input, layers: passes };
}

/** `stackBackward` on a device. */
export async function stackBackwardAsync(
  devices: Devices,
  pass: StackPass,
  dY: Tensor,
  grads: readonly LayerParams[],
  backward: StackBackwardOptions = {},
): Promise<LayerBackwardPass[]> {
  expectEntry('stackBackwardAsync', { devices, pass, dY });
  checkBackwardOptions(backward);
  const { dX, dFinal = [], truncate } = backward;
  expectPairs('stackBackward', 'gradients', pass.layers, grads);
  const unwound: LayerBackwardPass[] = [];
  let dOutput = dY;
  for (let l = pass.layers.length - 1; l >= 0; l--) {
    const below = l === 0 ? undefined : pass.layers[l - 1];
    const dInput = below === undefined ? dX : zeroView(devices.host, below.y);
    const options = { dX: dInput, truncate };
    unwound[l] = await layerBackwardAsync(devices, pass.layers[l], dOutput, grads[l], dFinal[l], options);
    if (below === undefined || dInput === undefined) break;
    dOutput = below.mask === null ? dInput : zeroView(devices.host, below.y);
    if (below.mask !== null) dropoutBackward(devices.host, below.mask, dInput, dOutput);
  }
  return unwound;
}

async function layerForwardAsync(
  { device, host }: Devices,
  cell: Cell,
  params: LayerParams,
  x: Tensor,
  packing: Packing,
  initial: DirectionStates = {},
  resident?: Resident,
): Promise<Omit<LayerPass, 'mask'>> {
  const options = { initial: initial.forward, resident };
  const forward = await unrollAsync(device, host, cell, params.forward, x, packing, options);
  if (!('reverse' in params)) return { y: forward.y, forward };
  const reverse = await unrollAsync(device, host, cell, params.reverse, x, packing, {
    direction: 'reverse',
    initial: initial.reverse,
    resident,
  });
  return joinDirections(host, forward, reverse);
}

async function layerBackwardAsync(
  { device, host }: Devices,
  pass: LayerPass,
  dY: Tensor,
  grads: LayerParams,
  dFinal: DirectionStates<Partial<State>> = {},
  options: Pick<StackBackwardOptions, 'dX' | 'truncate'>,
): Promise<LayerBackwardPass> {
  const back = { ...options, dFinal: dFinal.forward };
  if (pass.reverse === undefined || !('reverse' in grads)) {
    return { forward: await unrollBackwardAsync(device, host, pass.forward, dY, grads.forward, back) };
  }
  const { fromForward, fromReverse } = splitDirections(pass, dY);
  const reverse = await unrollBackwardAsync(device, host, pass.reverse, fromReverse, grads.reverse, {
    ...options,
    dFinal: dFinal.reverse,
  });
  const forward = await unrollBackwardAsync(device, host, pass.forward, fromForward, grads.forward, back);
  return { forward, reverse };
}
