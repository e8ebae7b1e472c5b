/**
 * Trace v1: one sentence, read by one model, forward and backward, with every number in it. The command line, pictures, reports
 * and tests all read this object and nothing else. `schema/trace-1.json` describes its JSON; `json.ts` writes and reads it.
 *
 * Letters: T words, H hidden size per direction, D inputs of a layer, K labels, M losses (T where every word has a label, 1 where
 * the sentence has one). Gradients are of one number, the sum of the M seeds (`Conventions.seed`), in nats per unit where a seed is
 * a loss. Everything is computed in float64, whatever the model was trained in.
 *
 * **Places.** A number is named by a JSON Pointer (RFC 6901) into the trace: `/layers/0/forward/steps/3/gates/i/2` is unit 2 of
 * the input gate at word 3. `refs.ts` makes them and looks them up.
 *
 * **Words, not steps.** Every list "per word" is in the order of the sentence, in both directions. The step before word k is
 * word k − 1 where the direction is `forward` and word k + 1 where it is `reverse`.
 *
 * **Zeros.** `null` is a structural zero: no path leads there. A tiny number is a number. NaN and infinities are numbers here; in
 * JSON they are the strings "NaN", "Infinity" and "-Infinity".
 */

/** A vector, its components in order. */
export type Vector = readonly number[];

/** A matrix, row by row. */
export type Matrix = readonly Vector[];

/** `[M][T]`: row m is loss m, column k is word k; null where loss m cannot depend on word k. */
export type LossByWord<V = number> = readonly (readonly (V | null)[])[];

/** Which end of the sentence a recurrence starts from. */
export type DirectionName = 'forward' | 'reverse';

/** The whole reading. */
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
   * What of each loss arrives at each word's vector, the input of the first layer: `reach.norms[m][k]` = ‖∂seed_m/∂x_k‖. Its lists are
   * empty where x was not asked for.
   */
  readonly reach: ReachTrace;
  /** How the gradient of every weight is made up: of those asked for, by default all. */
  readonly ledger: readonly LedgerTrace[];
  /** Single weights, use by use: those asked for, else the largest element of dWh of each layer and direction. */
  readonly elements: readonly ElementTrace[];
  /** What truncated BPTT would leave of the gradients; null where it was not asked for. */
  readonly truncation: TruncationTrace | null;
  /** What clipping would do to the gradient; null where it was not asked for. */
  readonly clip: ClipTrace | null;
  /** Which word decided which label; one entry per target asked for. */
  readonly saliency: readonly SaliencyTrace[];
  readonly checks: CheckTrace;
  /** Laws that these numbers must obey, and by how much they miss them. */
  readonly identities: readonly IdentityTrace[];
}

/** What read the sentence. */
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
   * What the body has that the equations of its cell do not say: a zoneout behind the states, residual sums between layers, a dense layer
   * behind them. Absent where there is none. Numbers and checks hold for all of them; formulas of single numbers are not given.
   */
  readonly extras?: readonly BodyExtra[];
  /** Width of a word's vector: D of the first layer. */
  readonly embedding: number;
  /** Words with a vector of their own, the unknown word included. */
  readonly vocabulary: number;
  /** The labels of the head, in the order of its logits. */
  readonly labels: readonly string[];
  /** Learned values, in all. */
  readonly parameters: number;
  /** Where the weights are from. */
  readonly source: 'model' | 'untrained' | 'pytorch';
  /** How an untrained model was drawn; null for any other. */
  readonly initialization: InitializationTrace | null;
  /** SHA-256, in hex, of all weights as little-endian float64, tensors in the order of their dotted names. */
  readonly sha256: string;
}

/** What a body may have beside its cells. */
export type BodyExtra = 'zoneout' | 'residual' | 'dense';

/** How untrained weights were drawn. */
export interface InitializationTrace {
  readonly seed: number;
  /** Bias of an LSTM's forget gate; null for other cells. */
  readonly forgetBias: number | null;
}

