/**
 * The signed-share ledger: of each gradient dP = Σ A[m,k], how much of it each addend is,
 *
 *   (1)  share[m,k] = ⟨A[m,k], dP⟩ / ‖dP‖²           Σ share = 1; negative where an addend is against the sum
 *   (2)  cancellation = ‖dP‖ / Σ ‖A[m,k]‖            1: all agree, 0: all cancel
 *
 * Where A = u ⊗ v, column by column of a gate, neither needs A itself:
 *
 *   (3)  ⟨A, dP⟩ = (uᵀ·dP)·v                         uᵀ·dP once per word
 *   (4)  ‖A‖ = ‖u‖·‖v‖
 */
import type { TensorRecord } from '../autograd/grads.js';
import type { Tensor } from '../tensor/types.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Addends, Factors, Use, Whole } from './addends.js';
import { gridOf } from './addends.js';
import { norm } from './numbers.js';
import { refTo } from './refs.js';
import type { SeedBatch } from './seeds.js';
import type { ElementTrace, LedgerTrace } from './trace.js';

/** Whether loss m can reach word k through a parameter. */
export type Connected = (addends: Addends, m: number, k: number) => boolean;

/** The ledger of one parameter: all of its columns, then each gate's. */
export interface LedgerResult {
  readonly entries: LedgerTrace[];
  /** max|Σ A − dP| over max|dP|, 0 where both are zero. */
  readonly residual: number;
}

/** A ledger under construction, batch by batch of losses. */
export interface LedgerBook {
  enter(batch: SeedBatch): void;
  close(): LedgerResult;
}

/** Starts the ledger of a parameter. @param gradient dP, row-major from offset 0 */
export function ledgerOf(
  addends: Addends,
  gradient: Tensor,
  [M, T]: readonly [number, number],
  connected: Connected,
): LedgerBook {
  const { parts } = addends;
  const tables = tablesOf(addends, gradient, [M, T]);
  const counter =
    parts.kind === 'factors'
      ? byFactors(addends, parts, gradient, T, tables)
      : whole(addends, parts, gradient, T, tables);
  return {
    enter(batch) {
      for (let b = 0; b < batch.count; b++) {
        const m = batch.from + b;
        for (let k = 0; k < T; k++) if (connected(addends, m, k)) counter.enter(batch, b, k);
      }
    },
    close() {
      const { param, layer, direction } = addends;
      counter.endWords();
      const entries = tables.map(({ gate, close }) => ({ param, gate, layer, direction, ...close() }));
      return { entries, residual: worstOf(counter.sum, gradient.data) };
    },
  };
}

