/**
 * Trace v1: one sentence run through one model, forward and backward, with every number. The command line, pictures, reports and
 * tests all read this object and nothing else. `schema/trace-1.json` describes its JSON; `json.ts` writes and reads it.
 *
 * Letters: T words, H hidden size per direction, D inputs of a layer, K labels, M losses (T if every word has a label, 1 if the
 * sentence has one). Every gradient is the gradient of one number, the sum of the M seeds (`Conventions.seed`), in nats per unit
 * if the seeds are losses. Everything is computed in float64, whatever dtype the model was trained in.
 *
 * **Pointers.** A number is addressed by a JSON Pointer (RFC 6901) into the trace: `/layers/0/forward/steps/3/gates/i/2` is unit
 * 2 of the input gate at word 3. `refs.ts` builds and resolves them.
 *
 * **Words, not steps.** Every list "per word" is in the order of the sentence, in both directions. The step before word k is word
 * k − 1 in the `forward` direction and word k + 1 in the `reverse` direction.
 *
 * **Zeros.** `null` is a structural zero: no path leads there. A number that is merely tiny is stored as a number. NaN and
 * infinities are numbers here; in JSON they are the strings "NaN", "Infinity" and "-Infinity".
 */

/** A vector, its components in order. */
export type Vector = readonly number[];

/** A matrix, row by row. */
export type Matrix = readonly Vector[];

/** `[M][T]`: row m is loss m, column k is word k; null if loss m cannot depend on word k. */
export type LossByWord<V = number> = readonly (readonly (V | null)[])[];

/** Which end of the sentence a recurrence starts from. */
export type DirectionName = 'forward' | 'reverse';

/** The complete trace. */
export interface Trace {
  readonly format: 'bptt-trace';
  readonly version: 1;
  readonly model: ModelTrace;
  readonly conventions: Conventions;
  /** One per word. */
  readonly words: readonly WordTrace[];
  /** One per seed: per word, or one for the sentence. */
  readonly losses: readonly LossTrace[];
  /** Sum of the losses, in nats. */
  readonly loss: number;
  /** First layer first. */
  readonly layers: readonly LayerTrace[];
  readonly head: HeadTrace;
  /**
   * How much of the gradient of each loss arrives at each word's vector, the input of the first layer: `reach.norms[m][k]` =
   * ‖∂seed_m/∂x_k‖. The lists are empty if `x` was not requested.
   */
  readonly reach: ReachTrace;
  /** How the gradient of every weight is composed, for the requested parameters (default all). */
  readonly ledger: readonly LedgerTrace[];
  /** Single weights, use by use: the requested ones, or else the largest element of dWh of each layer and direction. */
  readonly elements: readonly ElementTrace[];
  /** What truncated BPTT would leave of the gradients; null if it was not requested. */
  readonly truncation: TruncationTrace | null;
  /** What clipping would do to the gradient; null if it was not requested. */
  readonly clip: ClipTrace | null;
  /** Which word decided which label; one entry per requested target. */
  readonly saliency: readonly SaliencyTrace[];
  readonly checks: CheckTrace;
  /** Identities that these numbers must satisfy, and the residual of each. */
  readonly identities: readonly IdentityTrace[];
}

/** The model that the sentence was run through. */
export interface ModelTrace {
  /** Name of the cell: `rnn`, `lstm`, `gru`, … */
  readonly cell: string;
  /** Names of the gates in the order of their columns: LSTM i f g o, GRU r z n, RNN h. */
  readonly gates: readonly string[];
  /** Names of the states, `h` first. */
  readonly states: readonly string[];
  /** What a step holds, in the order of the cell's equations. */
  readonly quantities: readonly QuantityTrace[];
  /** H of each layer, per direction. */
  readonly hidden: readonly number[];
  readonly bidirectional: boolean;
  /**
   * What the network has in addition to the equations of its cell: zoneout on the states, residual sums between layers, a dense
   * layer after them. Absent if there is nothing of the kind. Numbers and checks account for all of these, but formulas for
   * single numbers are not available.
   */
  readonly extras?: readonly BodyExtra[];
  /** Size of a word vector: D of the first layer. */
  readonly embedding: number;
  /** Number of words that have a vector, including the unknown word. */
  readonly vocabulary: number;
  /** The labels of the head, in the order of its logits. */
  readonly labels: readonly string[];
  /** Total number of learned values. */
  readonly parameters: number;
  /** Where the weights come from. */
  readonly source: 'model' | 'untrained' | 'pytorch';
  /** How an untrained model was initialized; null for any other model. */
  readonly initialization: InitializationTrace | null;
  /** SHA-256, in hex, of all weights as little-endian float64, tensors in the order of their dotted names. */
  readonly sha256: string;
}

