/** What a matmul backend must provide, and what it may provide in addition. */
import type { DType, Tensor } from '../tensor/types.js';

/**
 * The three products of one affine map `out = x·W`, each one line of the chain rule. All of them *accumulate*: the caller zeroes
 * `out` first for a plain product. Arguments are matrices (rank 2) of one element type, with any strides and offsets; `out` must
 * not overlap `a` or `b`. Sizes of zero are legal and leave `out` unchanged.
 */
export interface Products {
  /** What actually runs: `cpu`, `wasm-simd`, `gpu.js:headlessgl`. It never names what was merely requested. */
  readonly backend: string;
  /** Element types this backend computes in. */
  readonly dtypes: readonly DType[];
  /** `out[m,n] += Σ_k a[m,k] · b[k,n]`: the forward product. `out [M,N]`, `a [M,K]`, `b [K,N]`. */
  addMatmul(out: Tensor, a: Tensor, b: Tensor): void;
  /** `out[m,n] += Σ_k a[k,m] · b[k,n]`: the weight gradient `aᵀ·b`. `out [M,N]`, `a [K,M]`, `b [K,N]`. */
  addMatmulTA(out: Tensor, a: Tensor, b: Tensor): void;
  /** `out[m,n] += Σ_k a[m,k] · b[n,k]`: the input gradient `a·bᵀ`. `out [M,N]`, `a [M,K]`, `b [N,K]`. */
  addMatmulTB(out: Tensor, a: Tensor, b: Tensor): void;
}

/**
 * A whole backend: products, rows, and memory. Everything but `fused`, `crf` and `softmax` is always present; given one product,
 * `completeKernels` adds what is missing.
 *
 * Memory. A backend may compute in its own memory, where operands need no copy. It holds two kinds of tensors: adopted ones,
 * until they are released, and those of a frame, until the next frame opens. Inside a frame memory neither grows nor moves.
 * Between frames it may grow, and an adopted tensor then gets a new `data`: keep a reference to the tensor, not to its `data`.
 */
export interface Kernels extends Products {
  /** Whole time loops in one call, by cell name; a backend that has none omits this. */
  readonly fused?: Readonly<Record<string, FusedScan>>;
  /** The recursions of a linear-chain CRF; a backend that has none omits this. */
  readonly crf?: CrfKernel;
  /** Softmax and its cross-entropy; a backend that has none omits this. */
  readonly softmax?: SoftmaxKernel;
  /** Work on whole rows, and updates of parameters. */
  readonly rows: RowKernels;
  /**
   * Row-major zeros: in the memory of the backend inside a frame that has room for them, otherwise in a separate array.
   *
   * @param like the element type, or a tensor that has it
   */
  zeros(shape: readonly number[], like: DType | Tensor): Tensor;
  /** `zeros` for a tensor whose elements are all written before any is read: it is uninitialized. */
  empty(shape: readonly number[], like: DType | Tensor): Tensor;
  /**
   * Runs one step. What it allocates keeps its elements until the next frame, unless memory is short. A nested frame is part of
   * the outer one. If a step finds too little room, it takes a slower path whose last bits may differ, and the next frame gets
   * more room.
   *
   * @param repeatable runs the step again if room was short, so that its bits do not depend on what ran before
   */
  frame<R>(step: () => R, repeatable?: boolean): R;
  /**
   * Moves tensors, with their elements, into the memory of the backend, if it has its own memory and room for them. Otherwise
   * they stay where they are; results are the same, only slower.
   *
   * @param tensors row-major tensors, each the only one that holds its array; those already in it are unchanged
   * @param frameBytes also reserves room for frames of this many bytes
   * @returns a function that moves the tensors moved in by this call out again, into separate arrays
   * @throws ArgumentError if a tensor is a view
   */
  adopt(tensors: readonly Tensor[], frameBytes?: number): () => void;
  /** Frees what the backend holds. Using it afterwards is an error. */
  dispose(): void;
}

/**
 * A backend's own time loop for one cell. It reads and writes exactly the tensors that the TypeScript scan of `autograd/unroll`
 * does, and is tested against it. Either function may decline by returning `false` without having written anything; the
 * TypeScript scan runs then.
 */
