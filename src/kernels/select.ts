/** Selects the backend and says why. No fallback is silent: every declined backend is reported with its reason. */
import { expectKnownKeys, keysOf } from '../tensor/checks.js';
import { ArgumentError, UnsupportedError } from '../tensor/errors.js';
import type { DType } from '../tensor/types.js';
import { createCpuKernels } from './cpu/index.js';
import { createReferenceKernels } from './cpu/reference.js';
import type { LossListener } from './fallback.js';
import { withFallback } from './fallback.js';
import type { Calibration } from './gpu/calibrate.js';
import { describeCalibration, routingOf } from './gpu/calibrate.js';
import type { GpuOptions } from './gpu/index.js';
import { createGpuKernels } from './gpu/index.js';
import type { Kernels } from './types.js';
import { createWasmKernels, wasmObstacle, wasmRelaxedObstacle } from './wasm/index.js';

/** What to select. */
export interface SelectOptions {
  /** A backend by name, or `auto` (the default): the first candidate that is available and not `onlyByName`. */
  readonly backend?: string;
  /** Element type to compute in; `float32` by default. */
  readonly dtype?: DType;
  /** How the `gpu` backend opens its device. */
  readonly gpu?: GpuOptions;
  /** The measured sizes from which a device is faster: `auto` then sends it the products and layers of these sizes. */
  readonly calibration?: Calibration;
  /** Called when the device of the `gpu` backend is given up and the host takes over; by default a warning is printed. */
  readonly onLost?: LossListener;
}

const KEYS = keysOf<SelectOptions>({ backend: true, dtype: true, gpu: true, calibration: true, onLost: true });

/** A backend that was considered but cannot be used. */
export interface Rejection {
  readonly backend: string;
  readonly reason: string;
}

/** The selected backend. */
export interface Selection {
  readonly kernels: Kernels;
  /** Why this one, in a sentence. */
  readonly reason: string;
  /** The candidates preferred to it that cannot be used. Empty when a backend was requested by name. */
  readonly rejected: readonly Rejection[];
}

/** A backend that `selectBackend` may choose. To add a backend, add one of these to `candidates`. */
export interface Candidate {
  readonly name: string;
  /** Why `auto` skips it, if it must be requested by name. */
  readonly onlyByName?: string;
  /** The kernels for an element type, or the reason why they are unavailable. Foreseeable failures do not throw. */
  open(dtype: DType, options?: SelectOptions): Promise<Opened>;
}

/** Kernels, with optional details about what they run on; or why they are unavailable. */
export type Opened = { readonly kernels: Kernels; readonly detail?: string } | { readonly declined: string };

async function openWasm(relaxedSimd: boolean): Promise<Opened> {
  const reason = relaxedSimd ? await wasmRelaxedObstacle() : wasmObstacle();
  if (reason !== undefined) return { declined: reason };
  try {
    return { kernels: await createWasmKernels({ relaxedSimd }) };
  } catch (error) {
    // Whether a page forbids compiling WebAssembly can only be found by trying. selectBackend adds the backend's name and the
    // alternatives.
    if (error instanceof UnsupportedError) return { declined: error.message.replace(/^wasm: |\. Choose .*$/g, '') };
    throw error;
  }
}

/** The device for products and layers, with the best CPU backend for the rest and as the fallback if the device is lost. */
async function openGpu(dtype: DType, { gpu, onLost }: SelectOptions = {}): Promise<Opened> {
  if (dtype !== 'float32') return { declined: 'computes in float32 only' };
  try {
    const device = await createGpuKernels(gpu);
    const wasm = await openWasm(false);
    const { renderer, software } = device.device;
    const kernels = withFallback(device, 'kernels' in wasm ? wasm.kernels : createCpuKernels(), onLost);
    return { kernels, detail: software ? `${renderer}, a software rasterizer` : renderer };
  } catch (error) {
    if (error instanceof UnsupportedError) return { declined: error.message };
    throw error;
  }
}