/** What a network may have in addition to its cells. */
export type BodyExtra = 'zoneout' | 'residual' | 'dense';

/** How untrained weights were initialized. */
export interface InitializationTrace {
  readonly seed: number;
  /** Bias of an LSTM's forget gate; null for other cells. */
  readonly forgetBias: number | null;
}

/** One quantity of a cell. */
export interface QuantityTrace {
  /** As written in the equations: `i`, `c`, `tanh(c)`; the argument of gate i is `a_i`. */
  readonly symbol: string;
  /** The field's term: `input gate`, `cell state`. */
  readonly name: string;
  /** The record of `StepTrace` that holds it, and its name there. */
  readonly kind: 'preActivations' | 'gates' | 'states' | 'others';
  readonly key: string;
  /** Number of the equation in the header of the cell's file; null if the cell does not give one. */
  readonly equation: number | null;
  /** Least and greatest value; null if unbounded. */
  readonly range: readonly [number | null, number | null];
}

/** Choices that change a picture without being visible in it: print them next to the picture. */
export interface Conventions {
  /** The M losses are summed, not averaged. */
  readonly loss: 'sum';
  /**
   * What is differentiated: `loss`, the cross-entropy −log p(gold); `logit`, the logit of one label; `margin`, the logit of one
   * label minus that of another. For a solved word the gradient of the loss almost vanishes, whatever the model has learned: see
   * `LossTrace.solved`.
   */
  readonly seed: SeedName;
  /** Whether the sentence came with gold labels; `predicted`: the model's most probable labels are used instead. */
  readonly gold: 'given' | 'predicted';
  /** The variable compared across cells: the vector of a word, which means the same in every cell. */
  readonly variable: 'x';
  /** Norms are Euclidean, over all components of a vector. */
  readonly norm: 'euclidean';
  /** `retention` is ‖R[m,k]‖ over its value at the loss's own word (`ReachTrace.reference`). */
  readonly normalization: 'own-word';
  readonly dtype: 'float64';
}

/** Name of what is differentiated; see `Conventions.seed`. */
export type SeedName = 'loss' | 'logit' | 'margin';

/** One word. */
export interface WordTrace {
  readonly text: string;
  /** Whether the model has a vector for this exact word; if not, the vector of the unknown word or of a word signature is used. */
  readonly known: boolean;
  /** `[D]` the word's vector. */
  readonly x: Vector;
  /** `[D]` ∂(sum of seeds)/∂x, from all directions. */
  readonly dx: Vector;
  /** ‖dx‖. */
  readonly norm: number;
}

/** One loss, and the seed of a backward pass. */
export interface LossTrace {
  /** Index of its word; null if the loss is for the whole sentence. */
  readonly word: number | null;
  /** The label whose loss this is. */
  readonly gold: string;
  /** The most probable label. */
  readonly predicted: string;
  /** −log p(gold), in nats. */
  readonly loss: number;
  /** `[K]`, in the order of `model.labels`. */
  readonly logits: Vector;
  /** `[K]`, sums to 1. */
  readonly probabilities: Vector;
  /** p(gold). */
  readonly probability: number;
  /** Whether p(gold) > 0.9: a `loss` seed is then small because the word is solved. */
  readonly solved: boolean;
  /** Value of what is differentiated: the loss, the logit or the margin. */
  readonly seed: number;
  /** The label of a logit or margin seed, and the label that a margin is measured against; null for other seeds. */
  readonly label: string | null;
  readonly contrast: string | null;
  /** `[K]` ∂seed/∂logits, where its backward pass starts. */
  readonly dLogits: Vector;
}

