/** What a matmul backend must offer, and what it may offer on top. */
import type { DType, Tensor } from '../tensor/types.js';

/**
 * The three products of one affine map `out = x·W`, each one line of the chain rule. All of them *accumulate*: the caller
 * zeroes `out` first when it wants a plain product. Arguments are matrices (rank 2) of one element type, with any strides
 * and offsets; `out` must not overlap `a` or `b`. Sizes of zero are legal and leave `out` as it was.
 */
export interface Kernels {
  /** What really runs: `cpu`, `wasm-simd`, `gpu.js:headlessgl`. Never what was merely asked for. */
  readonly backend: string;
  /** Element types this backend computes in. */
  readonly dtypes: readonly DType[];
  /** `out[m,n] += Σ_k a[m,k] · b[k,n]`: the forward product. `out [M,N]`, `a [M,K]`, `b [K,N]`. */
  addMatmul(out: Tensor, a: Tensor, b: Tensor): void;
  /** `out[m,n] += Σ_k a[k,m] · b[k,n]`: the weight gradient `aᵀ·b`. `out [M,N]`, `a [K,M]`, `b [K,N]`. */
  addMatmulTA(out: Tensor, a: Tensor, b: Tensor): void;
  /** `out[m,n] += Σ_k a[m,k] · b[n,k]`: the input gradient `a·bᵀ`. `out [M,N]`, `a [M,K]`, `b [N,K]`. */
  addMatmulTB(out: Tensor, a: Tensor, b: Tensor): void;
  /** Whole time loops in one call, by cell name; a backend that has none leaves this out. */
  readonly fused?: Readonly<Record<string, FusedScan>>;
  /** Frees what the backend holds. Using it afterwards is an error. */
  dispose(): void;
}

/**
 * A backend's own time loop for one cell. It reads and writes exactly the tensors the TypeScript scan of
 * `autograd/unroll` reads and writes, and is tested equal to it. Either function may return `false` without having written
 * anything: "not this one", and the TypeScript scan runs.
 */
export interface FusedScan {
  forward(scan: ScanTensors): boolean;
  backward(scan: ScanTensors): boolean;
}

/** The tensors of one scan over packed rows; see `autograd/unroll` for what each one holds. */
export interface ScanTensors {
  /** Rows per time step, longest sequences first: `batchSizes[t]` = B_t. */
  readonly batchSizes: Int32Array;
  readonly params: Readonly<Record<string, Tensor>>;
  /** Per state name `[B + N, H]`: the initial state, then one block of rows per step. */
  readonly states: Readonly<Record<string, Tensor>>;
  /** Per state name `[B + N, H]`: gradients of the above; absent in the forward pass. */
  readonly dStates?: Readonly<Record<string, Tensor>>;
  /** Per name `[N, ·]`: what the cell keeps between its forward and its backward step. */
  readonly cache: Readonly<Record<string, Tensor>>;
}

/** The same three products for devices that only answer asynchronously. Used at the seams of `unrollAsync` alone. */
export interface AsyncKernels {
  readonly backend: string;
  readonly dtypes: readonly DType[];
  addMatmul(out: Tensor, a: Tensor, b: Tensor): Promise<void>;
  addMatmulTA(out: Tensor, a: Tensor, b: Tensor): Promise<void>;
  addMatmulTB(out: Tensor, a: Tensor, b: Tensor): Promise<void>;
  dispose(): Promise<void>;
}
