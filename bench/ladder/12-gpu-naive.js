/**
 * Rung 12: gpu.js naive. One dot product per element of out, thousands of elements at once on a graphics device.
 *
 * Changes    The two outer loops are gone: gpu.js runs the function for every (x, y) of its output. Operands travel to the device as
 *            textures, and the result travels back. The device may order and fuse operations as it likes, within `roundings`.
 * Predicted  On a graphics card 10× and more of one core, less what the transfer takes. On a software rasterizer 0.01×: it interprets
 *            each read of a texture, with coordinates, on the processor that rung 9 has to itself.
 * Measured   0.03×: 1.01 GFLOP/s (`bptt bench --ladder`, llvmpipe (Mesa, swrast), AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
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
  // gpu.js stops a loop whose bound it does not know after 1000 rounds: K is written into the source.
  const source = `function (a, b) {
    let sum = 0;
    for (let k = 0; k < ${K}; k++) sum += a[this.thread.y][k] * b[k][this.thread.x];
    return sum;
  }`;
  const kernel = gpu.createKernel(source, { output: [N, M], precision: 'single', tactic: 'precision' });
  return (out, a, b) => {
    const rows = kernel(input(a.data, [K, M]), input(b.data, [N, K]));
    rows.forEach((row, i) => row.forEach((x, j) => (out.data[i * N + j] += x)));
  };
}
