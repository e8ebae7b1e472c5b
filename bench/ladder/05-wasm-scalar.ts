/**
 * Rung 5: WebAssembly scalar. The loops of rung 4 in AssemblyScript, which has float32.
 *
 * Changes    JavaScript knows float64 alone: each term of rung 4 is converted to it and back twice. WebAssembly multiplies and adds
 *            float32, and guard pages in the place of instructions check that an address lies in its memory.
 * Predicted  3×. A term of rung 4 takes a load, two roundings, three conversions and two operations, some 8 instructions and a check.
 *            Here it takes a load and two operations.
 * Measured   4.4×: 7.04 GFLOP/s, 14 % of the roof (`bptt bench --ladder`, AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */

/** `out [M, N] += a [M, K] · b [K, N]`, row by row without gaps; addresses are in bytes. */
export function multiply(M: i32, N: i32, K: i32, a: usize, b: usize, out: usize): void {
  part(0, M, 0, N, K, N, a, b, out);
}

/** Rows `i0 … i1` and columns `j0 … j1` of the product, whose b and out have N columns. Later rungs leave their edges to it. */
export function part(i0: i32, i1: i32, j0: i32, j1: i32, K: i32, N: i32, a: usize, b: usize, out: usize): void {
  const row = (<usize>N) << 2;
  const from = (<usize>j0) << 2;
  const to = (<usize>j1) << 2;
  for (let i = i0; i < i1; i++) {
    const c = out + <usize>i * row;
    let x = a + ((<usize>i * <usize>K) << 2);
    let y = b;
    let k = 0;
    for (; k + 4 <= K; k += 4, x += 16, y += 4 * row) {
      const x0 = load<f32>(x);
      const x1 = load<f32>(x, 4);
      const x2 = load<f32>(x, 8);
      const x3 = load<f32>(x, 12);
      for (let j = from; j < to; j += 4) {
        let sum = load<f32>(c + j);
        sum += x0 * load<f32>(y + j);
        sum += x1 * load<f32>(y + row + j);
        sum += x2 * load<f32>(y + 2 * row + j);
        sum += x3 * load<f32>(y + 3 * row + j);
        store<f32>(c + j, sum);
      }
    }
    for (; k < K; k++, x += 4, y += row) {
      for (let j = from; j < to; j += 4) {
        store<f32>(c + j, load<f32>(c + j) + load<f32>(x) * load<f32>(y + j));
      }
    }
  }
}