/** Every known backend, in order of preference. `cpu` never declines; those after it are selected only by name. */
export const candidates: readonly Candidate[] = [
  { name: 'wasm', open: () => openWasm(false) },
  {
    name: 'wasm-relaxed',
    open: () => openWasm(true),
    onlyByName: 'its last bits may differ between machines; select it by name',
  },
  {
    name: 'gpu',
    open: openGpu,
    onlyByName: 'a device is faster only for large products and layers; select it by name',
  },
  { name: 'cpu', open: async () => ({ kernels: createCpuKernels() }) },
  {
    name: 'reference',
    open: async () => ({ kernels: createReferenceKernels() }),
    onlyByName: 'slow, written for reading; select it by name',
  },
];

/**
 * Chooses a backend.
 *
 * @param from the candidates in order of preference; the built-in ones by default
 * @throws ArgumentError when no candidate has the name, or the element type is unknown
 * @throws UnsupportedError when the backend requested by name cannot be used, or none can
 */
export async function selectBackend(
  options: SelectOptions = {},
  from: readonly Candidate[] = candidates,
): Promise<Selection> {
  expectKnownKeys('selectBackend', 'options', options, KEYS);
  const { backend = 'auto', dtype = 'float32' } = options;
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new ArgumentError(`dtype must be float32 or float64; got ${String(dtype)}`);
  }
  if (backend !== 'auto') return selectByName(backend, dtype, options, from);
  const rejected: Rejection[] = [];
  for (const candidate of from) {
    const { onlyByName } = candidate;
    const opened = onlyByName === undefined ? await candidate.open(dtype, options) : { declined: onlyByName };
    if ('kernels' in opened) {
      const before = rejected.map(({ backend: name, reason }) => `${name}: ${reason}`).join('; ');
      const reason = before === '' ? 'the preferred backend' : `the first available (${before})`;
      return withDevice({ kernels: opened.kernels, reason, rejected }, dtype, options);
    }
    rejected.push({ backend: candidate.name, reason: opened.declined });
  }
  const reasons = rejected.map(({ backend: name, reason }) => `${name}: ${reason}`).join('; ');
  throw new UnsupportedError(`no backend supports ${dtype} (${reasons || 'there are no candidates'})`);
}

async function selectByName(
  name: string,
  dtype: DType,
  options: SelectOptions,
  from: readonly Candidate[],
): Promise<Selection> {
  const candidate = from.find((known) => known.name === name);
  if (candidate === undefined) {
    const known = ['auto', ...from.map((each) => each.name)].join(', ');
    throw new ArgumentError(`backend must be one of ${known}; got ${name}`);
  }
  const opened = await candidate.open(dtype, options);
  if ('declined' in opened) {
    throw new UnsupportedError(`backend ${name} is unavailable for ${dtype}: ${opened.declined}. Choose cpu or auto.`);
  }
  return { kernels: opened.kernels, reason: 'selected by name', rejected: [] };
}

/** What `auto` chose, with the products and layers for which a device was measured to be faster sent there; or why none are. */
async function withDevice(chosen: Selection, dtype: DType, options: SelectOptions): Promise<Selection> {
  const { calibration, gpu, onLost } = options;
  if (calibration === undefined || dtype !== 'float32') return chosen;
  const declined = (reason: string): Selection => {
    return { ...chosen, rejected: [...chosen.rejected, { backend: 'gpu', reason }] };
  };
  const verdict = describeCalibration(calibration);
  if (Object.values(calibration.crossover).every((size) => size === null)) return declined(verdict);
  const { backend } = chosen.kernels;
  if (calibration.host !== backend) return declined(`calibrated against ${calibration.host}, and ${backend} runs`);
  try {
    const device = await createGpuKernels({ ...gpu, mode: gpu?.mode ?? calibration.device.mode });
    const kernels = withFallback(device, chosen.kernels, onLost, routingOf(calibration));
    return { ...chosen, kernels, reason: `${chosen.reason}; ${verdict}` };
  } catch (error) {
    if (error instanceof UnsupportedError) return declined(error.message);
    throw error;
  }
}