/** Enters addends into tables. */
interface Counter {
  /** Σ A, complete after `endWords`. */
  readonly sum: Float64Array;
  enter(batch: SeedBatch, b: number, k: number): void;
  endWords(): void;
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

/** The table of columns `start … start + count − 1`; all columns if no gate is given. */
function openTable(gate: string | null, start: number, count: number, size: number, [M, T]: readonly [number, number]) {
  const shares = Array.from({ length: M }, () => new Array<number | null>(T).fill(null));
  const norms = Array.from({ length: M }, () => new Array<number | null>(T).fill(null));
  const uses = new Array<number>(T).fill(0);
  let [total, paths] = [0, 0];
  return {
    ...{ gate, start, count, size, uses },
    put(m: number, k: number, share: number, length: number): void {
      shares[m][k] = share;
      norms[m][k] = length;
      total += share;
      paths += length;
    },
    close: () => ({ norm: size, cancellation: size / paths, shares, total, norms, uses }), // (2)
  };
}

type Table = ReturnType<typeof openTable>;

/** All columns first, then those of each gate. */
function tablesOf(addends: Addends, { data }: Tensor, sizes: readonly [number, number]): Table[] {
  const [R, C] = gridOf(addends);
  const count = C / Math.max(addends.gates.length, 1);
  const columns = (start: number): Float64Array => {
    const part = new Float64Array(R * count);
    for (let r = 0; r < R; r++) for (let j = 0; j < count; j++) part[r * count + j] = data[r * C + start + j];
    return part;
  };
  const own = addends.gates.map((gate, g) => openTable(gate, g * count, count, norm(columns(g * count)), sizes));
  return [openTable(null, 0, C, norm(data), sizes), ...own];
}

/** Equations (3) and (4): the factors of a use for each column. */
interface Contracted extends Use {
  /** uᵀ·dP/‖dP‖. */
  readonly along: Float64Array;
  /** ‖u‖. */
  readonly lengths: Float64Array;
  /** Σ_m v[m,k]. */
  readonly all: Float64Array;
}

function byFactors(addends: Addends, parts: Factors, { data }: Tensor, T: number, tables: readonly Table[]): Counter {
  const [R, C] = gridOf(addends);
  const [whole, ...gates] = tables;
  const ranges = gates.length > 0 ? gates : [whole];
  const v = new Float64Array(C);
  const contracted: (Contracted | null)[] = [];
  const sum = new Float64Array(R * C);
  const at = (k: number): Contracted | null => (contracted[k] ??= contract(parts.use(k), data, C, whole.size));
  return {
    sum,
    enter(batch, b, k) {
      const use = at(k);
      if (use === null) return;
      const m = batch.from + b;
      parts.read(batch, b, k, v);
      let share = 0;
      const lengths: number[] = [];
      for (const table of ranges) {
        const part = dotIn(use.along, v, table, whole.size);
        const length = lengthIn(use.lengths, v, table);
        if (table !== whole) table.put(m, k, part * (whole.size / table.size) ** 2, length);
        share += part;
        lengths.push(length);
      }
      whole.put(m, k, share, lengths.length === 1 ? lengths[0] : norm(lengths));
      for (let j = 0; j < C; j++) use.all[j] += v[j];
    },
    endWords() {
      for (let k = 0; k < T; k++) {
        const use = contracted[k];
        if (!use) continue;
        addProduct(sum, use, C);
        for (const table of tables) table.uses[k] = lengthIn(use.lengths, use.all, table);
      }
    },
  };
}

/** The effect of a use on any v, column by column. Everything is divided by ‖dP‖, so that tiny gradients keep their shares. */
function contract(use: Use | null, dP: ArrayLike<number>, C: number, size: number): Contracted | null {
  if (use === null) return null;
  const width = C / use.left.length;
  const [along, lengths] = [new Float64Array(C), new Float64Array(C)];
  use.left.forEach((u, block) => {
    const length = norm(u);
    for (let j = block * width; j < (block + 1) * width; j++) lengths[j] = length;
    for (let r = 0; r < u.length; r++) {
      const from = (use.row + r) * C;
      for (let j = block * width; j < (block + 1) * width; j++) along[j] += u[r] * (dP[from + j] / size);
    }
  });
  return { ...use, along, lengths, all: new Float64Array(C) };
}

/** (3) over the columns of a table. */
function dotIn(along: Float64Array, v: Float64Array, { start, count }: Table, size: number): number {
  let sum = 0;
  for (let j = start; j < start + count; j++) sum += along[j] * (v[j] / size);
  return sum;
}

/** (4) over the columns of a table. */
function lengthIn(lengths: Float64Array, v: Float64Array, { start, count }: Table): number {
  let largest = 0;
  for (let j = start; j < start + count; j++) {
    const size = Math.abs(lengths[j] * v[j]);
    if (!(size <= largest)) largest = size;
  }
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let j = start; j < start + count; j++) {
    const part = (lengths[j] * v[j]) / largest;
    sum += part * part;
  }
  return largest * Math.sqrt(sum);
}

/** Adds Σ_m A[m,k] to a sum over words. */
function addProduct(sum: Float64Array, { row, left, all }: Contracted, C: number): void {
  const width = C / left.length;
  left.forEach((u, block) => {
    for (let r = 0; r < u.length; r++) {
      const to = (row + r) * C;
      for (let j = block * width; j < (block + 1) * width; j++) sum[to + j] += u[r] * all[j];
    }
  });
}

function whole(addends: Addends, parts: Whole, { data }: Tensor, T: number, tables: readonly Table[]): Counter {
  const [R, C] = gridOf(addends);
  const sums = Array.from({ length: T }, () => null as Float64Array | null);
  const sum = new Float64Array(R * C);
  return {
    sum,
    enter(batch, b, k) {
      const addend = parts.of(batch, b, k);
      if (addend === null) return;
      for (const table of tables) {
        const { share, length } = measured(addend, data, table, [R, C]);
        table.put(batch.from + b, k, share, length);
      }
      const used = (sums[k] ??= new Float64Array(R * C));
      for (let i = 0; i < used.length; i++) used[i] += addend[i];
    },
    endWords() {
      sums.forEach((used, k) => {
        if (used === null) return;
        for (const table of tables) table.uses[k] = measured(used, data, table, [R, C]).length;
        for (let i = 0; i < sum.length; i++) sum[i] += used[i];
      });
    },
  };
}

/** Equation (1), and the norm, of some columns of an addend. Both factors of a share are divided by ‖dP‖. */
function measured(
  addend: ArrayLike<number>,
  dP: ArrayLike<number>,
  { start, count, size }: Table,
  [R, C]: readonly [number, number],
): { share: number; length: number } {
  const part = new Float64Array(R * count);
  let share = 0;
  for (let r = 0; r < R; r++) {
    for (let j = 0; j < count; j++) {
      const at = r * C + start + j;
      part[r * count + j] = addend[at];
      share += (addend[at] / size) * (dP[at] / size);
    }
  }
  return { share, length: norm(part) };
}

