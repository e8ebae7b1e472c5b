/**
 * The signed-share ledger: of each gradient dP = Σ A[m,k], how much of it each addend is,
 *
 *   (1)  share[m,k] = ⟨A[m,k], dP⟩ / ‖dP‖²           Σ share = 1; negative where an addend is against the sum
 *   (2)  cancellation = ‖dP‖ / Σ ‖A[m,k]‖            1: all agree, 0: all cancel
 */
import type { TensorRecord } from '../autograd/grads.js';
import type { Tensor } from '../tensor/types.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Addend, Addends } from './addends.js';
import { norm } from './numbers.js';
import { refTo } from './refs.js';
import type { ElementTrace, LedgerTrace } from './trace.js';

/** Whether loss m can reach word k through a parameter. */
export type Connected = (addends: Addends, m: number, k: number) => boolean;

/** The ledger of one parameter: all of its columns, then each gate's. */
export interface LedgerResult {
  readonly entries: LedgerTrace[];
  /** max|Σ A − dP| over max|dP|, 0 where both are zero. */
  readonly residual: number;
}

/** Makes up the ledger of a parameter. @param gradient dP, row-major from offset 0 */
export function ledgerOf(
  addends: Addends,
  gradient: Tensor,
  [M, T]: readonly [number, number],
  connected: Connected,
): LedgerResult {
  const blocks = blocksOf(addends);
  const books = blocks.map((block) => openBook(block, gradient, M, T));
  const sum = new Float64Array(gradient.data.length);
  for (let k = 0; k < T; k++) {
    const used = new Float64Array(sum.length);
    for (let m = 0; m < M; m++) {
      const addend = connected(addends, m, k) ? addends.of(m, k) : null;
      if (addend === null) continue;
      for (const book of books) book.enter(m, k, addend);
      for (let i = 0; i < addend.values.length; i++) used[addend.offset + i] += addend.values[i];
    }
    for (const book of books) book.endWord(k, used);
    for (let i = 0; i < sum.length; i++) sum[i] += used[i];
  }
  const { param, layer, direction } = addends;
  const entries = books.map((book) => ({ param, gate: book.gate, layer, direction, ...book.close() }));
  return { entries, residual: worstOf(sum, gradient.data) };
}

function worstOf(sum: Float64Array, gradient: ArrayLike<number>): number {
  let [worst, size] = [0, 0];
  for (let i = 0; i < sum.length; i++) {
    const off = Math.abs(sum[i] - gradient[i]);
    if (!(off <= worst)) worst = off;
    size = Math.max(size, Math.abs(gradient[i]));
  }
  return worst === 0 ? 0 : worst / size;
}

/** Columns `start … start + count − 1` of rows of `width`; all of them for no gate. */
interface Block {
  readonly gate: string | null;
  readonly width: number;
  readonly start: number;
  readonly count: number;
}

function blocksOf({ gates, shape }: Addends): Block[] {
  const width = shape[shape.length - 1];
  const count = width / Math.max(gates.length, 1);
  const own = gates.map((gate, g): Block => ({ gate, width, start: g * count, count }));
  return [{ gate: null, width, start: 0, count: width }, ...own];
}

/** The part of some elements that lies in a block. Blocks of all columns are taken as they are. */
function partOf({ width, start, count }: Block, values: ArrayLike<number>, offset = 0): ArrayLike<number> {
  if (count === width) return values;
  return Array.from(values).filter((_, i) => (offset + i) % width >= start && (offset + i) % width < start + count);
}

function openBook(block: Block, gradient: Tensor, M: number, T: number) {
  const whole = partOf(block, gradient.data);
  const size = norm(whole);
  const shares = Array.from({ length: M }, () => new Array<number | null>(T).fill(null));
  const norms = Array.from({ length: M }, () => new Array<number | null>(T).fill(null));
  const uses = new Array<number>(T).fill(0);
  let [total, paths] = [0, 0];
  return {
    gate: block.gate,
    enter(m: number, k: number, { offset, values }: Addend): void {
      const own = partOf(block, values, offset);
      const against = block.count === block.width ? Array.from(own, (_, i) => whole[offset + i]) : whole;
      const share = shareOf(own, against, size); // (1)
      const length = norm(own);
      shares[m][k] = share;
      norms[m][k] = length;
      total += share;
      paths += length;
    },
    endWord(k: number, used: Float64Array): void {
      uses[k] = norm(partOf(block, used));
    },
    close: () => ({ norm: size, cancellation: size / paths, shares, total, norms, uses }), // (2)
  };
}