export interface FusedScan {
  /** Runs all steps forward: fills `states` after the initial ones, and `cache`. */
  forward(scan: ScanTensors): boolean;
  /**
   * Runs all steps backward: accumulates into `dStates`, and fills the parts of `cache` from which the weight gradients are
   * computed.
   */
  backward(scan: ScanTensors): boolean;
  /**
   * Names of the tensors in `cache` that each loop writes in full before it reads them, so that they may be uninitialized. If
   * this is present, the forward loop does the same with all rows of the states after the initial ones. Optional; zeros are
   * always correct.
   */
  readonly overwrites?: { readonly forward: readonly string[]; readonly backward: readonly string[] };
  /** The whole layer around the scan, with intermediate results kept on a device; a backend that has none omits this. */
  readonly layer?: LayerKernel;
  /**
   * Takes over a layer for forward-only runs: projection and scan together, without caches. Optional.
   *
   * @param params of the cell; they are copied into the backend's layout
   * @param table `[V, D]`, for inputs that are rows of it: `run` then takes their `ids`, and may cache the projection of a row
   * that occurred, with the same bits
   * @returns undefined if the backend does not accept these
   */
  infer?(params: Readonly<Record<string, Tensor>>, table?: Tensor): InferenceLayer | undefined;
}

/**
 * A whole recurrent layer (project, scan and collect) that exposes only its outputs and gradients. It is for callers that need
 * nothing else; `autograd/unroll` runs it if its option `keep` permits.
 */
export interface LayerKernel {
  /** Whether layers of this size should run here. Cheap; called before anything is prepared. */
  suits(size: LayerSize): boolean;
  /** Writes `y` and `final`. Undefined if the device is lost: nothing was written, and the caller takes the ordinary path. */
  forward(layer: LayerTensors): ResidentLayer | undefined;
}

/** The sizes of a layer: T steps, B sequences, N rows, D inputs, H hidden units. */
export interface LayerSize {
  readonly steps: number;
  readonly B: number;
  readonly N: number;
  readonly D: number;
  readonly H: number;
}

/** What a layer reads and writes, in the order of the scan; float32, any strides. */
export interface LayerTensors {
  /** Rows per time step, longest sequences first: `batchSizes[t]` = B_t. */
  readonly batchSizes: Int32Array;
  readonly params: Readonly<Record<string, Tensor>>;
  /** `[N, D]` */
  readonly x: Tensor;
  /** Per state name `[B, H]`, in packed order: the state before the first step. */
  readonly initial: Readonly<Record<string, Tensor>>;
  /** `[N, H]`, written: h after every step. */
  readonly y: Tensor;
  /** Per state name `[B, H]`, in packed order, written: the state after the last step of each sequence. */
  readonly final: Readonly<Record<string, Tensor>>;
  /** Whether a backward pass may follow; without, nothing is kept. */
  readonly keep: boolean;
}

/** A layer that ran forward and stays on its device for the backward pass. */
export interface ResidentLayer {
  /**
   * The backward pass; call it once. False if the layer is no longer on the device, because its memory was needed or the device
   * was lost; nothing was written then.
   */
  backward(gradients: LayerGradients): boolean;
  /** Frees what is held on the device. */
  release(): void;
}

/** What the backward pass of a layer reads and writes. */
export interface LayerGradients {
  /** `[N, H]` ∂L/∂y. */
  readonly dY: Tensor;
  /** Per state name `[B, H]`, in packed order: ∂L/∂(final state), zeros included. */
  readonly dFinal: Readonly<Record<string, Tensor>>;
  /** Mirrors the parameters; accumulates. The caller handles a learned initial state. */
  readonly grads: Readonly<Record<string, Tensor>>;
  /** `[N, D]`, accumulates; absent if it is not needed. */
  readonly dX?: Tensor;
  /** Per state name `[B, H]`, in packed order, written: ∂L/∂(initial state). */
  readonly dInitial: Readonly<Record<string, Tensor>>;
}

/** One direction of a forward-only layer. */
export interface InferenceLayer {
  /**
   * Fills `y` with the `y` that `unroll` returns, with the same bits as the backend's own scan; or returns `false` without having
   * written anything, and `unroll` runs. It starts from `initial`, else from the initial state of the parameters, if they have
   * one, else from zero.
   */
  run(layer: InferenceTensors): boolean;
  /**
   * Discards what is cached of the rows of its table from `from` on, because they are about to change. A layer without a cache
   * omits this.
   */
  forget?(from: number): void;
  /** Frees the copies; must not be called inside a frame. */
  release(): void;
}

/** The tensors of one run of a layer over packed rows. */
export interface InferenceTensors {
  /** Rows per time step, longest sequences first: `batchSizes[t]` = B_t. */
  readonly batchSizes: Int32Array;
  /** For each row of the scan, its row in `x` and `y`; absent if they are the same. */
  readonly map?: Int32Array;
  /** `[N, D]`; with `ids`, the table `[V, D]` for which the layer was made. */
  readonly x: Tensor;
  /** `[N]` indices of rows of `x`, instead of its rows in order; the caller has checked that they are valid. */
  readonly ids?: Int32Array;
  /** `[N, H]` */
  readonly y: Tensor;
  /** States before the first step by name, each `[B, H]` in packed order. */
  readonly initial?: Readonly<Record<string, Tensor>>;
  /** States to fill. */
  readonly taken?: TakenStates;
}

