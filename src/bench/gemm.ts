/**
 * The suite `gemm`: the three products on squares and on the shapes of a tagger with E = H = 100, 32 sentences of 32 tokens.
 * Operands are stored where a system stores its own: in WebAssembly memory for `bptt`, in tensors for the libraries.
 */
import { passes, rightPeers, skip } from './check.js';
import type { ProductName } from './numbers.js';
import { decode, elements, encode, placeAll } from './numbers.js';
import { slowProduct } from './timeouts.js';
import type { Peer } from './peers.js';
import type { Product } from './product.js';
import { createProduct, faultOf } from './product.js';
import { sampling } from './timing.js';
import type { KernelCheck } from './user-kernel-check.js';
import { checkKernel } from './user-kernel-check.js';
import type { Contestant, Context, SuiteParts } from './types.js';
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

/** The races of the suite. */
export async function* gemm(context: Context): SuiteParts {
  const shapes = shapesOf(context);
  for (const [name, M, K, N] of shapes) {
    const label = `${name}-${M}x${K}x${N}`;
    const large = context.sizes === undefined && context.quick && M * K * N > 2 ** 24;
    if (!context.wants(label) || large) continue;
    context.progress(`gemm ${label}: checking`, 0, 1);
    const product = createProduct(name, M, K, N);
    const contestants = [
      ...ownContestants(context, label, product),
      ...usersContestants(context, label, product),
      ...(await peerContestants(context, label, product)),
    ];
    yield { suite: 'gemm', case: label, metric: 'GFLOP/s', work: 2 * M * K * N, contestants };
  }
}

/** The products to be timed: those of the requested sizes, else squares and those of a tagger. */
function shapesOf({ sizes }: Context): (readonly [ProductName, number, number, number])[] {
  const every = (sizes ?? SQUARES.map((n) => [n, n, n] as const)).flatMap(([M, K, N]) =>
    PRODUCTS.map((product) => [product, M, K, N] as const),
  );
  return sizes === undefined ? [...every, ...TAGGER] : every;
}

/** Backends of this package that are right. */
function ownContestants(context: Context, label: string, product: Product): Contestant[] {
  const { name, size, out, a, b, expected } = product;
  const spare = 8 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2]) + 2 ** 20;
  return backendsOf(context, 'gemm').flatMap(({ system, kernels, backend, graphics }) => {
    const act = kernels[name].bind(kernels);
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

/** The user's kernels that have this product and are right. */
function usersContestants(context: Context, label: string, product: Product): Contestant[] {
  const within = context.within ?? (<T>(act: () => T): T => act());
  return (context.userKernels ?? []).flatMap((user) => {
    const { system } = user;
    const kernel = user.kernels[product.name]?.bind(user.kernels);
    if (kernel === undefined) return [];
    let checked: KernelCheck | undefined;
    const check = (): string | undefined => {
      checked = checkKernel(kernel, product, user);
      return checked.faultAtFirst();
    };
    const right = passes(context, `gemm ${label}`, system, () => within(check));
    if (!right || checked === undefined) {
      within(() => checked?.close());
      return [];
    }
    const { act, faultAtLast, close } = checked;
    const sample = sampling(act);
    const common = { system, version: context.version, backend: 'user', threads: 1 };
    return [
      {
        ...common,
        sample: () => within(sample),
        faultAtLast: () => within(faultAtLast),
        close: () => within(close),
      },
    ];
  });
}

/** The peers that are right. They multiply without accumulating: a library has no other product. */
function peerContestants(context: Context, label: string, { name, size, ...product }: Product): Promise<Peer[]> {
  const { out, a, b, expected } = product;
  const [dataA, dataB] = [a, b].map((x) => encode(elements(x) as Float32Array));
  const start = elements(out);
  return rightPeers(context, 'gemm', `gemm ${label}`, { product: name, size, a: dataA, b: dataB }, (answer) => {
    const sum = decode(answer.out).map((x, i) => x + start[i]);
    return faultOf({ size }, sum, elements(expected));
  });
}
