/**
 * A recurrent layer on a device: project, scan and collect, with intermediate results in textures. Forward uploads the
 * parameters, x and the initial states, and reads back one matrix: h of all rows and the last c. Backward uploads dY and the
 * gradient of the final states, and reads back the gradients of the parameters with those of the initial states, and dX.
 *
 * Steps are padded to all B rows of the batch, products over all rows have packed rows, so nothing is computed for padding
 * there. A kernel writes a whole matrix and cannot write into a part of one. The matrices of T steps are therefore joined five at
 * a time, in about T/4 draws, and the packed rows are gathered from the last ones. Adding dW up step by step instead would take
 * 2T draws and write all of dWx and dWh in each.
 *
 * Both directions are generators that yield the results of the device or promises of them, so one implementation serves both
 * kinds of devices; see `kernels/work.ts`. Tensors on the host are written only after the last result. An error frees everything
 * this call has made.
 */
import type { LayerGradients, LayerSize, LayerTensors } from '../../types.js';
import type { Work } from '../../work.js';
import type { KernelCache } from '../device/kernel-cache.js';
import { expectAlive, expectMode } from '../device/kernel-cache.js';
import type { GpuTexture } from '../device/library.js';
import type { DeviceCell, Pass } from './pass.js';
import type { Rows } from './pack.js';
import { addRows, addStacked, copyRows, sideBySide, stackParameters } from './pack.js';
import type { Tail } from './sources.js';
import {
  FAN,
  UPLOAD,
  gatherSource,
  gradientSource,
  inputGradientSource,
  joinSource,
  projectSource,
  stackedRows,
} from './sources.js';
import { padded, powerOfTwo } from '../device/limits.js';

type Named = Readonly<Record<string, GpuTexture>>;

/** A running layer: its sizes, padded, and its live textures. */
export interface Run extends LayerSize {
  readonly cache: KernelCache;
  readonly cell: DeviceCell;
  readonly batchSizes: Int32Array;
  readonly offsets: Int32Array;
  /** Rows of a step and of all steps, padded. */
  readonly Bp: number;
  readonly Np: number;
  /** Rows of `a` and `dY`: a power of two, so that batches of all lengths share the few kernels of the steps. */
  readonly Nq: number;
  /** Index of each packed row among the B rows of all steps; −1 for padding. */
  readonly places: Float32Array;
  readonly textures: Set<GpuTexture>;
}

/** What a forward pass leaves on the device. */
export interface Kept {
  readonly run: Run;
  readonly W: GpuTexture;
  readonly x: GpuTexture;
  /** `[B, ·]` the initial state, then the state after every step. */
  readonly states: readonly GpuTexture[];
  /** Per step, the results of its forward passes. */
  readonly caches: readonly Named[];
  /** All states, joined as far as one kernel can read them. */
  readonly joined: readonly GpuTexture[];
}

/** Prepares a run of a layer. */
export function runOf(cache: KernelCache, cell: DeviceCell, { batchSizes, x, initial }: LayerTensors): Run {
  const [N, D] = x.shape;
  const [B, H] = initial.h.shape;
  const [Bp, Np] = [padded(B), padded(N)];
  const Nq = powerOfTwo(Np);
  const places = new Float32Array(Np).fill(-1);
  const offsets = new Int32Array(batchSizes.length);
  let n = 0;
  batchSizes.forEach((running, t) => {
    offsets[t] = n;
    for (let b = 0; b < running; b++) places[n++] = t * Bp + b;
  });
  const steps = batchSizes.length;
  return { cache, cell, batchSizes, offsets, D, H, B, N, steps, Bp, Np, Nq, places, textures: new Set() };
}

/** Project and scan. Writes `y` and `final`. */
export function* forwardOn(run: Run, layer: LayerTensors): Work<Kept> {
  const { cell, D, H, Bp, Np, Nq, steps } = run;
  const W = yield* upload(run, stackParameters(cell, layer.params), [cell.gates * H, stackedRows(cell, D, H)]);
  const x = yield* upload(run, sideBySide([layer.x], D, Np), [D, Np]);
  const initial = cell.states.map((name) => layer.initial[name]);
  const states = [yield* upload(run, sideBySide(initial, cell.stateWidth * H, Bp), [cell.stateWidth * H, Bp])];
  const a = yield* draw(run, projectSource(D, Np), [cell.gates * H, Nq], [x, W]);
  const caches: Named[] = [];
  for (let t = 0; t < steps; t++) {
    const made = yield* step(run, cell.forward, t, { a, W, S: states[t] });
    states.push(made.next);
    if (layer.keep) caches.push(made);
    else free(run, ...Object.values(made).filter((texture) => texture !== made.next));
  }
  free(run, a);
  const joined = yield* join(run, states, H);
  const tail = { N: Np, B: Bp, H, count: cell.states.length };
  const out = yield* gather(run, joined, [H, Np + tail.count * Bp], Bp, tail, [states[steps]]);
  const rows = yield* read(run, out);
  copyRows(layer.y, rows);
  cell.states.forEach((name, s) => copyRows(layer.final[name], rows, Np + s * Bp));
  return { run, W, x, states, caches, joined };
}