/** Both vectors are divided by ‖dP‖ first, so that tiny gradients keep their shares. */
function shareOf(own: ArrayLike<number>, whole: ArrayLike<number>, size: number): number {
  let sum = 0;
  for (let i = 0; i < own.length; i++) sum += (own[i] / size) * (whole[i] / size);
  return sum;
}

/** The sum of the addends that a mask keeps: what is left of a gradient. */
export function maskedGradient(
  addends: Addends,
  [M, T]: readonly [number, number],
  kept: (m: number, k: number) => boolean,
): Float64Array {
  const sum = new Float64Array(addends.shape.reduce((product, n) => product * n, 1));
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < T; k++) {
      const addend = kept(m, k) ? addends.of(m, k) : null;
      if (addend === null) continue;
      for (let i = 0; i < addend.values.length; i++) sum[addend.offset + i] += addend.values[i];
    }
  }
  return sum;
}

/** A weight by the name of its parameter and its place in it. */
export interface Place {
  readonly param: string;
  readonly index: readonly number[];
}

/** The largest element of dWh of every layer and direction. */
export function largestElements(all: readonly Addends[], grads: TensorRecord): Place[] {
  return all
    .filter(({ param, layer }) => layer !== null && param.endsWith('.Wh'))
    .map(({ param, shape }) => {
      const { data } = grads[param];
      let best = 0;
      for (let i = 1; i < data.length; i++) if (Math.abs(data[i]) > Math.abs(data[best])) best = i;
      return { param, index: [Math.floor(best / shape[1]), best % shape[1]] };
    });
}

/**
 * One weight's gradient, use by use.
 *
 * @throws ArgumentError on a parameter without addends, or a place outside of it
 */
export function elementOf(
  all: readonly Addends[],
  { param, index }: Place,
  grads: TensorRecord,
  [M, T]: readonly [number, number],
  connected: Connected,
): ElementTrace {
  const addends = all.find((each) => each.param === param);
  if (addends === undefined) {
    const known = all.map((each) => each.param).join(', ');
    throw new ArgumentError(`inspect: elements must name a parameter, one of ${known}; got '${param}'`);
  }
  const { shape } = addends;
  if (index.length !== shape.length || index.some((i, axis) => !(Number.isInteger(i) && i >= 0 && i < shape[axis]))) {
    throw new ArgumentError(
      `inspect: elements must lie in ${param} [${shape.join(', ')}], counted from 0; got [${index.join(', ')}]`,
    );
  }
  const flat = index.reduce((at, i, axis) => at * shape[axis] + i, 0);
  const addend = (m: number, k: number): number | null => {
    const found = connected(addends, m, k) ? addends.of(m, k) : null;
    return found && (found.values[flat - found.offset] ?? 0);
  };
  const table = Array.from({ length: M }, (_, m) => Array.from({ length: T }, (_, k) => addend(m, k)));
  const uses = Array.from({ length: T }, (_, k) => table.reduce((sum, row) => sum + (row[k] ?? 0), 0));
  return { param, index, ref: refOf(param, index), uses, addends: table, total: grads[param].data[flat] };
}

/** Where the gradient of a weight stands in a trace; empty for one that it does not hold. */
export function refOf(param: string, index: readonly number[]): string {
  const [room, place, ...rest] = param.split('.');
  const at = index.length === 1 ? [0, ...index] : index;
  if (room === 'layers') return refTo('layers', place, rest[0], 'dWeights', rest.slice(1).join('.'), ...at);
  return room === 'heads' ? refTo('head', 'dWeights', rest.join('.'), ...at) : '';
}
