/**
 * The inputs and outputs of a pass over one layer, and its memory layout: the tensors of all steps, and the views of single steps
 * into them. Nothing is computed here; `unroll.ts` does that.
 */
import type { Cell, CellParams, ForwardCell, Saved, State } from '../cells/cell.js';
import { fusedName } from '../cells/cell.js';
import type { AsyncResidentLayer, FusedScan, Kernels, ResidentLayer } from '../kernels/types.js';
import { fill } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { rows } from '../tensor/view.js';
import type { Packing } from './packing.js';
import { reversal } from './packing.js';
import type { Truncation, Window } from './truncate.js';

/** Which end of each sequence the recurrence starts from. */
export type Direction = 'forward' | 'reverse';

/**
 * What is kept of a pass.
 *
 *   nothing     only outputs and final states: for evaluation, without a backward pass
 *   gradients   also what the backward pass needs, possibly on a device: for training
 *   steps       also every step, on the host: for inspecting a layer
 */
export type Keep = 'nothing' | 'gradients' | 'steps';

/** Options of the forward pass. */
export interface UnrollOptions {
  /** Default `forward`. */
  readonly direction?: Direction;
  /**
   * State before the first step, each `[B, H]` in packed order: row b for the caller's sequence `packing.order[b]`. `initialFor`
   * makes it from states in the caller's order. Default: learned (`h0`), else zero.
   */
  readonly initial?: State;
  /**
   * Masks of the cell by name, `[N, width·H]` each, in the row order of the input: see `ForwardCell.masks` and `drawMasks`. An
   * omitted one is its mean everywhere.
   */
  readonly masks?: Readonly<Record<string, Tensor>>;
  /**
   * What to keep; default `steps`. With less, a backend that runs whole layers on a device may run this one there, and
   * intermediate results stay there. `states`, `saved` and the results of a backward pass can still be read: they are then
   * computed on the host, from the current values of the parameters. After `nothing` no backward pass is possible.
   */
  readonly keep?: Keep;
}

/** What the forward pass returns, and its backward needs. After the forward half of a cell no backward pass is possible. */
export interface Unrolled<P extends CellParams = CellParams, C extends ForwardCell<P> = Cell<P>> {
  readonly cell: C;
  readonly params: P;
  readonly packing: Packing;
  readonly direction: Direction;
  readonly keep: Keep;
  /** `[N, H]` output of every step, packed rows in the order of the input; `unpackFloats` gives one matrix per sequence. */
  readonly y: Tensor;
  /**
   * Each `[B, H]` in packed order: the state after the last step of each sequence (for `reverse`, that is its first token).
   * `finalOf` gives the caller's order; another batch may be sorted differently.
   */
  readonly final: State;
  /** `[N, D]` the input, in the row order of the scan. */
  readonly x: Tensor;
  /** Each `[B + N, H]`: initial state, then the state after every step, in the row order of the scan. */
  readonly states: State;
  /** Each `[N, width·H]`: what the cell saved, in the row order of the scan. */
  readonly saved: Saved;
  /** Whether the initial state came from `params.h0`, which then receives its gradient. */
  readonly learnedInitial: boolean;
  /** The layer on its device, if it ran there. `onDeviceLater` is the same for an asynchronous device. */
  readonly onDevice?: ResidentLayer;
  readonly onDeviceLater?: AsyncResidentLayer;
}

/** The gradients that flow in, where the results go, and how far back they flow. */
export interface BackwardOptions {
  /** `[N, D]` accumulates ∂L/∂x, packed rows as x; omit it if you do not need it. */
  readonly dX?: Tensor;
  /** Each `[B, H]` in packed order, as `final`: ∂L/∂final, if a loss reads the final state. */
  readonly dFinal?: Partial<State>;
  /** Truncated BPTT; default: none. */
  readonly truncate?: Truncation;
  /**
   * Called after every backward step, last step first, with views that later steps overwrite: copy what you want to keep. The
   * steps then run one by one on the host, on every backend.
   */
  readonly onStep?: OnStep;
}

/** Observes a step of a backward pass that was just completed. */
export type OnStep = (step: BackwardStep) => void;

/** One step of a backward pass. Rows are those of the B_t sequences that run at step t. */
export interface BackwardStep {
  /** In the order of the scan: 0 is the first step of a direction. */
  readonly t: number;
  /** The sweep this step belongs to: all steps, or a window of truncated BPTT. */
  readonly window: Window;
  /** Each `[B_t, H]`: ∂L/∂(state after step t), complete. */
  readonly dNext: State;
  /** Each `[B_t, H]`: ∂L/∂(state before step t) so far: from the loss, and from this step. It is already truncated. */
  readonly dPrev: State;
  /** Each `[B_t, width·H]`: what the step saved, and what its backward left. */
  readonly saved: Saved;
}

