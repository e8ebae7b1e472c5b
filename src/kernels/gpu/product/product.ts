/**
 * The three products on a device: operands packed and uploaded, one dot product per element, the result read back and added
 * to `out`. Sums run over k in order in float32, and the sum of a tile is added to `out` last. The bound γ_{K+1}·(|out| +
 * Σ|a||b|) for any order of summation with K + 1 terms holds (Higham, Accuracy and Stability, 2nd ed., §3.1) if the device rounds
 * correctly, as WebGL 2 and WebGPU require of additions and multiplications.
 *
 * `out` is written only after every part has been read back: a device that fails leaves it unchanged.
 */
import type { Tensor } from '../../../tensor/types.js';
import type { Product } from '../../check.js';
import type { Work } from '../../work.js';
import { later, now } from '../../work.js';
import type { Device } from '../device/device.js';
import type { CachedKernel, KernelCache } from '../device/kernel-cache.js';
import { deviceError, expectAlive, expectMode } from '../device/kernel-cache.js';
import { padded } from '../device/limits.js';
import type { Size, Tile } from './tiles.js';
import { sourceOf, tilesOf } from './tiles.js';

const FLOAT = 4;
/** An element of a result takes a whole texel of four channels. */
const TEXEL = 16;

/** A kernel, and the buffers in which its operands are packed. */
interface Compiled extends CachedKernel {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Result of one tile: one array per row, padding included. */
interface Part {
  readonly tile: Tile;
  readonly rows: readonly Float32Array[];
}

/** One product, already checked. @throws DeviceError; `out` is then unchanged */
export function multiply(cache: KernelCache, product: Product, out: Tensor, a: Tensor, b: Tensor): void {
  now(multiplyOn(cache, product, out, a, b));
}

/** `multiply` on an asynchronous device, one part after another: a kernel with a pending result is never freed. */
export async function multiplyAsync(
  cache: KernelCache,
  product: Product,
  out: Tensor,
  a: Tensor,
  b: Tensor,
): Promise<void> {
  await later(multiplyOn(cache, product, out, a, b));
}

function* multiplyOn(cache: KernelCache, product: Product, out: Tensor, a: Tensor, b: Tensor): Work<void> {
  const parts: Part[] = [];
  try {
    for (const tile of tilesFor(cache, product, out, a)) {
      const compiled = load(cache, product, tile, a, b);
      const rows = (yield launch(cache, compiled, product, tile)) as Float32Array[];
      expectMode(cache.device, compiled.kernel);
      expectAlive(cache.device);
      parts.push({ tile, rows });
    }
  } catch (error) {
    throw deviceError(cache.device, error);
  }
  for (const part of parts) addPart(out, part);
}

function tilesFor({ device }: KernelCache, product: Product, out: Tensor, a: Tensor): Tile[] {
  const [M, N] = out.shape;
  return tilesOf({ M, K: a.shape[product === 'addMatmulTA' ? 0 : 1], N }, device.info.maxTextureSize);
}

/** The kernel of a tile, with its operands packed. */
function load(cache: KernelCache, product: Product, { i, k, j, M, K, N }: Tile, a: Tensor, b: Tensor): Compiled {
  const size = { M: padded(M), K: padded(K), N: padded(N) };
  const key = `${product} ${size.M} ${size.K} ${size.N}`;
  const compiled = cache.get(key, () => compile(cache.device, product, size));
  if (product === 'addMatmulTA') pack(compiled.a, size.K, size.M, a, k, K, i, M);
  else pack(compiled.a, size.M, size.K, a, i, M, k, K);
  if (product === 'addMatmulTB') pack(compiled.b, size.N, size.K, b, j, N, k, K);
  else pack(compiled.b, size.K, size.N, b, k, K, j, N);
  return compiled;
}

function compile({ gpu }: Device, product: Product, { M, K, N }: Size): Compiled {
  const settings = { output: [N, M], precision: 'single', tactic: 'precision' } as const;
  const [a, b] = [new Float32Array(M * K), new Float32Array(K * N)];
  const bytes = FLOAT * (M * K + K * N) + TEXEL * M * N;
  return { kernel: gpu.createKernel(sourceOf(product, K), settings), a, b, bytes };
}

function launch({ device }: KernelCache, { kernel, a, b }: Compiled, product: Product, tile: Tile): unknown {
  const [M, K, N] = [padded(tile.M), padded(tile.K), padded(tile.N)];
  const { input } = device.library;
  return kernel(
    input(a, product === 'addMatmulTA' ? [M, K] : [K, M]),
    input(b, product === 'addMatmulTB' ? [K, N] : [N, K]),
  );
}

/** Copies a rectangle of a matrix into the corner of a dense one of `height` rows and `width` columns, padded with zeros. */
export function pack(
  to: Float32Array,
  height: number,
  width: number,
  x: Tensor,
  top: number,
  rows: number,
  left: number,
  columns: number,
): void {
  const [down, right] = x.stride;
  for (let r = 0; r < rows; r++) {
    const from = x.offset + (top + r) * down + left * right;
    const at = r * width;
    if (right === 1) to.set(x.data.subarray(from, from + columns), at);
    else for (let c = 0; c < columns; c++) to[at + c] = x.data[from + c * right];
    if (columns < width) to.fill(0, at + columns, at + width);
  }
  if (rows < height) to.fill(0, rows * width);
}

function addPart(out: Tensor, { tile, rows }: Part): void {
  const [down, right] = out.stride;
  for (let r = 0; r < tile.M; r++) {
    const row = rows[r];
    const to = out.offset + (tile.i + r) * down + tile.j * right;
    for (let c = 0; c < tile.N; c++) out.data[to + c * right] += row[c];
  }
}
