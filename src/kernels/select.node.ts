/** Selects a backend in Node: prepares the engine and the machine first, and measures once what has to be measured. */
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { UnsupportedError } from '../tensor/errors.js';
import { keepCalibration, readCalibration } from './gpu/calibration.node.js';
import { loadedRenderer, missingForGpu } from './gpu/device/machine.node.js';
import type { CalibrateOptions, Calibration, LossListener, Selection, SelectOptions } from './index.js';
import { calibrate, candidates, createGpuKernels, selectBackend } from './index.js';
import type { WideLanes } from './wide-lanes.node.js';
import { enableWideLanes } from './wide-lanes.node.js';

const HERE = fileURLToPath(import.meta.url);

/** The name of the backend that needs relaxed SIMD, and the flag that enables it in V8 11.3 (Node 20). */
const RELAXED = 'wasm-relaxed';
const FLAG = '--experimental-wasm-relaxed-simd';

/** Backends without WebAssembly. */
const WITHOUT_LANES = ['cpu', 'reference'];

/** What is measured, on request, for a software rasterizer, to which nothing is sent. */
const SOFTWARE: CalibrateOptions = {
  sizes: [64, 128, 256, 512],
  layers: [
    [8, 64],
    [16, 128],
  ],
};

/** What Node adds to the selection of a backend: the name of the renderer, which headless-gl does not report. */
export const nodeOptions: SelectOptions = { gpu: { renderer: loadedRenderer } };

/**
 * The backend of that name, for float32. If `wasm-relaxed` is requested and the engine lacks relaxed SIMD, V8 is given its flag
 * first, for the whole process; the reason then says so. WebAssembly gets 256-bit lanes if `enableWideLanes` can enable them.
 *
 * @param threads number of threads that will use it: a device serves only one, so `auto` stays on the CPU for several
 * @throws ArgumentError, UnsupportedError as `selectBackend` does
 */
export async function selectOnMachine(
  name: string,
  onLost?: LossListener,
  { threads = 1 }: { readonly threads?: number | 'auto' } = {},
): Promise<Selection> {
  const flagged = name === RELAXED && !(await opens(RELAXED));
  if (flagged) setFlagsFromString(FLAG);
  const lanes = WITHOUT_LANES.includes(name) ? undefined : await lanesFor(name);
  const obstacle = threads === 1 ? deviceObstacle() : 'it runs on one thread only, and more were requested';
  const calibration = name === 'auto' && obstacle === undefined ? await machineCalibration() : undefined;
  const options = { ...nodeOptions, backend: name, dtype: 'float32', onLost, calibration } as const;
  const selection = withLanes(await selectBackend(options), lanes);
  if (flagged) return { ...selection, reason: `${selection.reason}, with V8's flag ${FLAG}` };
  if (name !== 'auto' || obstacle === undefined) return selection;
  return { ...selection, rejected: [...selection.rejected, { backend: 'gpu', reason: obstacle }] };
}

/** Enables 256-bit lanes for the backend of that name, as the commands do. */
export function lanesFor(name: string): Promise<WideLanes> {
  return enableWideLanes({
    relaxedSimd: name === RELAXED,
    warn: (message) => void process.stderr.write(`warning: ${message}\n`),
  });
}

function withLanes(selection: Selection, lanes: WideLanes | undefined): Selection {
  return lanes?.on ? { ...selection, reason: `${selection.reason}, with lanes of 256 bits` } : selection;
}

/** What is missing here for a device, in a few words; undefined if nothing is. */
function deviceObstacle(): string | undefined {
  const names = missingForGpu(HERE).map((what) => what.split(/[:,]| is /)[0]);
  return names.length === 0 ? undefined : `${names.join(' and ')} missing, see bptt doctor`;
}

/**
 * The sizes from which the device of this machine is faster, measured once and cached in the user's cache folder. Undefined if
 * gpu.js, its native module or a display is missing.
 *
 * @param redo measures again
 */
export async function machineCalibration({ redo = false } = {}): Promise<Calibration | undefined> {
  if (missingForGpu(HERE).length > 0) return undefined;
  const kept = redo ? undefined : readCalibration();
  if (kept !== undefined) return kept;
  const { kernels: host } = await selectBackend({ dtype: 'float32' });
  try {
    const device = await createGpuKernels(nodeOptions.gpu);
    const calibration = calibrate(device, host, redo && device.device.software ? SOFTWARE : {});
    device.dispose();
    keepCalibration(calibration);
    return calibration;
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined; // `bptt doctor` says why
    throw error;
  } finally {
    host.dispose();
  }
}

async function opens(name: string): Promise<boolean> {
  const opened = await candidates.find((candidate) => candidate.name === name)?.open('float32');
  if (opened === undefined || 'declined' in opened) return false;
  opened.kernels.dispose();
  return true;
}
