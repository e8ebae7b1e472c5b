/**
 * The suite `gemm`: the three products on squares and on the shapes of a tagger with E = H = 100, 32 sentences of 32 tokens.
 * Operands lie where a system keeps its own: in WebAssembly memory for `bptt`, in tensors for the libraries.
 */
import { addMatmul1, addMatmulTA1, addMatmulTB1 } from '../../kernels/cpu/matmul1.js';
import type { Tensor } from '../../tensor/index.js';
import { passes, rightPeers, skip } from './judge.js';
import type { ProductName } from './numbers.js';
import { decode, deviation, elements, encode, matrix, placeAll, randomNumbers, UNIT_ROUNDOFF } from './numbers.js';
import { slowProduct } from './pace.js';
import type { Peer } from './peers.js';
import { run, sampling } from './timing.js';
import type { Contestant, Context, Row } from './types.js';
import { backendsOf } from './types.js';

export const SQUARES = [32, 64, 128, 256, 512, 1024];
export const TAGGER: readonly (readonly [ProductName, number, number, number])[] = [
  ['addMatmul', 1024, 100, 400],
  ['addMatmulTA', 100, 1024, 400],
  ['addMatmulTB', 1024, 400, 100],
  ['addMatmul', 1024, 200, 17],
  ['addMatmul', 32, 100, 400],
  ['addMatmulTB', 32, 400, 100],
  ['addMatmul', 1, 100, 400],
  ['addMatmulTB', 1, 400, 100],
];
const PRODUCTS: readonly ProductName[] = ['addMatmul', 'addMatmulTA', 'addMatmulTB'];
const REFERENCE = { addMatmul: addMatmul1, addMatmulTA: addMatmulTA1, addMatmulTB: addMatmulTB1 };

/** Operands of one product and what rung 1 makes of them. */
export interface Product {
  readonly name: ProductName;
  readonly size: readonly [M: number, K: number, N: number];
  readonly out: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
  /** `out` plus the product, by `matmul1`. */
  readonly expected: Tensor;
}

/** The rows of the suite. */
export async function gemm(context: Context): Promise<Row[]> {
  const shapes = [...SQUARES.flatMap((n) => PRODUCTS.map((product) => [product, n, n, n] as const)), ...TAGGER];
  const rows: Row[] = [];
  for (const [name, M, K, N] of shapes) {
    const label = `${name}-${M}x${K}x${N}`;
    if (!context.wants(label) || (context.quick && M * K * N > 2 ** 24)) continue;
    context.progress(`gemm ${label}: checking`, 0, 1);
    const product = createProduct(name, M, K, N);
    const contestants = [
      ...ownContestants(context, label, product),
      ...(await peerContestants(context, label, product)),
    ];
    const race = { suite: 'gemm', case: label, metric: 'GFLOP/s', work: 2 * M * K * N, contestants } as const;
    rows.push(...(await run(context, race)));
  }
  return rows;
}

/** A product of random operands. */
export function createProduct(name: ProductName, M: number, K: number, N: number): Product {
  const a = name === 'addMatmulTA' ? matrix(randomNumbers(K * M, 1), K, M) : matrix(randomNumbers(M * K, 1), M, K);
  const b = name === 'addMatmulTB' ? matrix(randomNumbers(N * K, 2), N, K) : matrix(randomNumbers(K * N, 2), K, N);
  const out = matrix(randomNumbers(M * N, 3), M, N);
  const expected = matrix(elements(out).slice(), M, N);
  REFERENCE[name](expected, a, b);
  return { name, size: [M, K, N], out, a, b, expected };
}

/**
 * Largest difference of two right answers: either sum of K + 1 terms is off by at most γ_{K+1}·(|out| + Σ|a||b|) (Higham,
 * Accuracy and Stability, 2nd ed., §3.1), and all operands are at most 1/2. One rounding more for a peer, whose product is
 * added to `out` here.
 */
function allowedError({ size: [, K] }: Pick<Product, 'size'>): number {
  const n = (K + 2) * UNIT_ROUNDOFF;
  return ((2 * n) / (1 - n)) * (K / 4 + 0.5);
}

/** Why an answer is wrong; undefined where it is right. */
export function faultOf(
  product: Pick<Product, 'size'>,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
): string | undefined {
  const error = deviation(got, want);
  const allowed = allowedError(product);
  if (error <= allowed) return undefined;
  return `differs from matmul1 by ${error.toExponential(1)}, allowed ${allowed.toExponential(1)}`;
}

/** Backends of this package, and the user's kernel: those that are right. */
function ownContestants(context: Context, label: string, product: Product): Contestant[] {
  const { name, size, out, a, b, expected } = product;
  const spare = 8 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2]) + 2 ** 20;
  const users = context.userKernel ? [context.userKernel] : [];
  const all = [
    ...backendsOf(context, 'gemm'),
    ...users.map(({ system, kernels }) => ({ system, kernels, backend: 'user', graphics: undefined })),
  ];
  return all.flatMap(({ system, kernels, backend, graphics }) => {
    const act = kernels[name]?.bind(kernels);
    if (act === undefined) return [];
    const slow = graphics && slowProduct(size, graphics.rate, context.budget.slowestMs);
    if (slow !== undefined) {
      skip(context, `gemm ${label}`, system, slow);
      return [];
    }
    const [mine, x, y] = placeAll(kernels, [out, a, b], spare);
    const right = passes(context, `gemm ${label}`, system, () => {
      act(mine, x, y);
      return faultOf(product, elements(mine), elements(expected));
    });
    const { version } = context;
    const sample = sampling(() => act(mine, x, y));
    return right ? [{ system, version, backend, threads: 1, ...graphics?.place, sample }] : [];
  });
}

/** Peers that are right. They multiply without adding: a library has no other product. */
function peerContestants(context: Context, label: string, { name, size, ...product }: Product): Promise<Peer[]> {
  const { out, a, b, expected } = product;
  const [dataA, dataB] = [a, b].map((x) => encode(elements(x) as Float32Array));
  const start = elements(out);
  return rightPeers(context, 'gemm', `gemm ${label}`, { product: name, size, a: dataA, b: dataB }, (answer) => {
    const sum = decode(answer.out).map((x, i) => x + start[i]);
    return faultOf({ size }, sum, elements(expected));
  });
}
