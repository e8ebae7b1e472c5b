/**
 * What `autograd/unroll` needs of a recurrent cell: one time step forward, one time step backward, and which tensors are kept
 * between the two. A cell is independent of time; unrolling is independent of gates.
 *
 * Shapes: D input size, H hidden size, G gates, B_t rows of the step (sequences still running), N rows of all steps.
 */
import type { Kernels } from '../kernels/types.js';
import type { Rng } from '../tensor/random.js';
import type { DType, Tensor } from '../tensor/types.js';
import type { CellEquations } from './equations.js';
import type { InitScheme } from './init.js';
import type { Quantity } from './quantities.js';

export type { Algebra, CellEquations } from './equations.js';
export type { GradientPlace, Place, Quantity } from './quantities.js';

/** Named tensors of a cell. Gradients mirror it: `grads.Wx` has the shape of `params.Wx`. */
export type Params = Readonly<Record<string, Tensor>>;

/**
 * The parameters of every cell. A learned initial state is added as `h0 [H]` (LSTM also `c0 [H]`); see `InitOptions`.
 */
export interface CellParams extends Params {
  /** `[D, G·H]` input weights. */
  readonly Wx: Tensor;
  /** `[H, G·H]` recurrent weights. */
  readonly Wh: Tensor;
  /** `[G·H]` bias. */
  readonly b: Tensor;
}

/** The state after a step: `h [B_t, H]` is also the cell's output; an LSTM adds `c [B_t, H]`. */
export interface State extends Params {
  readonly h: Tensor;
}

/**
 * What a step saves for its backward (`a` and others), and what its backward leaves for the weight gradients (`da` and others): each
 * `[B_t, width·H]`.
 */
export type Saved = Params;

/** A saved tensor of zeros and ones that is filled before a step: what training drops or keeps. */
export interface MaskSpec {
  /** Probability of a 1, in (0, 1). If nothing is drawn, every element is this mean. */
  readonly mean: number;
  /** Whether every step has its own mask, or all steps of a sequence share one. */
  readonly per: 'step' | 'sequence';
}

/** Options of the initialization. A cell ignores options for parts it does not have, such as a forget gate. */
export interface InitOptions {
  /** Scheme of `Wx`; default `glorot`. */
  readonly input?: InitScheme;
  /** Scheme of `Wh`; default `orthogonal`. */
  readonly recurrent?: InitScheme;
  /** LSTM: bias of the forget gate, so that a new cell remembers; default 1 (Jozefowicz et al. 2015, section 2.2). */
  readonly forgetBias?: number;
  /** Adds the initial state to the parameters, `h0 [H]` (LSTM also `c0 [H]`), starting from zero; default false. */
  readonly learnedInitialState?: boolean;
  /** Element type; default `float32`. */
  readonly dtype?: DType;
}

/**
 * The half of a cell that a forward pass needs. Inference uses only this half, so that an application that only labels bundles no
 * backward step. Every `Cell` is also a `ForwardCell`.
 */
export interface ForwardCell<P extends CellParams = CellParams, S extends State = State, V extends Saved = Saved> {
  /** Name on the command line and in model files: `rnn`, `lstm`, `gru`, … */
  readonly name: string;
  /** G, the number of gates: 1 (RNN), 4 (LSTM), 3 (GRU). */
  readonly gates: number;
  /** Names of the states, `h` first. */
  readonly states: readonly string[];
  /** Width, in multiples of H, of each tensor the forward step saves. `a` is always present. */
  readonly saved: Readonly<Record<string, number>>;
  /** Which of the saved tensors are masks; a cell that draws nothing omits it. `UnrollOptions.masks` fills them. */
  readonly masks?: Readonly<Record<string, MaskSpec>>;

  /** Shape of every parameter except the learned initial state, for inputs of size D and H hidden units. */
  shapes(inputSize: number, hiddenSize: number): Record<string, readonly number[]>;

  /**
   * One step for B_t sequences. On entry `saved.a` holds `x·Wx + b`, a mask is filled, and every other saved tensor is zero; on
   * return `saved` holds what the backward step needs, and `next` the new state. Every product of a step has a state, or a value
   * computed from one, as its left factor; recurrent dropout masks them all.
   */
  stepForward(kernels: Kernels, params: P, prev: S, saved: V, next: S): void;