/** What the backward pass leaves for inspecting gradients, in the row order of the scan. */
export interface BackwardPass {
  /** Each `[B, H]` in packed order, as `initial`: ∂L/∂(initial state); `toCallerOrder` undoes the order. */
  readonly dInitial: State;
  /** Each `[B + N, H]`: ∂L/∂(state) in full, at every step: from the loss and through time. */
  readonly dStates: State;
  /** Each `[N, width·H]`: `da` and its companions. */
  readonly stepGrads: Saved;
}

/** A new matrix `[map.length, W]` whose row r is row `map[r]` of `x`. */
export function gatherRows(kernels: Kernels, x: Tensor, map: Int32Array): Tensor {
  const out = kernels.empty([map.length, x.shape[1]], x);
  kernels.rows.gather(out, x, map);
  return out;
}

/** Maps rows from the caller's order to that of the scan, or back: the reverse direction reads every sequence from its end. */
export function inScanOrder(
  kernels: Kernels,
  x: Tensor,
  { direction, packing }: Pick<Unrolled, 'direction' | 'packing'>,
): Tensor {
  return direction === 'forward' ? x : gatherRows(kernels, x, reversal(packing));
}

/** The state before step t: the first B_t rows of block t − 1, where block −1 is the initial state. */
export function before(states: State, packing: Packing, t: number): State {
  const start = t === 0 ? 0 : packing.batch + packing.offsets[t - 1];
  return mapRecord(states, (x) => rows(x, start, packing.batchSizes[t]));
}

/** The state after step t: block t. */
export function after(states: State, packing: Packing, t: number): State {
  return mapRecord(states, (x) => rows(x, packing.batch + packing.offsets[t], packing.batchSizes[t]));
}

/** The rows of step t of everything a cell saves. */
export function at(saved: Saved, packing: Packing, t: number): Saved {
  return mapRecord(saved, (x) => rows(x, packing.offsets[t], packing.batchSizes[t]));
}

/** `[N, H]` the hidden state every row started from: the left factor of dWh. */
export function previousStates<P extends CellParams>(kernels: Kernels, { packing, states }: Unrolled<P>): Tensor {
  const { steps, batch, total, batchSizes, offsets } = packing;
  if (batchSizes[steps - 1] === batch) return rows(states.h, 0, total); // equal lengths: already in place
  const map = new Int32Array(total);
  for (let t = 0; t < steps; t++) {
    const start = t === 0 ? 0 : batch + offsets[t - 1];
    for (let b = 0; b < batchSizes[t]; b++) map[offsets[t] + b] = start + b;
  }
  return gatherRows(kernels, states.h, map);
}

/** Row, in the matrix of all states, of the state after the last step of sequence b. */
export function finalRow(
  { lengths, offsets, batch }: Pick<Packing, 'lengths' | 'offsets' | 'batch'>,
  b: number,
): number {
  return lengths[b] === 0 ? b : batch + offsets[lengths[b] - 1] + b;
}

/** Whether the initial state comes from the parameters. */
export function startsLearned(params: CellParams, initial: State | undefined): boolean {
  return initial === undefined && params.h0 !== undefined;
}

/** Adds the state before the first step to zeros, each `[B, H]`. */
export function addInitial(kernels: Kernels, start: State, params: CellParams, initial: State | undefined): void {
  for (const [name, x] of Object.entries(start)) {
    if (initial) kernels.rows.addMatrix(x, initial[name]);
    else if (params[`${name}0`]) kernels.rows.addToEveryRow(x, params[`${name}0`]);
  }
}

/** The backend's own time loop for a cell, if it has one that equals its steps. */
export function fusedScan(kernels: Kernels, cell: ForwardCell<never>): FusedScan | undefined {
  const name = fusedName(cell);
  return name === undefined ? undefined : kernels.fused?.[name];
}

/** Allocates everything the scan writes and fills in bias and initial state. */
export function prepare<P extends CellParams, C extends ForwardCell<P>>(
  kernels: Kernels,
  cell: C,
  params: P,
  x: Tensor,
  packing: Packing,
  { direction = 'forward', initial, keep = 'steps', masks }: UnrollOptions,
): Unrolled<P, C> {
  const H = params.Wh.shape[0];
  const { batch, total } = packing;
  const overwrites = fusedScan(kernels, cell)?.overwrites;
  const states = record(cell.states, () => statesOf(kernels, packing, H, x, overwrites !== undefined)) as unknown as State; // prettier-ignore
  const learnedInitial = startsLearned(params, initial);
  addInitial(
    kernels,
    mapRecord(states, (x) => rows(x, 0, batch)),
    params,
    initial,
  );
  const saved = record(Object.keys(cell.saved), (name) => {
    const shape = [total, cell.saved[name] * H];
    const mask = masks?.[name];
    if (mask) return inScanOrder(kernels, mask, { direction, packing });
    const written = name === 'a' || overwrites?.forward.includes(name);
    const out = (written ? kernels.empty : kernels.zeros)(shape, x);
    if (cell.masks?.[name]) fill(out, cell.masks[name].mean);
    return out;
  });
  kernels.rows.setEveryRow(saved.a, params.b);
  const scanned = inScanOrder(kernels, x, { direction, packing });
  const y = rows(states.h, batch, total);
  return { cell, params, packing, direction, keep, x: scanned, states, saved, y, final: states, learnedInitial };
}