/** One quantity of a cell. */
export interface QuantityTrace {
  /** As the equations write it: `i`, `c`, `tanh(c)`; the argument of gate i is `a_i`. */
  readonly symbol: string;
  /** The field's term: `input gate`, `cell state`. */
  readonly name: string;
  /** Under which heading of `StepTrace` it stands, and under which name there. */
  readonly kind: 'preActivations' | 'gates' | 'states' | 'others';
  readonly key: string;
  /** Number of the equation in the header of the cell's file; null for a cell that does not say. */
  readonly equation: number | null;
  /** Least and greatest value; null for no bound. */
  readonly range: readonly [number | null, number | null];
}

/** What silently changes a picture: print it beside one. */
export interface Conventions {
  /** The M losses are added, not averaged. */
  readonly loss: 'sum';
  /**
   * What is differentiated: `loss`, the cross-entropy −log p(gold); `logit`, that of one label; `margin`, the logit of one label minus
   * that of another. Near a solved word the loss has hardly a gradient, whatever the model knows: see `LossTrace.solved`.
   */
  readonly seed: SeedName;
  /** Whether gold labels came with the sentence; `predicted`: the model's own first choice stands in for them. */
  readonly gold: 'given' | 'predicted';
  /** What is compared across cells: the vector of a word, which means the same in all of them. */
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
  /** Whether the model has a vector for this very word; without one it reads the unknown word's or a signature's. */
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
  /** The word it is about; null where it is about the sentence. */
  readonly word: number | null;
  /** The label the loss is of. */
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
  /** Whether p(gold) > 0.9: a loss seed is then small because the word is solved. */
  readonly solved: boolean;
  /** Value of what is differentiated: the loss, the logit or the margin. */
  readonly seed: number;
  /** The label of a logit or margin seed, and the one a margin is over; null for other seeds. */
  readonly label: string | null;
  readonly contrast: string | null;
  /** `[K]` ∂seed/∂logits: where its backward pass begins. */
  readonly dLogits: Vector;
}

/** One recurrent layer. */
export interface LayerTrace {
  readonly forward: DirectionTrace;
  /** Present where the layer reads both ways. */
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
   * What of each loss arrives at each state, `h` (and `c`), at all pre-activations, `a`, and at the states together, `state`: a cut
   * through the network, h side by side with c where h is held fixed. That is what the recurrence hands back; `c` alone counts what
   * comes through its own h as well. Those that were not asked for are left out.
   */
  readonly reach: Readonly<Record<string, ReachTrace>>;
  /** Null where it was not measured: `jacobian: false`, or S > 64, or T·S³ > 2^24, and it was not asked for. */
  readonly jacobian: JacobianTrace | null;
  /** Per gate: the shares of its values, over all words and units, that are nearly open and nearly closed. */
  readonly saturation: Readonly<Record<string, SaturationTrace>>;
  /** Per word, which factors shrink the gradient on the step back from there. */
  readonly factors?: readonly FactorTrace[];
}

/** Share of a gate's values near either end of its range. For a range of −1 to 1 both ends count by absolute value. */
export interface SaturationTrace {
  /** Share above 0.9 of the range (|g| > 0.9 where the range is −1 to 1). */
  readonly open: number;
  /** Share below 0.1. */
  readonly closed: number;
  /** The same shares unit by unit, over the words: `[H]` each. */
  readonly units?: { readonly open: Vector; readonly closed: Vector };
}

/** The four factors of one step back in time, by name. */
export type FactorName = 'slopes' | 'values' | 'weights' | 'carried';

/**
 * What one step makes of a gradient on its way to the step before, in factors. v is the gradient of all seeds at the states after the
 * step, side by side, as `JacobianStep.gain` has it; two ways lead back: through the gates and Wh, and past them, as c does by f in an
 * LSTM and h by z in a GRU.
 *
 *     drop² = through² + carried² + 2·through·carried·cosine          through = slopes · values · weights
 */