/** Scan and collect. Adds to `grads` and `dX`, writes `dInitial`. */
export function* backwardOn({ run, W, x, ...kept }: Kept, into: LayerGradients): Work<void> {
  const { cell, D, H, Bp, Np, Nq, steps } = run;
  const dY = yield* upload(run, sideBySide([into.dY], H, Nq), [H, Nq]);
  const width = cell.states.length * H;
  const dFinal = cell.states.map((name) => into.dFinal[name]);
  let carry = yield* upload(run, sideBySide(dFinal, width, Bp), [width, Bp]);
  const lefts = new Array<GpuTexture>(steps);
  for (let t = steps - 1; t >= 0; t--) {
    const seen = { ...kept.caches[t], W, dY, carry, S: kept.states[t] };
    const { left, carry: before, ...rest } = yield* step(run, cell.backward, t, seen);
    lefts[t] = left;
    free(run, carry, ...Object.values(rest));
    carry = before;
  }
  const columns = cell.leftWidth * H;
  const left = yield* gather(run, yield* join(run, lefts, columns), [columns, Np], 0);
  const h = yield* gather(run, kept.joined, [H, Np], 0);
  const rows = stackedRows(cell, D, H);
  const size = [cell.gates * H, rows + Bp] as const;
  const gradients = yield* draw(run, gradientSource(cell, D, H, Np), size, [x, h, left, carry]);
  const dX = into.dX && (yield* draw(run, inputGradientSource(cell.gates * H), [D, Np], [left, W]));
  const found = yield* read(run, gradients);
  const foundX = dX && (yield* read(run, dX));
  addStacked(cell, found, into.grads);
  cell.states.forEach((name, s) => copyRows(into.dInitial[name], found, rows, s * H));
  if (into.dX && foundX) addRows(into.dX, foundX);
}

/** Frees all that a layer holds. */
export function release({ textures }: Run): void {
  try {
    for (const texture of textures) texture.delete();
  } catch {
    // A lost device has lost its textures too, whatever error it throws.
  }
  textures.clear();
}

/** The passes of step t, one after another. */
function* step(run: Run, passes: readonly Pass[], t: number, seen: Named): Work<Record<string, GpuTexture>> {
  const { H, Bp, batchSizes, offsets } = run;
  const made: Record<string, GpuTexture> = {};
  for (const { name, width, reads, body } of passes) {
    const source = `function (${reads.join(', ')}, offset, running) {\n${body}\n}`;
    const inputs = reads.map((each) => made[each] ?? seen[each]);
    made[name] = yield* draw(run, source, [width * H, Bp], inputs, [offsets[t], batchSizes[t]]);
  }
  return made;
}

/** Joins matrices of B rows, one below the other, until one kernel can read all of them. */
function* join(run: Run, parts: readonly GpuTexture[], width: number): Work<readonly GpuTexture[]> {
  let level = parts;
  for (let rows = run.Bp; level.length > FAN; rows *= FAN) {
    const above: GpuTexture[] = [];
    for (let i = 0; i < level.length; i += FAN) {
      above.push(yield* draw(run, joinSource(rows), [width, FAN * rows], filled(level, i)));
    }
    if (level !== parts) free(run, ...level);
    level = above;
  }
  return level;
}

/** FAN parts from the i-th on; past the end the last one is repeated, to which no index points. */
const filled = (parts: readonly GpuTexture[], i = 0): GpuTexture[] =>
  Array.from({ length: FAN }, (_, k) => parts[Math.min(i + k, parts.length - 1)]);

function* gather(
  run: Run,
  parts: readonly GpuTexture[],
  output: readonly [number, number],
  shift: number,
  tail?: Tail,
  last: readonly GpuTexture[] = [],
): Work<GpuTexture> {
  const { cache, places, Np } = run;
  const input = cache.device.library.input(places, [1, Np]);
  const source = gatherSource(parts[0].output[1], tail);
  return yield* draw(run, source, output, [...filled(parts), input, ...last], [shift]);
}

function* upload(run: Run, values: Float32Array, size: readonly [number, number]): Work<GpuTexture> {
  return yield* draw(run, UPLOAD, size, [run.cache.device.library.input(values, [...size])]);
}

/**
 * Runs a kernel, compiled for the sizes of what it reads. gpu.js could leave them open, but llvmpipe would then compile at every
 * call.
 */
function* draw(
  { cache, textures }: Run,
  source: string,
  output: readonly [number, number],
  inputs: readonly unknown[],
  numbers: readonly number[] = [],
): Work<GpuTexture> {
  const sizes = inputs.map((input) => (input as Partial<GpuTexture>).output?.join('x') ?? '');
  const key = [output.join('x'), ...sizes, source].join(' ');
  const settings = { ...SETTINGS, output };
  const { kernel } = cache.get(key, () => ({
    kernel: cache.device.gpu.createKernel(source, settings),
    bytes: TEXEL * output[0] * output[1],
  }));
  const texture = (yield kernel(...inputs, ...numbers)) as GpuTexture;
  expectMode(cache.device, kernel);
  textures.add(texture);
  return texture;
}

const SETTINGS = { precision: 'single', tactic: 'precision', pipeline: true, immutable: true } as const;

const TEXEL = 16;

function* read({ cache }: Run, texture: GpuTexture): Work<Rows> {
  const rows = (yield texture.toArray()) as Rows;
  expectAlive(cache.device);
  return rows;
}

function free({ textures }: Run, ...done: readonly GpuTexture[]): void {
  for (const texture of done) {
    if (textures.delete(texture)) texture.delete();
  }
}