/**
 * `[B + N, H]`: zeros in the first B rows, where sequences start; the rows after them are uninitialized if the scan overwrites
 * them, else zeros.
 */
function statesOf(kernels: Kernels, { batch, total }: Packing, H: number, like: Tensor, overwritten: boolean): Tensor {
  if (!overwritten) return kernels.zeros([batch + total, H], like);
  const x = kernels.empty([batch + total, H], like);
  fill(rows(x, 0, batch), 0);
  return x;
}

/** Results in the order of the caller: outputs un-reversed, final states gathered from where each sequence ended. */
export function finish<P extends CellParams, C extends ForwardCell<P>>(
  kernels: Kernels,
  unrolled: Unrolled<P, C>,
): Unrolled<P, C> {
  const { packing, states, y } = unrolled;
  const last = Int32Array.from({ length: packing.batch }, (_, b) => finalRow(packing, b));
  const final = mapRecord(states, (x) => gatherRows(kernels, x, last));
  return { ...unrolled, final, y: inScanOrder(kernels, y, unrolled) };
}

/** The pass without its steps: they are recomputed when they are read. */
export function withoutSteps<P extends CellParams, C extends ForwardCell<P>>(
  pass: Omit<Unrolled<P, C>, 'states' | 'saved'>,
  compute: () => Unrolled<P, C>,
): Unrolled<P, C> {
  const steps = once(compute);
  return {
    ...pass,
    get states() {
      return steps().states;
    },
    get saved() {
      return steps().saved;
    },
  };
}

/** A function that computes its result on the first call only. */
export function once<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => (result ??= { value: compute() }).value;
}

/**
 * Zeros for everything a backward pass leaves.
 *
 * @param atOnce whether the backend's own time loop will run all steps: what it overwrites may then be uninitialized
 */
export function emptyBackward<P extends CellParams>(
  kernels: Kernels,
  { cell, states, packing }: Unrolled<P>,
  atOnce: boolean,
): BackwardPass {
  const overwritten = atOnce ? fusedScan(kernels, cell)?.overwrites?.backward : undefined;
  const H = states.h.shape[1];
  const dStates = mapRecord(states, (x) => kernels.zeros(x.shape, x));
  const stepGrads = record(Object.keys(cell.stepGrads), (name) =>
    (overwritten?.includes(name) ? kernels.empty : kernels.zeros)([packing.total, cell.stepGrads[name] * H], states.h),
  );
  return { dStates, stepGrads, dInitial: mapRecord(dStates, (x) => rows(x, 0, packing.batch)) };
}

/** Adds the gradient of the scanned input to the caller's, undoing the reversal. */
export function deliver<P extends CellParams>(
  kernels: Kernels,
  dX: Tensor,
  dx: Tensor,
  { direction, packing }: Unrolled<P>,
): void {
  if (direction === 'forward') kernels.rows.addMatrix(dX, dx);
  else kernels.rows.scatterAdd(dX, dx, reversal(packing));
}

/** Runs the backend's own time loop, if it has one for this cell; false if the steps have to run one by one. */
export function runFused<P extends CellParams>(
  kernels: Kernels,
  way: 'forward' | 'backward',
  { cell, packing, params, states, saved }: Scanned<P>,
  dStates?: State,
): boolean {
  const fused = fusedScan(kernels, cell);
  if (fused === undefined) return false;
  const scan = { batchSizes: packing.batchSizes, params, states, cache: saved };
  if (fused[way](dStates ? { ...scan, dStates } : scan)) return true;
  // The backend declined, and the steps start from zeros.
  for (const name of fused.overwrites?.[way] ?? []) fill(saved[name], 0);
  if (way === 'forward') for (const x of Object.values(states)) fill(rows(x, packing.batch, packing.total), 0);
  return false;
}

/** What a scan works on. */
type Scanned<P extends CellParams> = Pick<
  Unrolled<P, ForwardCell<P>>,
  'cell' | 'packing' | 'params' | 'states' | 'saved'
>;

/** Tensors by name. */
export function record(names: readonly string[], make: (name: string) => Tensor): Record<string, Tensor> {
  const out: Record<string, Tensor> = {};
  for (const name of names) out[name] = make(name);
  return out;
}

function mapRecord<R extends Readonly<Record<string, Tensor>>>(tensors: R, f: (x: Tensor) => Tensor): R {
  const out: Record<string, Tensor> = {};
  for (const name of Object.keys(tensors)) out[name] = f(tensors[name]);
  return out as R;
}