export interface FactorTrace {
  /** ‖v·J‖ / ‖v‖: what of v is left; NaN where v = 0. */
  readonly drop: number;
  /** From the gates' values to their pre-activations: mean of σ′ and tanh′. Null where a slope is 0 or unknown; `values` then holds it. */
  readonly slopes: number | null;
  /** From the states to the gates' values: of what other gates and tanh′(c) let through. 1 for a cell of one gate. */
  readonly values: number;
  /** From the pre-activations through Whᵀ to the states before. */
  readonly weights: number;
  /** Past the weights; 0 for a cell with no such way. */
  readonly carried: number;
  /** Between what comes both ways; 0 where either is 0. */
  readonly cosine: number;
  /** The smallest factor of the way that lets more through; null where nothing shrinks: drop ≥ 1. */
  readonly top: FactorName | null;
}

/** Everything one step of one direction holds. Each record: by name, `[H]`. */
export interface StepTrace {
  /** The gates' arguments, by gate; empty for a cell without `equations` that name their gates. */
  readonly preActivations: Readonly<Record<string, Vector>>;
  readonly gates: Readonly<Record<string, Vector>>;
  /** After the step. */
  readonly states: Readonly<Record<string, Vector>>;
  /** What else a cell names: tanh(c), the GRU's q, … */
  readonly others: Readonly<Record<string, Vector>>;
  /** Derivative of each gate's function at its pre-activation, σ′(a) or tanh′(a). */
  readonly slopes: Readonly<Record<string, Vector>>;
  readonly gradients: StepGradients;
}

/** ∂(sum of seeds)/∂(each of them). */
export interface StepGradients {
  readonly preActivations: Readonly<Record<string, Vector>>;
  /** Of the gates' values; those the engine does not form are left out. */
  readonly gates: Readonly<Record<string, Vector>>;
  readonly states: Readonly<Record<string, SplitGradient>>;
  /** Of what else the backward step leaves behind, such as the GRU's du. */
  readonly others: Readonly<Record<string, Vector>>;
  /** `[D]` of the layer's input at this word, through this direction alone. */
  readonly x: Vector;
}

/** A state's gradient in two parts that add up to the third, component by component. Norms do not add. */
export interface SplitGradient {
  /** What arrives at this step from outside time: from the layer above or the head; for `c`, from this step's own h. `[H]` */
  readonly direct: Vector;
  /** What arrives from the next step of the recurrence. `[H]` */
  readonly recurrent: Vector;
  /** `[H]` */
  readonly total: Vector;
  /** Euclidean norms of the three, and the cosine between the first two (NaN where one of them is zero). */
  readonly norms: { readonly direct: number; readonly recurrent: number; readonly total: number };
  readonly cosine: number;
}

/** Gradients of the M seeds, one backward pass each, at one kind of variable: R[m,k]. */
export interface ReachTrace {
  /** Components of the variable. */
  readonly size: number;
  /** ‖R[m,k]‖. */
  readonly norms: LossByWord;
  /** ‖R[m,k]‖ / ‖R[m,r]‖ with r = `reference[m]`; NaN where that norm is 0. */
  readonly retention: LossByWord;
  /** Per loss the word that counts as 1: the loss's own, or, for a sentence, the last one read. */
  readonly reference: readonly number[];
  /** Per word ‖Σ_m R[m,k]‖ = ‖δ_k‖, from one backward pass of all seeds together. */
  readonly total: Vector;
  /** Per loss: how many words from its reference the first with a retention below 0.01 lies; null where there is none. */
  readonly length: readonly (number | null)[];
  /** The vectors themselves, `[size]` each; present where `vectors: true` was asked for. */
  readonly vectors?: LossByWord<Vector>;
}

/** The gradient of one parameter, or of one gate's columns of it, as a sum of addends A[m,k]: loss m, used at word k. */
export interface LedgerTrace {
  /** Dotted name: `layers.0.forward.Wh`, `heads.labels.W`, `encoders.words.weight`. */
  readonly param: string;
  /** Its columns of one gate; null for all of them. */
  readonly gate: string | null;
  /** Where the parameter belongs; null outside of the recurrent layers. */
  readonly layer: number | null;
  readonly direction: DirectionName | null;
  /** ‖dP‖, Frobenius, P = these columns. */
  readonly norm: number;
  /** ‖dP‖ / Σ‖A[m,k]‖: 1 where all addends agree, 0 where they cancel; NaN where all are zero. */
  readonly cancellation: number;
  /** ⟨A[m,k], dP⟩ / ‖dP‖²: negative where an addend is against the sum; NaN where dP = 0. */
  readonly shares: LossByWord;
  /** Sum of the shares: 1 to rounding; NaN where dP = 0. */
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
  /** Row and column, or the place in a vector. */
  readonly index: readonly number[];
  /** JSON Pointer to its gradient in this trace. */
  readonly ref: string;
  /** Per word, in sentence order: what its use there contributes, all losses together. */
  readonly uses: Vector;
  /** By loss and word. */
  readonly addends: LossByWord;
  /** Their sum, the gradient. */
  readonly total: number;
}