/** States of the sequences of a batch at chosen steps. */
export interface TakenStates {
  /** `[B]` in packed order: the step after which the state of each sequence is taken; −1 for the state before the first step. */
  readonly steps: Int32Array;
  /** By name, each `[B, H]`, row-major without gaps; filled. */
  readonly states: Readonly<Record<string, Tensor>>;
}

/** The tensors of one scan over packed rows; see `autograd/unroll` for what each one holds. */
export interface ScanTensors {
  /** Rows per time step, longest sequences first: `batchSizes[t]` = B_t. */
  readonly batchSizes: Int32Array;
  readonly params: Readonly<Record<string, Tensor>>;
  /** Per state name `[B + N, H]`: the initial state, then one block of rows per step. */
  readonly states: Readonly<Record<string, Tensor>>;
  /** Per state name `[B + N, H]`: gradients of `states`; absent in the forward pass. */
  readonly dStates?: Readonly<Record<string, Tensor>>;
  /** Per name `[N, ·]`: what the cell keeps between its forward and its backward step. */
  readonly cache: Readonly<Record<string, Tensor>>;
}

/**
 * The recursions of a linear-chain CRF over all paths. They read and write what `layers/crf-lattice` and `layers/crf-decode` read and
 * write, and give the same bits. Each may return `false` without having written anything; the TypeScript loops run then.
 */
export interface CrfKernel {
  /** Fills α, w, the sums and log Z of a lattice: equations (2) to (4). */
  forward(lattice: CrfLatticeArrays): boolean;
  /** Adds `dLogZ` times the marginals of a lattice that `forward` or its TypeScript counterpart filled. */
  backward(lattice: CrfLatticeArrays, dLogZ: number, to: CrfMarginalArrays): boolean;
  /** Fills `labels [N]` and `scores [B]`: equations (8) to (10). */
  viterbi(chain: CrfChainArrays, labels: Int32Array, scores: Float64Array): boolean;
}

/** A chain over packed rows: float64, without gaps. See `layers/crf-lattice` for the letters. */
export interface CrfChainArrays {
  readonly packing: {
    readonly batch: number;
    readonly total: number;
    readonly lengths: Int32Array;
    readonly offsets: Int32Array;
  };
  /** `start [K]`, `end [K]`, `transitions [K · K]`. */
  readonly scores: {
    readonly K: number;
    readonly start: Float64Array;
    readonly end: Float64Array;
    readonly transitions: Float64Array;
  };
  /** `[N · K]` */
  readonly emissions: Float64Array;
}

/** A lattice over all paths. Matrices are `[N · K]`, `logZ` is `[B]`; `largest [K]` and `factors [K · K]` are those of the transitions. */
export interface CrfLatticeArrays extends CrfChainArrays {
  readonly scores: CrfChainArrays['scores'] & { readonly largest: Float64Array; readonly factors: Float64Array };
  readonly alpha: Float64Array;
  readonly weights: Float64Array;
  readonly sums: Float64Array;
  readonly logSums: Float64Array;
  readonly logZ: Float64Array;
}

/** Sums of marginals: `emissions [N · K]`, `transitions [K · K]`, `start [K]`, `end [K]`. */
export interface CrfMarginalArrays {
  readonly emissions: Float64Array;
  readonly transitions: Float64Array;
  readonly start: Float64Array;
  readonly end: Float64Array;
}

/**
 * Softmax cross-entropy over rows `[N, K]`. It computes the numbers of `layers/softmax-loss` in the same order, with the same
 * bits. Each function may return `false` without having written anything; the TypeScript loops run then.
 */
export interface SoftmaxKernel {
  /** `out[n] = softmax(x[n])`; `out` may be `x`. */
  rows(out: Tensor, x: Tensor): boolean;
  /** Fills `out [2N]`: the maximum m of each row, and log Σ_k exp(x[n,k] − m). */
  logs(out: Float64Array, x: Tensor): boolean;
  /**
   * `out[n,k] += d · (p[n,k] · mass[y] − q[k])` with y = `targets[n]`; a row whose target is negative is unchanged.
   *
   * @param tables `[3K]`: mass; q of a label that is not the target; q of the label that is
   */
  backward(out: Tensor, p: Tensor, targets: Int32Array, tables: Float64Array, d: number): boolean;
}

/**
 * Row operations of layers and optimizers, for tensors of any strides. Every backend gives the bits of `cpu/rows`, unless stated
 * otherwise.
 */
