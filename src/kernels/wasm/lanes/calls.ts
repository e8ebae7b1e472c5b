/**
 * Small calls of every function of the module, with all remainders, to test whether two compilations of it compute the same bits.
 * An engine may join adjacent vectors, so the numbers of rows and columns are also one more and one less than whole tiles and
 * vectors.
 */
import type { BackwardCall, ForwardCall } from '../cells/cell.js';
import { WASM_CELLS } from '../cells/index.js';
import type { Exports } from '../module.js';
import { PANEL, panelBytes } from '../product.js';
import type { Room } from './room.js';

/** One call, with operands in a room. */
export interface TrialCall {
  readonly name: string;
  run(wasm: Exports, room: Room): void;
}

/** Rows, columns and terms of products: every remainder of the tiles, and more than one block of rows and of terms. */
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8];
const COLUMNS = [3, 8, 16, 20, 24, 37, 46];
const TERMS = [1, 6, 45];
const LARGE = [67, 20, 520] as const;

/** Layouts of the operands of a product: rows along k or not, the right factor in panels or unpacked. */
const LAYOUTS = [
  { along: true, packed: true },
  { along: false, packed: true },
  { along: true, packed: false },
];

/** Units of a layer: every remainder of one vector, and of two. */
const UNITS = [1, 4, 7, 8, 14, 19];
/** Rows of each step of a scan. */
const STEPS = [6, 5, 3, 1];

/** All trial calls. */
export function trialCalls(): TrialCall[] {
  return [...products(), ...scans(), ...maps(), ...rowWork(), ...updates(), ...draws(), ...lattices(), ...losses()];
}

function products(): TrialCall[] {
  const sizes = ROWS.flatMap((M) => COLUMNS.flatMap((N) => TERMS.map((K) => [M, N, K] as const)));
  const small = sizes.flatMap(([M, N, K]) => [
    ...LAYOUTS.map((layout) => product(M, N, K, 4, layout)),
    ...(K === 6 ? LAYOUTS.map((layout) => product(M, N, K, 8, layout)) : []),
  ]);
  const dots = COLUMNS.flatMap((N) =>
    TERMS.map((K): TrialCall => ({
      name: `dot32 of ${N} sums of ${K} terms`,
      run: (wasm, room) => wasm.dot32(N, K, room.f32(N), room.f32(K), room.f32(N * K), 4 * K),
    })),
  );
  return [...small, ...dots, product(...LARGE, 4, LAYOUTS[0])];
}

function product(M: number, N: number, K: number, size: 4 | 8, { along, packed }: (typeof LAYOUTS)[number]): TrialCall {
  const single = size === 4;
  return {
    name: `multiply${8 * size} of ${M}×${K} by ${K}×${N}`,
    run(wasm, room) {
      const numbers = (count: number): number => (single ? room.f32(count) : room.f64(count));
      const [c, a, b] = [numbers(M * N), numbers(M * K), numbers(K * N + PANEL / size)];
      const [lda, ka] = along ? [size * K, size] : [size, size * M];
      const multiply = single ? wasm.multiply32 : wasm.multiply64;
      if (!packed) return multiply(M, N, K, c, size * N, a, lda, ka, b, size * N, PANEL, room.scratch);
      const panels = numbers(panelBytes(K, N, single) / size);
      const [packRows, packColumns] = single
        ? [wasm.packRows32, wasm.packColumns32]
        : [wasm.packRows64, wasm.packColumns64];
      if (along) packRows(K, N, b, size * N, panels);
      else packColumns(K, N, b, size * K, panels);
      multiply(M, N, K, c, size * N, a, lda, ka, panels, PANEL, K * PANEL, room.scratch);
    },
  };
}

/** The time loop of every cell, forward and backward. */
function scans(): TrialCall[] {
  const N = STEPS.reduce((sum, rows) => sum + rows, 0);
  const [batch] = STEPS;
  return Object.entries(WASM_CELLS).flatMap(([name, cell]) =>
    UNITS.flatMap((H): TrialCall[] => {
      const gates = cell.parts.reduce((sum, part) => sum + part, 0);
      const common = (room: Room) => ({ T: STEPS.length, H, batch, N, sizes: room.i32(STEPS), edge: room.scratch });
      const widest = (room: Room): number => room.f32(N * gates * H);
      const states = (room: Room): number => room.f32((batch + N) * H);
      const forward = (room: Room): ForwardCall => ({
        ...common(room),
        state: () => states(room),
        updated: () => widest(room),
        filled: () => widest(room),
        vector: () => room.f32(H),
        panels: (_, count) => room.f32(panelBytes(H, count, true) / 4),
      });
      const backward = (room: Room): BackwardCall => ({
        ...common(room),
        state: () => states(room),
        saved: () => widest(room),
        gradient: () => states(room),
        filled: () => widest(room),
        panelsT: (_, count) => room.f32(panelBytes(count, H, true) / 4),
      });
      return [
        { name: `${name} of ${H} units, forward`, run: (wasm, room) => cell.forward(wasm, forward(room)) },
        { name: `${name} of ${H} units, backward`, run: (wasm, room) => cell.backward(wasm, backward(room)) },
      ];
    }),
  );
}

function maps(): TrialCall[] {
  return (['exp32', 'tanh32', 'sigmoid32', 'log32'] as const).flatMap((name) =>
    [4, 8, 12, 52].map((count) => ({
      name: `${name} of ${count}`,
      run: (wasm: Exports, room: Room) => wasm[name](count, room.f32(count)),
    })),
  );
}

/** Rows of a table, and their targets. */
const MAP = [4, 0, 2, 2, 5];