/** One recurrent layer. */
export interface LayerTrace {
  readonly forward: DirectionTrace;
  /** Present if the layer is bidirectional. */
  readonly reverse?: DirectionTrace;
}

/** One direction of a layer. */
export interface DirectionTrace {
  /** D and H. */
  readonly inputs: number;
  readonly hidden: number;
  /** Per state `[H]`: the state before the first step. */
  readonly initial: Readonly<Record<string, Vector>>;
  /** Per state `[H]`: its gradient. */
  readonly dInitial: Readonly<Record<string, Vector>>;
  /** Parameters of the cell: matrices row by row, vectors as one row. Rows are inputs, columns are units, one block of H per gate. */
  readonly weights: Readonly<Record<string, Matrix>>;
  /** Their gradients, in the same form. */
  readonly dWeights: Readonly<Record<string, Matrix>>;
  /** One per word. */
  readonly steps: readonly StepTrace[];
  /**
   * How much of the gradient of each loss arrives at each state, `h` (and `c`), at all pre-activations together, `a`, and at all
   * states together, `state`. The last is a cut through the network: h concatenated with c, with h held fixed for c. It is what
   * the recurrence passes back, whereas `c` by itself also counts the path through its own h. Variables that were not requested
   * are left out.
   */
  readonly reach: Readonly<Record<string, ReachTrace>>;
  /** Null if it was not measured: `jacobian` is false, or was not given and S > 64 or T·S³ > 2^24. */
  readonly jacobian: JacobianTrace | null;
  /** Per gate: the shares of its values, over all words and units, that are nearly open and nearly closed. */
  readonly saturation: Readonly<Record<string, SaturationTrace>>;
  /** Per word, the factors that shrink the gradient on the step back from it. */
  readonly factors?: readonly FactorTrace[];
}

/** Share of a gate's values near either end of its range. For a range of −1 to 1, absolute values are used. */
export interface SaturationTrace {
  /** Share above 0.9 of the range (|g| > 0.9 where the range is −1 to 1). */
  readonly open: number;
  /** Share below 0.1. */
  readonly closed: number;
  /** The same shares for each unit, over the words: `[H]` each. */
  readonly units?: { readonly open: Vector; readonly closed: Vector };
}

/** The four factors of one step back in time, by name. */
export type FactorName = 'slopes' | 'values' | 'weights' | 'carried';

/**
 * Factors by which one step scales a gradient on its way to the previous step. v is the gradient of all seeds at the states after
 * the step, concatenated, as in `JacobianStep.gain`. Two paths lead back: through the gates and Wh, and past them (c by way of f
 * in an LSTM, h by way of z in a GRU).
 *
 *     drop² = through² + carried² + 2·through·carried·cosine          through = slopes · values · weights
 */
export interface FactorTrace {
  /** ‖v·J‖ / ‖v‖: the share of v that is left; NaN if v = 0. */
  readonly drop: number;
  /** From the gates' values to their pre-activations: mean of σ′ and tanh′. Null if a slope is 0 or unknown; `values` then holds it. */
  readonly slopes: number | null;
  /** From the states to the gates' values: how much the other gates and tanh′(c) let through. 1 for a cell with one gate. */
  readonly values: number;
  /** From the pre-activations through Whᵀ to the previous states. */
  readonly weights: number;
  /** Past the weights; 0 for a cell without such a path. */
  readonly carried: number;
  /** Cosine between the contributions of the two paths; 0 if either is 0. */
  readonly cosine: number;
  /** The smallest factor of the path that lets more through; null if nothing shrinks (drop ≥ 1). */
  readonly top: FactorName | null;
}

/** All values of one step of one direction. Each record maps a name to `[H]` values. */
export interface StepTrace {
  /** The gates' arguments, by gate; empty for a cell without `equations` that name their gates. */
  readonly preActivations: Readonly<Record<string, Vector>>;
  readonly gates: Readonly<Record<string, Vector>>;
  /** After the step. */
  readonly states: Readonly<Record<string, Vector>>;
  /** Other quantities that the cell names: tanh(c), the GRU's q, … */
  readonly others: Readonly<Record<string, Vector>>;
  /** Derivative of each gate's function at its pre-activation, σ′(a) or tanh′(a). */
  readonly slopes: Readonly<Record<string, Vector>>;
  readonly gradients: StepGradients;
}

