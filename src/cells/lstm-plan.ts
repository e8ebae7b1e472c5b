/** The options of the LSTM's variants: what they are, how they change the step, and the name that lists them. */
import { expectKnownKeys, expectPositive, keysOf } from '../tensor/checks.js';
import { describe } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Activation, ActivationName, ActivationOf } from './activations.js';
import { activationOf } from './activations.js';

/** What differs from the LSTM; by default, nothing. */
export interface LstmVariantOptions {
  /** Gates also read the cell state: i and f the old one, o the new one. */
  readonly peepholes?: boolean;
  /** ONNX's `input_forget`: f = 1 − i, and there are no weights for f. */
  readonly coupled?: boolean;
  /** Bound of the inputs of activations, above 0; the cell state itself is not clipped. */
  readonly clip?: number;
  /** Activations of gates, candidate and output, as ONNX's `activations`; default Sigmoid, Tanh, Tanh. */
  readonly activations?: readonly [
    ActivationName | Activation,
    ActivationName | Activation,
    ActivationName | Activation,
  ];
}

const KEYS = keysOf<LstmVariantOptions>({ peepholes: true, coupled: true, clip: true, activations: true });

/** The options, ready to compute with. */
export interface LstmPlan {
  readonly peepholes: boolean;
  readonly coupled: boolean;
  readonly clip: number;
  readonly gate: ActivationOf;
  readonly candidate: ActivationOf;
  readonly output: ActivationOf;
  /** G, and the block of each gate; f shares the block of i if they are coupled. */
  readonly G: number;
  readonly at: { readonly i: number; readonly f: number; readonly g: number; readonly o: number };
}

/** @throws ArgumentError on an option outside its domain */
export function planOf(options: LstmVariantOptions): LstmPlan {
  expectKnownKeys('createLstm', 'options', options, KEYS);
  const { peepholes = false, coupled = false, clip = Infinity, activations = ['Sigmoid', 'Tanh', 'Tanh'] } = options;
  for (const [name, value] of Object.entries({ peepholes, coupled })) {
    if (typeof value !== 'boolean') {
      throw new ArgumentError(`createLstm: ${name} must be true or false; got ${describe(value)}`);
    }
  }
  if (clip !== Infinity) expectPositive('createLstm', 'clip', clip);
  if (!Array.isArray(activations) || activations.length !== 3) {
    throw new ArgumentError(
      `createLstm: activations must list three, for gates, candidate and output; got ${describe(activations)}`,
    );
  }
  const [gate, candidate, output] = activations.map((each) => activationOf('createLstm', each));
  const at = coupled ? { i: 0, f: 0, g: 1, o: 2 } : { i: 0, f: 1, g: 2, o: 3 };
  return { peepholes, coupled, clip, gate, candidate, output, G: coupled ? 3 : 4, at };
}

/** The options in a fixed order, as `cellNamed` reads them. */
export function nameOf({ peepholes, coupled, clip, gate, candidate, output }: LstmPlan): string {
  const activations = [gate, candidate, output].map(({ text }) => text).join('/');
  const parts = [
    ...(peepholes ? ['peepholes'] : []),
    ...(coupled ? ['coupled'] : []),
    ...(clip < Infinity ? [`clip=${clip}`] : []),
    ...(activations === 'Sigmoid/Tanh/Tanh' ? [] : [`activations=${activations}`]),
  ];
  return `lstm:${parts.join(',')}`;
}