function rowWork(): TrialCall[] {
  const R = MAP.length;
  return UNITS.flatMap((W) => {
    const ld = 4 * W;
    const matrix = (room: Room): number => room.f32((R + 1) * W);
    const plain = (['copyRows', 'addMatrix'] as const).map((name) => ({
      name: `${name} of ${W} columns`,
      run: (wasm: Exports, room: Room) => wasm[name](R, W, matrix(room), ld, matrix(room), ld),
    }));
    const mapped = (['gather', 'scatter', 'scatterAdd'] as const).map((name) => ({
      name: `${name} of ${W} columns`,
      run: (wasm: Exports, room: Room) => wasm[name](R, W, matrix(room), ld, matrix(room), ld, room.i32(MAP)),
    }));
    const others: TrialCall[] = [
      {
        name: `addToEveryRow of ${W} columns`,
        run: (wasm, room) => wasm.addToEveryRow(R, W, matrix(room), ld, room.f32(W)),
      },
      {
        name: `addSumRows of ${W} columns`,
        run: (wasm, room) => wasm.addSumRows(R, W, room.f32(W), matrix(room), ld),
      },
      {
        name: `addMasked of ${W} columns`,
        run: (wasm, room) => wasm.addMasked(R, W, matrix(room), ld, matrix(room), ld, matrix(room)),
      },
    ];
    return [...plain, ...mapped, ...others];
  });
}

/** Adam's β₁, β₂, ε, decay, kept share, rate, correction. */
const FACTORS = [0.9, 0.999, 1e-8, 0.01, 0.99, 0.003, 1.7];

function updates(): TrialCall[] {
  return [...UNITS, 32, 64, 85].flatMap((W): TrialCall[] => {
    const tensors = (room: Room, count: number) =>
      [room.f32(count), room.f32(count), room.f32(count), room.f32(count, true)] as const;
    return [
      {
        name: `adam of ${W}`,
        run(wasm, room) {
          wasm.adamFactors(...FACTORS);
          wasm.adam(W, ...tensors(room, W), room.scratch);
          wasm.adamRows(3, W, ...tensors(room, 6 * W), room.i32([5, 0, 3]), room.scratch);
        },
      },
      { name: `scale of ${W}`, run: (wasm, room) => wasm.scale(W, room.f32(W), 0.37) },
      {
        name: `sumOfSquares of ${W}`,
        run(wasm, room) {
          const x = room.f32(W);
          const sum = wasm.sumOfSquares(W, x);
          wasm.scale(W, x, 1 / (1 + sum)); // so that the sum affects the memory
        },
      },
    ];
  });
}

/** Softmax cross-entropy, with one row without a target. */
function losses(): TrialCall[] {
  const R = 3;
  return UNITS.flatMap((K): TrialCall[] => {
    const ld = 4 * K;
    const matrix = (room: Room): number => room.f32(R * K, true);
    return [
      {
        name: `softmaxRows of ${K} labels`,
        run: (wasm, room) => wasm.softmaxRows(R, K, matrix(room), ld, matrix(room), ld),
      },
      {
        name: `softmaxLogs of ${K} labels`,
        run: (wasm, room) => wasm.softmaxLogs(R, K, room.f64(2 * R), matrix(room), ld),
      },
      {
        name: `softmaxBackward of ${K} labels`,
        run(wasm, room) {
          const [targets, tables] = [room.i32([K - 1, -1, 0]), room.f64(3 * K)];
          wasm.softmaxBackward(R, K, matrix(room), ld, matrix(room), ld, targets, tables, 0.3);
        },
      },
    ];
  });
}

/** Factors of dropout: 272 bytes of scratch, see assembly/draw.ts. */
function draws(): TrialCall[] {
  return [1, 4, 16, 19, 37].map((W) => ({
    name: `drawFactors of ${W} columns`,
    run(wasm, room) {
      const [factors, key, places] = [room.f32(3 * W), room.i32([1, 2, 3, 4]), room.i32([0, 0, 1, 7, 9, 2])];
      wasm.drawFactors(3, W, factors, 4 * W, key, places, room.f32(68), 2 ** 31, 2);
    },
  }));
}

/** The recursions of a CRF for even and odd numbers of labels. */
function lattices(): TrialCall[] {
  const N = STEPS.reduce((sum, rows) => sum + rows, 0);
  const [B] = STEPS;
  const lengths = Array.from({ length: B }, (_, b) => STEPS.filter((rows) => rows > b).length);
  const offsets = STEPS.map((_, t) => STEPS.slice(0, t).reduce((sum, rows) => sum + rows, 0));
  return [2, 5, 8].flatMap((K): TrialCall[] => {
    const sizes = (room: Room) => [B, K, room.i32(lengths), room.i32(offsets)] as const;
    const doubles = (room: Room, ...counts: number[]): number[] => counts.map((count) => room.f64(count));
    const [rows, pairs] = [N * K, K * K];
    return [
      {
        name: `crfForward of ${K} labels`,
        run(wasm, room) {
          const scores = doubles(room, rows, K, K, pairs, pairs, K);
          wasm.crfForward(...sizes(room), ...scores, ...doubles(room, rows, rows, rows, rows, B));
        },
      },
      {
        name: `crfBackward of ${K} labels`,
        run(wasm, room) {
          const scores = doubles(room, K, pairs, pairs, rows, rows, rows);
          wasm.crfBackward(...sizes(room), ...scores, 0.7, ...doubles(room, rows, K, K, K, pairs));
        },
      },
      {
        name: `crfViterbi of ${K} labels`,
        run(wasm, room) {
          const scores = doubles(room, rows, K, K, pairs);
          wasm.crfViterbi(...sizes(room), ...scores, ...doubles(room, rows, rows), room.i32(Array<number>(N).fill(0)), room.f64(B)); // prettier-ignore
        },
      },
    ];
  });
}