/** How a direction's state depends on earlier ones. State vectors hold all states, h first: S = H, or 2H for an LSTM. */
export interface JacobianTrace {
  /** S. */
  readonly size: number;
  /** Per word k, J_k = ∂s_k/∂s_{k−1}, the step before in the direction of reading. */
  readonly steps: readonly JacobianStep[];
  /** Products of the J, from the state at word `from` back to each word. */
  readonly products: { readonly from: number; readonly steps: readonly (JacobianProduct | null)[] };
}

/** One step back in time. */
export interface JacobianStep {
  /** Largest singular value: no vector grows by more. */
  readonly sigmaMax: number;
  /** Largest absolute eigenvalue. */
  readonly spectralRadius: number;
  /** ‖v·J_k‖ / ‖v‖ for v = the gradient at s_k of all seeds; NaN where v = 0. */
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
  /** ‖v·∂s_from/∂s_k‖ / ‖v‖ for v = the gradient at s_from of the seed at that word alone; NaN where v = 0. */
  readonly gain: number;
}

/** Behind the layers. */
export interface HeadTrace {
  /** Under which its parameters stand: `labels`, `category`. */
  readonly name: string;
  /** `softmax`: a label per word; `sentence`: one for the sentence; or the kind of a head of your own. */
  readonly kind: string;
  /** Parameters and their gradients: matrices row by row, vectors as one row. */
  readonly weights: Readonly<Record<string, Matrix>>;
  readonly dWeights: Readonly<Record<string, Matrix>>;
}

/** Truncated BPTT with windows { every, back }, run for real. */
export interface TruncationTrace {
  readonly every: number;
  readonly back: number;
  readonly params: readonly TruncatedParam[];
}

/** One parameter under truncation. */
export interface TruncatedParam {
  readonly param: string;
  /** ‖dP‖ in full, and truncated. */
  readonly norm: number;
  readonly truncated: number;
  /** Cosine of the angle between them; NaN where one is zero. */
  readonly cosine: number;
  /** 1 − ⟨truncated, full⟩ / ‖full‖²: what is lost of the gradient along itself; NaN where it is zero. */
  readonly lost: number;
}

/** Clipping by the global norm. */
export interface ClipTrace {
  readonly threshold: number;
  /** Norm of the whole gradient before. */
  readonly norm: number;
  /** What every gradient is multiplied by, at most 1. Clipping does not lengthen small gradients. */
  readonly scale: number;
  /** Cosine between the gradient before and after: 1 for a global norm. */
  readonly cosine: number;
}

/** Which word decided one label. Lists are per word; a larger number spoke more for the label. */
export interface SaliencyTrace {
  /** Loss number: a word's place, or 0 for the sentence. */
  readonly target: number;
  /** Whose logit is explained, and the label it is measured against; null: the logit alone. */
  readonly label: string;
  readonly contrast: string | null;
  readonly methods: {
    /** ‖∂z/∂x_k‖, without a sign. */
    readonly gradient: Vector;
    /** ⟨x_k, ∂z/∂x_k⟩. */
    readonly inputTimesGradient: Vector;
    /** Integrated gradients from vectors of zeros; null where they are not complete: see `gap`. */
    readonly integrated: Vector | null;
    /** z − z with the word swapped for `replacements[k]`: two forward passes, nothing linear. */
    readonly swap: Vector;
  };
  /** |Σ integrated − (z − z at zero)| / |z − z at zero|; integrated gradients are shown below 0.01 alone. */
  readonly gap: number;
  /** Points of the path at which the gradient was taken. */
  readonly points: number;
  /** What each word was swapped for, and by which rule. */
  readonly replacements: readonly string[];
  readonly rules: readonly ReplacementRule[];
  /** Whether gradient and swap name the same word first. */
  readonly agrees: boolean;
}

