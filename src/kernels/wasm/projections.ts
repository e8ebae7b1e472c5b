/**
 * Projections x·Wx + b of the rows of a table, each computed when its row first occurs, then cached. In a labeler the table is
 * the word embeddings, and most words of a text have occurred before. A row of a product has the same bits in any batch, so a
 * cached projection has the same bits as a new one.
 */
import type { Tensor } from '../../tensor/types.js';
import type { Arena } from './arena.js';
import type { Exports } from './module.js';
import { inside } from './operand.js';
import { PANEL } from './product.js';

/**
 * Maximum bytes of cached projections. Rows beyond it are projected each time; in a vocabulary, whose ids are sorted by
 * descending count, these are the rare words.
 */
const KEPT_BYTES = 2 ** 25;

/** The affine map: sizes, and the addresses of `Wx [D, width]` in panels and of `b [width]`. */
export interface Affine {
  readonly D: number;
  readonly width: number;
  readonly panels: number;
  readonly bias: number;
}

/** `out = x·Wx + b` for some rows: addresses, `ldx` bytes between the rows of `x`, none between those of `out`; `edge` is scratch. */
export function project(
  wasm: Exports,
  { D, width, panels, bias }: Affine,
  rows: number,
  x: number,
  ldx: number,
  out: number,
  edge: number,
): void {
  wasm.copyRows(rows, width, out, 4 * width, bias, 0);
  wasm.multiply32(rows, width, D, out, 4 * width, x, ldx, 4, panels, PANEL, D * PANEL, edge);
}

/** Addresses of the scratch of `fill`. */
export interface Room {
  /** Rows of the table to project now, and their projections. */
  readonly x: number;
  readonly projected: number;
  /** Row indices: of `x` in the table, of the projections that go to `a`, of those in `a` that are not cached. */
  readonly rows: number;
  readonly sources: number;
  readonly targets: number;
}

/** The cached projections of a table. */
export interface Projections {
  /** Room for `count` rows at a time. Throws NoRoom, MemoryError. */
  room(arena: Arena, count: number): Room;
  /** `a[i] = table[ids[i]]·Wx + b`, with consecutive rows of `a` from an address on. `edge` is scratch of the products. */
  fill(wasm: Exports, arena: Arena, affine: Affine, room: Room, ids: Int32Array, a: number, edge: number): void;
  /** Discards the projections of the rows from `from` on. */
  forget(from: number): void;
  /** Frees the memory; must not be called inside a frame. */
  release(): void;
}

/**
 * Allocates memory for the projections of a table; undefined if it is unavailable. Must not be called inside a frame.
 *
 * @param table `[V, D]`
 * @param width of a projection
 * @param frameBytes of the largest tensor in frames, besides those of the batch
 */
export function projectionsOf(arena: Arena, table: Tensor, width: number, frameBytes: number): Projections | undefined {
  const [V, D] = table.shape;
  const capacity = Math.min(V, Math.floor(KEPT_BYTES / (4 * width)));
  const held = capacity > 0 ? arena.hold(capacity * width, frameBytes) : undefined;
  if (held === undefined) return undefined;
  const known = new Uint8Array(capacity);
  const row = 4 * width;
  return {
    room: (memory, count) => ({
      x: memory.take(4 * count * D),
      projected: memory.take(count * row),
      rows: memory.take(4 * count),
      sources: memory.take(4 * count),
      targets: memory.take(4 * count),
    }),
    fill(wasm, memory, affine, room, ids, a, edge) {
      const kept = held.tensor.data.byteOffset;
      const { fresh, passing } = listRows(memory.i32(), known, room, ids);
      const others = ids.length - passing;
      const projectListed = (first: number, count: number): void => {
        const x = room.x + 4 * first * D;
        gatherListed(wasm, memory, table, x, room.rows + 4 * first, count);
        project(wasm, affine, count, x, 4 * D, room.projected + first * row, edge);
      };
      if (fresh > 0) projectListed(0, fresh);
      if (fresh > 0) wasm.scatter(fresh, width, kept, row, room.projected, row, room.rows);
      wasm.gather(ids.length, width, a, row, kept, row, room.sources);
      if (passing === 0) return;
      projectListed(others, passing);
      wasm.scatter(passing, width, a, row, room.projected + others * row, row, room.targets + 4 * others);
    },
    forget: (from) => void known.fill(0, from),
    release: held.release,
  };
}

/**
 * Lists the rows to project: from the front those that will be cached, each once; from the back those that will not. The others
 * are cached already.
 */
function listRows(
  heap: Int32Array,
  known: Uint8Array,
  { rows, sources, targets }: Room,
  ids: Int32Array,
): { readonly fresh: number; readonly passing: number } {
  let fresh = 0;
  let end = ids.length;
  const [listed, source, target] = [rows >> 2, sources >> 2, targets >> 2];
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    const keeps = id < known.length;
    heap[source + i] = keeps ? id : 0; // any cached row: it is overwritten later
    if (!keeps) {
      end--;
      heap[listed + end] = id;
      heap[target + end] = i;
    } else if (known[id] === 0) {
      known[id] = 1;
      heap[listed + fresh++] = id;
    }
  }
  return { fresh, passing: ids.length - end };
}

/** Copies `count` rows of the table, whose indices are at `map`, consecutively to address `x`. */
function gatherListed(wasm: Exports, arena: Arena, table: Tensor, x: number, map: number, count: number): void {
  const D = table.shape[1];
  if (inside(arena, table)) {
    const at = table.data.byteOffset + 4 * table.offset;
    wasm.gather(count, D, x, 4 * D, at, 4 * table.stride[0], map);
    return;
  }
  const [heap, numbers] = [arena.f32(), arena.i32()];
  for (let i = 0; i < count; i++) {
    const from = table.offset + numbers[map / 4 + i] * table.stride[0];
    heap.set(table.data.subarray(from, from + D), x / 4 + i * D);
  }
}
