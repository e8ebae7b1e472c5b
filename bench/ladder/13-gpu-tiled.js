/**
 * Rung 13: gpu.js tiled. Each thread computes four neighbouring elements of a row of out.
 *
 * Changes    The function returns four sums, one per channel of a texel. A number of a, once read, serves four columns, as in the tile
 *            of rung 7: five reads for eight operations in the place of eight. gpu.js has no memory that threads share, so
 *            a tile of registers is the only one.
 * Predicted  1.6×, where reads of textures bound the rung before.
 * Measured   1.7×: 1.70 GFLOP/s (`bptt bench --ladder`, llvmpipe (Mesa, swrast), AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */

/** Roundings of a term at most: its product, K sums, and the one with `out`. */
export function roundings(K) {
  return K + 2;
}

/**
 * Compiles a product of one size.
 *
 * @param {{ gpu: object, input: (values: Float32Array, size: number[]) => unknown }} device `input` tells gpu.js width and height
 * @returns `out += a·b` for matrices `{ data, shape, stride, offset }`, row by row
 */
export function openProduct({ gpu, input }, [M, K, N]) {
  const width = Math.ceil(N / 4);
  const source = `function (a, b) {
    const j = this.thread.x * 4;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = 0; k < ${K}; k++) {
      const x = a[this.thread.y][k];
      s0 += x * b[k][j];
      s1 += x * b[k][j + 1];
      s2 += x * b[k][j + 2];
      s3 += x * b[k][j + 3];
    }
    return [s0, s1, s2, s3];
  }`;
  const settings = { output: [width, M], precision: 'single', tactic: 'precision', returnType: 'Array(4)' };
  const kernel = gpu.createKernel(source, settings);
  const padded = new Float32Array(K * 4 * width);
  return (out, a, b) => {
    for (let k = 0; k < K; k++) padded.set(b.data.subarray(k * N, (k + 1) * N), k * 4 * width);
    const rows = kernel(input(a.data, [K, M]), input(padded, [4 * width, K]));
    for (let i = 0; i < M; i++) for (let j = 0; j < N; j++) out.data[i * N + j] += rows[i][j >> 2][j & 3];
  };
}