/** How a replacement was found: given; the other number, cat for cats; the commonest word that gets the same label there; the unknown word. */
export type ReplacementRule = 'given' | 'number' | 'same-label' | 'unknown';

/** The checks that ran. */
export interface CheckTrace {
  /** How many derivatives were compared. */
  readonly checked: number;
  /** Whether none disagrees. */
  readonly agrees: boolean;
  /** Place in `elements` of the one that agrees least; null where nothing was checked. */
  readonly worst: number | null;
  readonly elements: readonly CheckElement[];
  /** Where the hand-written backward pass first departs from forward mode, going backward; null where it does not. */
  readonly fault: FaultTrace | null;
  /**
   * How wrong plain central differences of one element are, by their step; left out where nothing was checked, its gradient is 0, or a
   * number is not finite.
   */
  readonly curve?: CurveTrace;
}

/** Central differences of one weight at falling steps ε. All of it is relative to its hand-written gradient g. */
export interface CurveTrace {
  /** Place in `elements`. */
  readonly element: number;
  /** ε, 10⁻¹ to 10⁻¹². */
  readonly steps: Vector;
  /** |D(ε) − g| / |g|, D(ε) = (L(θ + ε) − L(θ − ε)) / 2ε. */
  readonly errors: Vector;
  /** What the third derivative adds, ε²·|L‴| / 6|g|, estimated from the differences at 10⁻² and 10⁻³. */
  readonly truncation: Vector;
  /** What the rounding of the loss adds, its standard deviation σ / √2·ε·|g|. */
  readonly rounding: Vector;
}

/** One derivative by three methods. */
export interface CheckElement {
  /** JSON Pointer to the checked gradient in this trace; null where the trace does not hold it, as for word vectors. */
  readonly ref: string | null;
  readonly param: string;
  readonly index: readonly number[];
  /** In words: `layers.0.forward.Wh[3, 7], gate f`. */
  readonly where: string;
  /** By the hand-written backward pass. */
  readonly analytic: number;
  /** By dual numbers; null where they are not available. */
  readonly forwardMode: number | null;
  /** By central differences; null where the loss is not finite. */
  readonly numeric: number | null;
  /** How far `numeric` may be off by itself. */
  readonly noise: number | null;
  /** |analytic − forward mode| over the larger of them; over `numeric` where forward mode is not available. */
  readonly relative: number;
  /** `below-noise`: finite differences cannot tell and forward mode is not available. */
  readonly verdict: 'agree' | 'below-noise' | 'disagree';
}

/** The first wrong step of a backward pass. */
export interface FaultTrace {
  readonly layer: number;
  readonly direction: DirectionName;
  /** Word of the step. */
  readonly word: number;
  /**
   * What has a wrong gradient there: the pre-activation of a gate, a state, another quantity, or the use of a weight. A wrong gradient
   * of a state after word k was handed back by the step after it.
   */
  readonly kind: 'gate' | 'state' | 'other' | 'weight';
  readonly name: string;
  readonly unit: number;
  /** JSON Pointer to the wrong gradient. */
  readonly ref: string;
  readonly analytic: number;
  readonly forwardMode: number;
  /** A sentence that says so. */
  readonly message: string;
}

/** One law: what it says, and by how much it is missed. */
export interface IdentityTrace {
  readonly name: IdentityName;
  /** In words and symbols. */
  readonly says: string;
  /** Largest difference, relative to the larger side; NaN where a side is not finite. */
  readonly residual: number;
  readonly tolerance: number;
  readonly holds: boolean;
}

/** Name of a law that every trace is checked by. */
export type IdentityName =
  | 'probabilities'
  | 'reach-sums-to-gradient'
  | 'direct-plus-recurrent'
  | 'shares-sum-to-one'
  | 'addends-sum-to-gradient'
  | 'gates-by-equations'
  | 'jacobian-bounds';