export interface RowKernels {
  /** `out[r] = row` for every row r. `out [R, W]`, `row [W]`. */
  setEveryRow(out: Tensor, row: Tensor): void;
  /** `out = x`, for matrices of the same shape. */
  copyMatrix(out: Tensor, x: Tensor): void;
  /** `out[r] += row` for every row r. `out [R, W]`, `row [W]`. */
  addToEveryRow(out: Tensor, row: Tensor): void;
  /** `out += Σ_r x[r]`. `out [W]`, `x [R, W]`. */
  addSumRows(out: Tensor, x: Tensor): void;
  /** `out += x`, for matrices of the same shape. */
  addMatrix(out: Tensor, x: Tensor): void;
  /** `out[r] = x[map[r]]`, every entry of `map` a row of `x`. */
  gather(out: Tensor, x: Tensor, map: Int32Array): void;
  /** `out[map[r]] += x[r]`, every entry of `map` a row of `out`. */
  scatterAdd(out: Tensor, x: Tensor, map: Int32Array): void;
  /** `out[r] += x[r] ⊙ factors[r]`; with `map`, `factors[map[r]]`. */
  addMasked(out: Tensor, x: Tensor, factors: Tensor, map?: Int32Array): void;
  /**
   * Sets every element of `factors [R, D]` to 0 with probability p, to `1 / (1 − p)` otherwise. Element d of row r is 0 where word
   * d mod 4 of `threefry` at the counter `⌊d/4⌋, places[2r + 1], places[2r], 0` is below `limitOf(p)`.
   *
   * @param key four words, see `RandomKey.words`
   * @param places `[2R]` two integers per row, such as its sentence and its token
   */
  drawFactors(factors: Tensor, key: Int32Array, places: Int32Array, p: number): void;
  /** `x *= factor`, computed in float64. With `rows`, only these rows of a matrix. */
  scale(x: Tensor, factor: number, rows?: Int32Array): void;
  /** `sum + Σ x²`, computed in float64, in a backend-specific order; with `rows`, only over these rows. */
  addSquares(sum: number, x: Tensor, rows?: Int32Array): number;
  /** One Adam update, as in `optim/adam`, of all elements, or of `rows`; computed in float64. */
  adam(param: Tensor, grad: Tensor, m: Tensor, v: Tensor, factors: AdamFactors, rows?: Int32Array): void;
}

/**
 * The row operations that a backend implements. A call that it declines returns `false` (`addSquares`: `undefined`) and has
 * written nothing; `completeRows` then runs the plain loop.
 */
export type OwnRows = {
  readonly [Name in keyof RowKernels]: Name extends 'addSquares'
    ? (...args: Parameters<RowKernels[Name]>) => number | undefined
    : (...args: Parameters<RowKernels[Name]>) => boolean;
};

/** The numbers of one update; see `optim/adam`. */
export interface AdamFactors {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** λ of Adam's own weight decay. */
  readonly l2: number;
  /** 1 − η·λ of the decoupled decay. */
  readonly keep: number;
  /** η / (1 − β₁ᵗ). */
  readonly rate: number;
  /** 1 / √(1 − β₂ᵗ). */
  readonly rootCorrection: number;
}

/**
 * The same three products, and whole layers, of an asynchronous device. Networks use its layers; its products are called
 * directly. `completeAsyncKernels` makes one from only `addMatmul`.
 */
export interface AsyncKernels {
  readonly backend: string;
  readonly dtypes: readonly DType[];
  /** `out[m,n] += Σ_k a[m,k] · b[k,n]`. `out [M,N]`, `a [M,K]`, `b [K,N]`. */
  addMatmul(out: Tensor, a: Tensor, b: Tensor): Promise<void>;
  /** `out[m,n] += Σ_k a[k,m] · b[k,n]`. `out [M,N]`, `a [K,M]`, `b [K,N]`. */
  addMatmulTA(out: Tensor, a: Tensor, b: Tensor): Promise<void>;
  /** `out[m,n] += Σ_k a[m,k] · b[n,k]`. `out [M,N]`, `a [M,K]`, `b [N,K]`. */
  addMatmulTB(out: Tensor, a: Tensor, b: Tensor): Promise<void>;
  /** Whole layers, by cell name; a backend that has none omits this. */
  readonly layers?: Readonly<Record<string, AsyncLayerKernel>>;
  /** Frees what the backend holds. Using it afterwards is an error. */
  dispose(): Promise<void>;
}

/** `LayerKernel` for asynchronous devices. */
export interface AsyncLayerKernel {
  /** Whether layers of this size should run here. Cheap; called before anything is prepared. */
  suits(size: LayerSize): boolean;
  /** Writes `y` and `final`. Undefined if the device is lost: nothing was written, and the caller takes the ordinary path. */
  forward(layer: LayerTensors): Promise<AsyncResidentLayer | undefined>;
}

/** `ResidentLayer` for asynchronous devices. */
export interface AsyncResidentLayer {
  /** The backward pass; call it once. False if the layer is no longer on the device; nothing was written then. */
  backward(gradients: LayerGradients): Promise<boolean>;
  /** Frees what is held on the device. */
  release(): void;
}