/** ∂(sum of seeds)/∂(each of them). */
export interface StepGradients {
  readonly preActivations: Readonly<Record<string, Vector>>;
  /** At the gates' values; gradients that the engine does not compute are left out. */
  readonly gates: Readonly<Record<string, Vector>>;
  readonly states: Readonly<Record<string, SplitGradient>>;
  /** At other quantities of the backward step, such as the GRU's du. */
  readonly others: Readonly<Record<string, Vector>>;
  /** `[D]` at the layer's input at this word, through this direction only. */
  readonly x: Vector;
}

/** A state's gradient in two parts, whose elementwise sum is the total. Norms do not add up. */
export interface SplitGradient {
  /** The part that does not come through time: from the layer above or the head; for `c`, from the h of the same step. `[H]` */
  readonly direct: Vector;
  /** The part that comes from the next step of the recurrence. `[H]` */
  readonly recurrent: Vector;
  /** `[H]` */
  readonly total: Vector;
  /** Euclidean norms of the three, and the cosine between the first two (NaN if one of them is zero). */
  readonly norms: { readonly direct: number; readonly recurrent: number; readonly total: number };
  readonly cosine: number;
}

/** Gradients of the M seeds, one backward pass each, at one kind of variable: R[m,k]. */
export interface ReachTrace {
  /** Number of components of the variable. */
  readonly size: number;
  /** ‖R[m,k]‖. */
  readonly norms: LossByWord;
  /** ‖R[m,k]‖ / ‖R[m,r]‖ with r = `reference[m]`; NaN if that norm is 0. */
  readonly retention: LossByWord;
  /** Per loss, the word whose retention is 1 by definition: the word of the loss, or, for the loss of a sentence, the last word read. */
  readonly reference: readonly number[];
  /** Per word ‖Σ_m R[m,k]‖ = ‖δ_k‖, from one backward pass of all seeds together. */
  readonly total: Vector;
  /** Per loss, the distance in words from its reference to the first word with a retention below 0.01; null if there is none. */
  readonly length: readonly (number | null)[];
  /** The vectors themselves, `[size]` each; present only with the option `vectors: true`. */
  readonly vectors?: LossByWord<Vector>;
}

/** The gradient of one parameter, or of one gate's columns of it, as a sum of addends A[m,k]: loss m, used at word k. */
export interface LedgerTrace {
  /** Dotted name: `layers.0.forward.Wh`, `heads.labels.W`, `encoders.words.weight`. */
  readonly param: string;
  /** The gate whose columns these are; null for all columns. */
  readonly gate: string | null;
  /** The layer and direction of the parameter; null outside the recurrent layers. */
  readonly layer: number | null;
  readonly direction: DirectionName | null;
  /** Frobenius norm ‖dP‖, where P is these columns. */
  readonly norm: number;
  /** ‖dP‖ / Σ‖A[m,k]‖: 1 if all addends agree, 0 if they cancel; NaN if all are zero. */
  readonly cancellation: number;
  /** ⟨A[m,k], dP⟩ / ‖dP‖²: negative if an addend points against the sum; NaN if dP = 0. */
  readonly shares: LossByWord;
  /** Sum of the shares: 1 to rounding; NaN if dP = 0. */
  readonly total: number;
  /** ‖A[m,k]‖. */
  readonly norms: LossByWord;
  /** Per word ‖Σ_m A[m,k]‖. */
  readonly uses: Vector;
}

/** One weight: the addends of its gradient. */
export interface ElementTrace {
  /** Dotted name of its parameter. */
  readonly param: string;
  /** Row and column, or the index in a vector. */
  readonly index: readonly number[];
  /** JSON Pointer to its gradient in this trace. */
  readonly ref: string;
  /** Per word, in sentence order: the contribution of its use there, summed over all losses. */
  readonly uses: Vector;
  /** By loss and word. */
  readonly addends: LossByWord;
  /** Sum of the addends: the gradient. */
  readonly total: number;
}

