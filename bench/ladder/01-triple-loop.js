/**
 * Rung 1: plain triple loop. A product as it is defined, one sum per element of `out`.
 *
 * Changes    Nothing: every other rung is compared with this one, in speed and in bits. All arithmetic is float32. `Math.fround`
 *            rounds each product, and the store into a Float32Array rounds each sum.
 * Predicted  No rung comes before. Each term waits for the sum before it, and b is read down a column, a new cache line per term.
 * Measured   0.33 GFLOP/s, 0.7 % of the roof (`bptt bench --ladder`, AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */

/** `out += a·b` for matrices `{ data, shape, stride, offset }`. */
export function addMatmul(out, a, b) {
  const [M, K] = a.shape;
  const N = b.shape[1];
  const [ai, ak] = a.stride;
  const [bk, bj] = b.stride;
  const [ci, cj] = out.stride;
  for (let i = 0; i < M; i++) {
    for (let j = 0; j < N; j++) {
      for (let k = 0; k < K; k++) {
        const x = a.data[a.offset + i * ai + k * ak];
        const y = b.data[b.offset + k * bk + j * bj];
        out.data[out.offset + i * ci + j * cj] += Math.fround(x * y);
      }
    }
  }
}