/** An explicitly formed addend: row-major, for the whole parameter. Null if there is none. */
export function formed(addends: Addends, batch: SeedBatch, b: number, k: number): ArrayLike<number> | null {
  const { parts } = addends;
  if (parts.kind === 'whole') return parts.of(batch, b, k);
  const v = new Float64Array(gridOf(addends)[1]);
  parts.read(batch, b, k, v);
  return product(addends, parts.use(k), v);
}

/** The sum of all losses' addends at a word, explicitly formed. */
export function formedTogether(
  addends: Addends,
  returned: Parameters<Whole['ofAll']>[0],
  k: number,
): ArrayLike<number> | null {
  const { parts } = addends;
  if (parts.kind === 'whole') return parts.ofAll(returned, k);
  const v = new Float64Array(gridOf(addends)[1]);
  parts.readAll(returned, k, v);
  return product(addends, parts.use(k), v);
}

function product(addends: Addends, use: Use | null, v: Float64Array): Float64Array | null {
  const [R, C] = gridOf(addends);
  if (use === null) return null;
  const out = new Float64Array(R * C);
  addProduct(out, { ...use, all: v, along: v, lengths: v }, C);
  return out;
}

/** The sum of the addends that a mask keeps: the remaining part of a gradient. */
export function maskedGradient(
  addends: Addends,
  batches: Iterable<SeedBatch>,
  T: number,
  kept: (m: number, k: number) => boolean,
): Float64Array {
  const [R, C] = gridOf(addends);
  const sum = new Float64Array(R * C);
  for (const batch of batches) {
    for (let b = 0; b < batch.count; b++) {
      for (let k = 0; k < T; k++) {
        const addend = kept(batch.from + b, k) ? formed(addends, batch, b, k) : null;
        if (addend !== null) for (let i = 0; i < sum.length; i++) sum[i] += addend[i];
      }
    }
  }
  return sum;
}

/** A weight, by the name of its parameter and its index in it. */
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

/** A weight whose addends are being collected. */
export interface ElementBook {
  enter(batch: SeedBatch): void;
  close(): ElementTrace;
}

/**
 * Collects one weight's gradient, use by use.
 *
 * @throws ArgumentError on a parameter without addends, or an index outside of it
 */
export function elementOf(
  all: readonly Addends[],
  place: Place,
  grads: TensorRecord,
  [M, T]: readonly [number, number],
  connected: Connected,
): ElementBook {
  const { param, index } = place;
  const addends = placed(all, place);
  const flat = index.reduce((at, i, axis) => at * addends.shape[axis] + i, 0);
  const addendAt = elementIn(addends, flat);
  const table = Array.from({ length: M }, () => new Array<number | null>(T).fill(null));
  return {
    enter(batch) {
      for (let b = 0; b < batch.count; b++) {
        const m = batch.from + b;
        for (let k = 0; k < T; k++) if (connected(addends, m, k)) table[m][k] = addendAt(batch, b, k);
      }
    },
    close() {
      const uses = Array.from({ length: T }, (_, k) => table.reduce((sum, row) => sum + (row[k] ?? 0), 0));
      return { param, index, ref: refOf(param, index), uses, addends: table, total: grads[param].data[flat] };
    },
  };
}

/** The addends that contain an index. @throws ArgumentError if there is no such index */
function placed(all: readonly Addends[], { param, index }: Place): Addends {
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
  return addends;
}

/** The contribution of an addend to one element. */
function elementIn(addends: Addends, flat: number): (batch: SeedBatch, b: number, k: number) => number | null {
  const { parts } = addends;
  const C = gridOf(addends)[1];
  const [i, j] = [Math.floor(flat / C), flat % C];
  if (parts.kind === 'whole') return (batch, b, k) => parts.of(batch, b, k)?.[flat] ?? null;
  const v = new Float64Array(C);
  return (batch, b, k) => {
    const use = parts.use(k);
    if (use === null) return null;
    const u = use.left[Math.floor(j / (C / use.left.length))];
    if (i < use.row || i >= use.row + u.length) return 0;
    parts.read(batch, b, k, v);
    return u[i - use.row] * v[j];
  };
}

/** Pointer to the gradient of a weight in a trace; empty if the trace does not contain it. */
export function refOf(param: string, index: readonly number[]): string {
  const [room, place, ...rest] = param.split('.');
  const at = index.length === 1 ? [0, ...index] : index;
  if (room === 'layers') return refTo('layers', place, rest[0], 'dWeights', rest.slice(1).join('.'), ...at);
  return room === 'heads' ? refTo('head', 'dWeights', rest.join('.'), ...at) : '';
}