  /**
   * The built-in cell this one was made from; only built-in cells set it. Backends use it to decide whether their own time loops
   * may replace the steps: see `fusedName`. Custom cells omit it.
   */
  readonly original?: { readonly name: string };
}

/**
 * One recurrent cell. P names its parameters, S its states, V what it saves; `stepForward` and `stepBackward` mirror each other
 * line by line.
 */
export interface Cell<
  P extends CellParams = CellParams,
  S extends State = State,
  V extends Saved = Saved,
> extends ForwardCell<P, S, V> {
  /** Names of the gates in the order of their columns. */
  readonly gateNames: readonly string[];
  /** Width, in multiples of H, of each tensor the backward step leaves. `da` is always present. */
  readonly stepGrads: Readonly<Record<string, number>>;
  /** What a step computes, in the order of the equations: names, ranges, and where values and gradients are stored. */
  readonly quantities: readonly Quantity[];

  /**
   * New parameters, as ndarrays.
   *
   * @param inputSize D, at least 1
   * @param hiddenSize H, at least 1
   * @param rng source of the random numbers; the same generator state gives the same parameters
   * @throws ArgumentError on a size that is not a positive integer
   */
  initialize(inputSize: number, hiddenSize: number, rng: Rng, options?: InitOptions): P;

  /**
   * `stepForward` in reverse. Reads `dNext`, the full gradient of the loss with respect to `next`; writes `saved.da` (and its
   * companions) and adds to `dPrev`. An LSTM also adds what `h` passes to `c` to `dNext.c`, which is then the full gradient of
   * `c`.
   */
  stepBackward(kernels: Kernels, params: P, prev: S, saved: V, next: S, dNext: S, dPrev: S): void;

  /**
   * Gradients of the recurrent parameters from all steps at once: `saved` holds all N rows, `hPrev [N, H]` the state each
   * row started from. (The gradients of `Wx` and `b` are the same for every cell; `autograd/unroll` adds them.)
   */
  weightGradients(kernels: Kernels, hPrev: Tensor, saved: V, grads: P): void;

  /**
   * The same step as equations over any algebra. Forward mode runs it as an independent check of the gradients; for a cell that
   * omits it, forward mode reports that it is not available.
   */
  readonly equations?: CellEquations;

  readonly original?: Omit<Cell<P, S, V>, 'original'>;
}

/** What a time loop of a backend depends on; names, initial values, equations and quantities may differ. */
const BOUND: readonly (keyof Cell)[] = [
  'gates',
  'states',
  'saved',
  'masks',
  'stepGrads',
  'shapes',
  'stepForward',
  'stepBackward',
  'weightGradients',
];

/** Marks a built-in cell, or the forward half of one: backends are tested to equal its steps, under its name. */
export function builtIn<C extends ForwardCell<never, never, never>>(
  cell: Omit<C, 'original'> & { readonly name: string },
): C {
  return { ...cell, original: cell } as unknown as C;
}

/**
 * The name under which a backend may have a time loop, or a whole layer, that equals this cell. It compares functions, not names:
 * `{ ...lstm, stepForward: mine }` is still called `lstm`, but has no such name and runs as written everywhere.
 *
 * @returns name of the built-in cell whose steps, states and widths this one shares; otherwise undefined
 */
export function fusedName(cell: Cell | ForwardCell): string | undefined {
  const { original } = cell;
  if (original === undefined) return undefined;
  let same = sameAsBuiltIn.get(cell);
  if (same === undefined) {
    const [own, theirs] = [cell as Cell, original as Cell]; // a half has none of the other members, on either side
    same = BOUND.every((member) => own[member] === theirs[member]);
    sameAsBuiltIn.set(cell, same);
  }
  return same ? original.name : undefined;
}

/** Cache of the cells already compared: cells do not change, and every pass looks them up. */
const sameAsBuiltIn = new WeakMap<Cell | ForwardCell, boolean>();

/** Whether a cell is a built-in one, in every member. */
export function isBuiltIn(cell: Cell): boolean {
  const own = cell as unknown as Readonly<Record<string, unknown>>;
  return cell.original !== undefined && Object.entries(cell.original).every(([key, value]) => own[key] === value);
}
