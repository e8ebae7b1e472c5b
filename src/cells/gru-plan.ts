/** The options of the GRU's variants, in both of its forms. */
import { expectKnownKeys, expectPositive, keysOf } from '../tensor/checks.js';
import { describe } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Activation, ActivationName, ActivationOf } from './activations.js';
import { activationOf } from './activations.js';

/** What differs from the GRU; by default, nothing. */
export interface GruVariantOptions {
  /** Whether the reset gate is applied before the recurrent product, ONNX's `linear_before_reset = 0`; default false. */
  readonly resetBefore?: boolean;
  /** Activations of gates and candidate, as ONNX's `activations`; default Sigmoid, Tanh. */
  readonly activations?: readonly [ActivationName | Activation, ActivationName | Activation];
  /** Bound of the inputs of activations, above 0. */
  readonly clip?: number;
}

const KEYS = keysOf<GruVariantOptions>({ resetBefore: true, activations: true, clip: true });

/** The options, ready to compute with. */
export interface GruPlan {
  readonly resetBefore: boolean;
  readonly gate: ActivationOf;
  readonly candidate: ActivationOf;
  readonly clip: number;
}

/** @throws ArgumentError on an option outside its domain */
export function gruPlanOf(options: GruVariantOptions): GruPlan {
  expectKnownKeys('createGru', 'options', options, KEYS);
  const { resetBefore = false, activations = ['Sigmoid', 'Tanh'], clip = Infinity } = options;
  if (typeof resetBefore !== 'boolean') {
    throw new ArgumentError(`createGru: resetBefore must be true or false; got ${describe(resetBefore)}`);
  }
  if (clip !== Infinity) expectPositive('createGru', 'clip', clip);
  if (!Array.isArray(activations) || activations.length !== 2) {
    throw new ArgumentError(
      `createGru: activations must list two, for gates and candidate; got ${describe(activations)}`,
    );
  }
  const [gate, candidate] = activations.map((each) => activationOf('createGru', each));
  return { resetBefore, gate, candidate, clip };
}

/** The options in a fixed order, as `cellNamed` reads them. */
export function gruNameOf({ resetBefore, gate, candidate, clip }: GruPlan): string {
  const activations = `${gate.text}/${candidate.text}`;
  const parts = [
    ...(activations === 'Sigmoid/Tanh' ? [] : [`activations=${activations}`]),
    ...(clip < Infinity ? [`clip=${clip}`] : []),
  ];
  return `gru${resetBefore ? '-reset-before' : ''}:${parts.join(',')}`;
}