/** How a direction's state depends on earlier states. State vectors hold all states, h first: S = H, or 2H for an LSTM. */
export interface JacobianTrace {
  /** S. */
  readonly size: number;
  /** Per word k, J_k = ∂s_k/∂s_{k−1}, where k − 1 stands for the previous step in reading direction. */
  readonly steps: readonly JacobianStep[];
  /** Products of the J, from the state at word `from` back to each word. */
  readonly products: { readonly from: number; readonly steps: readonly (JacobianProduct | null)[] };
}

/** One step back in time. */
export interface JacobianStep {
  /** Largest singular value: no vector grows by a larger factor. */
  readonly sigmaMax: number;
  /** Largest absolute eigenvalue. */
  readonly spectralRadius: number;
  /** ‖v·J_k‖ / ‖v‖ for v = the gradient at s_k of all seeds; NaN if v = 0. */
  readonly gain: number;
}

/** Several steps back, ∂s_from/∂s_k; the identity at k = from. Null for words read after `from`. */
export interface JacobianProduct {
  /** Largest singular value of the product. */
  readonly sigmaMax: number;
  /** Largest absolute eigenvalue of the product. */
  readonly spectralRadius: number;
  /** Product of the steps' largest singular values: at least `sigmaMax`, often much more. */
  readonly bound: number;
  /** ‖v·∂s_from/∂s_k‖ / ‖v‖ for v = the gradient at s_from of the seed at that word alone; NaN if v = 0. */
  readonly gain: number;
}

/** The output head after the layers. */
export interface HeadTrace {
  /** Key of its parameters: `labels`, `category`. */
  readonly name: string;
  /** `softmax`: a label per word; `sentence`: one for the sentence; or the kind of a custom head. */
  readonly kind: string;
  /** Parameters and their gradients: matrices row by row, vectors as one row. */
  readonly weights: Readonly<Record<string, Matrix>>;
  readonly dWeights: Readonly<Record<string, Matrix>>;
}

/** Truncated BPTT with windows { every, back }, actually run rather than estimated. */
export interface TruncationTrace {
  readonly every: number;
  readonly back: number;
  readonly params: readonly TruncatedParam[];
}

/** One parameter under truncation. */
export interface TruncatedParam {
  readonly param: string;
  /** ‖dP‖ in full and truncated. */
  readonly norm: number;
  readonly truncated: number;
  /** Cosine of the angle between them; NaN if one is zero. */
  readonly cosine: number;
  /** 1 − ⟨truncated, full⟩ / ‖full‖²: the share lost along the direction of the full gradient; NaN if that is zero. */
  readonly lost: number;
}

/** Clipping by the global norm. */
export interface ClipTrace {
  readonly threshold: number;
  /** Norm of the whole gradient before clipping. */
  readonly norm: number;
  /** Factor that multiplies every gradient, at most 1: clipping never enlarges small gradients. */
  readonly scale: number;
  /** Cosine between the gradient before and after clipping: 1 for a global norm. */
  readonly cosine: number;
}

/** Which words decided one label. Lists are per word; a larger number is stronger evidence for the label. */
export interface SaliencyTrace {
  /** Index of the loss: the position of a word, or 0 for the sentence. */
  readonly target: number;
  /** The label whose logit is explained, and the label it is measured against (null: no contrast). */
  readonly label: string;
  readonly contrast: string | null;
  readonly methods: {
    /** ‖∂z/∂x_k‖, without a sign. */
    readonly gradient: Vector;
    /** ⟨x_k, ∂z/∂x_k⟩. */
    readonly inputTimesGradient: Vector;
    /** Integrated gradients from a baseline of zero vectors; null if they are not complete: see `gap`. */
    readonly integrated: Vector | null;
    /** z − z with the word swapped for `replacements[k]`: two forward passes, no linearization. */
    readonly swap: Vector;
  };
  /** |Σ integrated − (z − z at zero)| / |z − z at zero|; integrated gradients are shown only if it is below 0.01. */
  readonly gap: number;
  /** Number of points of the path at which the gradient was computed. */
  readonly points: number;
  /** The replacement of each word, and the rule that chose it. */
  readonly replacements: readonly string[];
  readonly rules: readonly ReplacementRule[];
  /** Whether gradient and swap rank the same word first. */
  readonly agrees: boolean;
}

