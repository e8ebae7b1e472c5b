/** Copies a matrix into the order in which the tiles read it: panels of two vectors of columns, and transposes. */
import { PANEL } from './tile';

/** `target[j, i] = source[i, j]` for `rows × columns` elements; both steps in bytes between rows. */
export function transpose<T>(
  rows: i32,
  columns: i32,
  source: usize,
  ldSource: usize,
  target: usize,
  ldTarget: usize,
): void {
  const lanes = <i32>(16 / sizeof<T>());
  const wholeRows = rows - (rows % lanes);
  const wholeColumns = columns - (columns % lanes);
  for (let i = 0; i < wholeRows; i += lanes) {
    const from = source + <usize>i * ldSource;
    const to = target + <usize>i * sizeof<T>();
    for (let j = 0; j < wholeColumns; j += lanes) {
      square<T>(from + <usize>j * sizeof<T>(), ldSource, to + <usize>j * ldTarget, ldTarget);
    }
    elements<T>(i, i + lanes, wholeColumns, columns, source, ldSource, target, ldTarget);
  }
  elements<T>(wholeRows, rows, 0, columns, source, ldSource, target, ldTarget);
}

/** Transposes a square of 4 × 4 float32 or 2 × 2 float64 in registers. */
// @ts-ignore: decorator
@inline
function square<T>(from: usize, ldFrom: usize, to: usize, ldTo: usize): void {
  if (sizeof<T>() == 8) {
    const r0 = v128.load(from);
    const r1 = v128.load(from + ldFrom);
    v128.store(to, v128.shuffle<f64>(r0, r1, 0, 2));
    v128.store(to + ldTo, v128.shuffle<f64>(r0, r1, 1, 3));
  } else {
    const r0 = v128.load(from);
    const r1 = v128.load(from + ldFrom);
    const r2 = v128.load(from + 2 * ldFrom);
    const r3 = v128.load(from + 3 * ldFrom);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f64>(low01, low23, 0, 2));
    v128.store(to + ldTo, v128.shuffle<f64>(low01, low23, 1, 3));
    v128.store(to + 2 * ldTo, v128.shuffle<f64>(high01, high23, 0, 2));
    v128.store(to + 3 * ldTo, v128.shuffle<f64>(high01, high23, 1, 3));
  }
}

function elements<T>(
  rowFrom: i32,
  rowEnd: i32,
  columnFrom: i32,
  columnEnd: i32,
  source: usize,
  ldSource: usize,
  target: usize,
  ldTarget: usize,
): void {
  for (let i = rowFrom; i < rowEnd; i++) {
    for (let j = columnFrom; j < columnEnd; j++) {
      const x = load<T>(source + <usize>i * ldSource + <usize>j * sizeof<T>());
      store<T>(target + <usize>j * ldTarget + <usize>i * sizeof<T>(), x);
    }
  }
}

/** Panels `[⌈N / NR⌉][K][NR]` of a row-major `b [K, N]`; the columns past N are zero. */
export function packRows<T>(K: i32, N: i32, b: usize, ldb: usize, panels: usize): void {
  const width = <i32>(PANEL / sizeof<T>());
  let n = 0;
  const step = <usize>K * PANEL;
  // Four panels at a time: two cache lines of a row, and four write streams.
  for (; n + 4 * width <= N; n += 4 * width) {
    let from = b + <usize>n * sizeof<T>();
    for (let k = 0; k < K; k++) {
      for (let p: usize = 0; p < 4; p++) {
        v128.store(panels + p * step, v128.load(from + p * PANEL));
        v128.store(panels + p * step, v128.load(from + p * PANEL, 16), 16);
      }
      from += ldb;
      panels += PANEL;
    }
    panels += 3 * step;
  }
  for (; n < N; n += width) {
    let from = b + <usize>n * sizeof<T>();
    if (N - n >= width) {
      for (let k = 0; k < K; k++) {
        v128.store(panels, v128.load(from));
        v128.store(panels, v128.load(from, 16), 16);
        from += ldb;
        panels += PANEL;
      }
    } else {
      const bytes = <usize>(N - n) * sizeof<T>();
      memory.fill(panels, 0, <usize>K * PANEL);
      for (let k = 0; k < K; k++) {
        memory.copy(panels, from, bytes);
        from += ldb;
        panels += PANEL;
      }
    }
  }
}

/** The same panels of a `b` that is stored transposed, `[N, K]` row-major. */
export function packColumns<T>(K: i32, N: i32, b: usize, ldb: usize, panels: usize): void {
  const width = <i32>(PANEL / sizeof<T>());
  for (let n = 0; n < N; n += width) {
    const columns = min(width, N - n);
    if (columns < width) memory.fill(panels, 0, <usize>K * PANEL);
    transpose<T>(columns, K, b + <usize>n * ldb, ldb, panels, PANEL);
    panels += <usize>K * PANEL;
  }
}

/** Groups `[M / 4][K][4]` of the rows of `a [M, K]`, whose steps are `lda` and `ka`; M is a multiple of 4. */
export function packGroups<T>(M: i32, K: i32, a: usize, lda: usize, ka: usize, groups: usize): void {
  const size = <usize>K * 4 * sizeof<T>();
  for (; M > 0; M -= 4) {
    if (ka == sizeof<T>()) transpose<T>(4, K, a, lda, groups, 4 * sizeof<T>());
    else sideBySide<T>(K, a, ka, groups);
    a += 4 * lda;
    groups += size;
  }
}

/** A group whose 4 elements of one k are already adjacent. */
function sideBySide<T>(K: i32, from: usize, step: usize, to: usize): void {
  for (; K > 0; K--) {
    v128.store(to, v128.load(from));
    if (sizeof<T>() == 8) v128.store(to, v128.load(from, 16), 16);
    from += step;
    to += 4 * sizeof<T>();
  }
}