/**
 * How a replacement was chosen: given by the caller; the other grammatical number (cat for cats); the most frequent word that
 * gets the same label there; the unknown word.
 */
export type ReplacementRule = 'given' | 'number' | 'same-label' | 'unknown';

/** The checks that ran. */
export interface CheckTrace {
  /** Number of derivatives compared. */
  readonly checked: number;
  /** Whether all of them agree. */
  readonly agrees: boolean;
  /** Index in `elements` of the derivative that agrees least; null if nothing was checked. */
  readonly worst: number | null;
  readonly elements: readonly CheckElement[];
  /** Where the hand-written backward pass, followed backward, first departs from forward mode; null if it never does. */
  readonly fault: FaultTrace | null;
  /**
   * The error of plain central differences of one element as a function of their step size. Left out if nothing was checked, its
   * gradient is 0, or a number is not finite.
   */
  readonly curve?: CurveTrace;
}

/** Central differences of one weight at decreasing steps ε. All errors are relative to its hand-written gradient g. */
export interface CurveTrace {
  /** Index in `elements`. */
  readonly element: number;
  /** ε, 10⁻¹ to 10⁻¹². */
  readonly steps: Vector;
  /** |D(ε) − g| / |g|, D(ε) = (L(θ + ε) − L(θ − ε)) / 2ε. */
  readonly errors: Vector;
  /** Truncation error, from the third derivative: ε²·|L‴| / 6|g|, estimated from the differences at 10⁻² and 10⁻³. */
  readonly truncation: Vector;
  /** Rounding error of the loss, as a standard deviation: σ / √2·ε·|g|. */
  readonly rounding: Vector;
}

/** One derivative by three methods. */
export interface CheckElement {
  /** JSON Pointer to the checked gradient in this trace; null if the trace does not contain it, as for word vectors. */
  readonly ref: string | null;
  readonly param: string;
  readonly index: readonly number[];
  /** In words: `layers.0.forward.Wh[3, 7], gate f`. */
  readonly where: string;
  /** By the hand-written backward pass. */
  readonly analytic: number;
  /** By dual numbers; null if they are not available. */
  readonly forwardMode: number | null;
  /** By central differences; null if the loss is not finite. */
  readonly numeric: number | null;
  /** Possible error of `numeric` itself. */
  readonly noise: number | null;
  /** |analytic − forward mode|, relative to the larger of the two; `numeric` replaces forward mode if that is not available. */
  readonly relative: number;
  /** `below-noise`: finite differences cannot decide, and forward mode is not available. */
  readonly verdict: 'agree' | 'below-noise' | 'disagree';
}

/** The first wrong step of a backward pass. */
export interface FaultTrace {
  readonly layer: number;
  readonly direction: DirectionName;
  /** The word of the step. */
  readonly word: number;
  /**
   * What has a wrong gradient there: the pre-activation of a gate, a state, another quantity, or the use of a weight. A wrong
   * gradient of a state after word k comes from the backward step of the word after it.
   */
  readonly kind: 'gate' | 'state' | 'other' | 'weight';
  readonly name: string;
  readonly unit: number;
  /** JSON Pointer to the wrong gradient. */
  readonly ref: string;
  readonly analytic: number;
  readonly forwardMode: number;
  /** The same as a sentence. */
  readonly message: string;
}

/** One identity: its statement and its residual. */
export interface IdentityTrace {
  readonly name: IdentityName;
  /** In words and symbols. */
  readonly says: string;
  /** Largest difference, relative to the larger side; NaN if a side is not finite. */
  readonly residual: number;
  readonly tolerance: number;
  readonly holds: boolean;
}

/** Name of an identity that every trace is checked against. */
export type IdentityName =
  | 'probabilities'
  | 'reach-sums-to-gradient'
  | 'direct-plus-recurrent'
  | 'shares-sum-to-one'
  | 'addends-sum-to-gradient'
  | 'gates-by-equations'
  | 'jacobian-bounds';
