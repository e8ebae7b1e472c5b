/**
 * Maps cells to recurrent ONNX operators with their attributes, and operators to cells. A cell that is none of the three
 * operators (layer normalization, projection, zoneout, a custom cell) is written step by step: `scan.ts`.
 */
import type { Activation } from '../../cells/activations.js';
import { ACTIVATIONS, parseActivation } from '../../cells/activations.js';
import { familyOf, optionsNamed } from '../../cells/variant-names.js';
import { createGru, createLstm, createRnn } from '../../cells/index.js';
import type { ActivationName } from '../../cells/index.js';
import { cellNamed } from '../../cells/named.js';
import { DataError } from '../../tensor/errors.js';
import type { Attributes } from './builder.js';
import type { GateOrder } from './gates.js';
import type { Attribute, OnnxNode } from './proto.js';

/** A cell as an operator. */
export interface OperatorPlan {
  readonly order: GateOrder;
  /** `activations` and their constants are those of one direction. */
  readonly activations?: readonly Activation[];
  readonly attributes: Attributes;
}

/** Options of the cells that are operators: `createLstm`, `createGru`, `createRnn`. */
interface Options {
  readonly peepholes?: boolean;
  readonly coupled?: boolean;
  readonly clip?: number;
  readonly activation?: Activation;
  readonly activations?: readonly Activation[];
  readonly layernorm?: boolean;
  readonly projection?: number;
}

/** ONNX gates as indices of ours: LSTM i o f c from i f g o (coupled: from i g o); GRU z r h from r z n. */
function orderOf(family: string, { coupled, peepholes }: Options): GateOrder {
  const none = { peepholes: [], inner: false };
  if (family === 'rnn') return { operator: 'RNN', gates: [0], ...none };
  if (family !== 'lstm') return { operator: 'GRU', gates: [1, 0, 2], ...none, inner: family === 'gru' };
  const holes = coupled ? [0, 1, -1] : [0, 2, 1];
  return {
    operator: 'LSTM',
    gates: coupled ? [0, 2, -1, 1] : [0, 3, 1, 2],
    ...{ peepholes: peepholes ? holes : [], inner: false },
  };
}

/** The operator that corresponds to a cell of this package, by its name; undefined if there is none. */
export function operatorOf(name: string): OperatorPlan | undefined {
  if (name === 'rnn-relu') return { order: orderOf('rnn', {}), activations: [{ name: 'Relu' }], attributes: {} };
  const family = familyOf(name) ?? name;
  const options: Options = familyOf(name) ? optionsNamed(name) : {};
  if (!['lstm', 'gru', 'gru-reset-before', 'rnn'].includes(family) || options.layernorm || options.projection) {
    return undefined;
  }
  const { activations = options.activation && [options.activation], clip, coupled } = options;
  const order = orderOf(family, options);
  return {
    order,
    ...(activations && { activations }),
    attributes: {
      linear_before_reset: order.inner ? 1 : undefined,
      input_forget: coupled ? 1 : undefined,
      clip: clip === undefined ? undefined : { float: clip },
    },
  };
}

/** The attributes of an operator for a number of directions. Constants are listed in the order of the functions that use them. */
export function attributesOf({ activations, attributes }: OperatorPlan, dirs: number, H: number): Attributes {
  const all = Array.from({ length: dirs }).flatMap(() => activations ?? []);
  const constants = (key: 'alpha' | 'beta'): Attribute | undefined => {
    const own = all.map((each) => each[key] ?? ACTIVATIONS[each.name][key]).filter((each) => each !== undefined);
    return own.length > 0 ? { floats: own } : undefined;
  };
  return {
    direction: dirs === 2 ? 'bidirectional' : undefined,
    hidden_size: H,
    activations: all.length > 0 ? all.map(({ name }) => name) : undefined,
    ...{ activation_alpha: constants('alpha'), activation_beta: constants('beta') },
    ...attributes,
  };
}

/** The supported attributes, for any of the three operators. */
const KNOWN = [
  ...['activations', 'activation_alpha', 'activation_beta', 'clip', 'direction', 'hidden_size', 'input_forget'],
  ...['linear_before_reset', 'layout'],
];

/** Default activations of one direction. */
const USUAL: Readonly<Record<string, readonly ActivationName[]>> = {
  LSTM: ['Sigmoid', 'Tanh', 'Tanh'],
  GRU: ['Sigmoid', 'Tanh'],
  RNN: ['Tanh'],
};

/**
 * Returns the cell that corresponds to an operator: its name and weight layout.
 *
 * @throws DataError naming what no cell of this package supports
 */
export function cellOfOperator(node: OnnxNode, dirs: number, hasPeepholes: boolean) {
  const { operator, attributes } = node;
  const odd = Object.keys(attributes).find((key) => !KNOWN.includes(key));
  if (odd !== undefined) throw refused(node, `the attribute ${odd}`);
  const activations = activationsOf(node, dirs);
  const clip = numberOf(node, 'clip');
  const cut = clip === undefined ? {} : { clip };
  const flag = (key: string): boolean => (numberOf(node, key) ?? 0) !== 0;
  if (operator === 'RNN') return named(createRnn({ activation: activations[0], ...cut }).name);
  if (operator === 'GRU') {
    const [gate, candidate] = activations;
    const resetBefore = !flag('linear_before_reset');
    return named(createGru({ resetBefore, activations: [gate, candidate], ...cut }).name);
  }
  const [gate, candidate, output] = activations;
  const options = { activations: [gate, candidate, output] as const, ...cut };
  return named(createLstm({ ...options, peepholes: hasPeepholes, coupled: flag('input_forget') }).name);
}

/** Name of the cell in a model file, `lstm` for `lstm:`. */
function named(long: string) {
  const { name } = cellNamed(long.replace(/:$/, '')) ?? { name: long };
  return { name, order: operatorOf(name)!.order };
}

function activationsOf(node: OnnxNode, dirs: number): Activation[] {
  const { operator, attributes } = node;
  const usual = USUAL[operator];
  const given = attributes.activations;
  const names = given === undefined ? Array.from({ length: dirs }).flatMap(() => usual) : given;
  if (!Array.isArray(names) || names.length !== dirs * usual.length) {
    throw refused(node, `activations other than ${usual.length} for each direction`);
  }
  const [alphas, betas] = ['activation_alpha', 'activation_beta'].map((key) => floats(attributes[key]));
  const all = names.map((name): Activation => {
    const own = parseActivation('onnx', String(name));
    const rule = Object.hasOwn(ACTIVATIONS, own.name) ? ACTIVATIONS[own.name] : undefined;
    if (rule === undefined) throw refused(node, `the activation ${String(name)}`);
    const alpha = rule.alpha === undefined ? undefined : alphas.shift();
    const beta = rule.beta === undefined ? undefined : betas.shift();
    return { name: own.name, ...(alpha !== undefined && { alpha }), ...(beta !== undefined && { beta }) };
  });
  const [first, second] = [all.slice(0, usual.length), all.slice(usual.length)];
  if (second.length > 0 && JSON.stringify(first) !== JSON.stringify(second)) {
    throw refused(node, 'other activations for the other direction');
  }
  return first;
}

const floats = (value: Attribute | undefined): number[] =>
  typeof value === 'object' && 'floats' in value ? [...value.floats] : [];

/** A number among the attributes. @throws DataError if it is something else */
function numberOf(node: OnnxNode, key: string): number | undefined {
  const value = node.attributes[key];
  if (value === undefined || typeof value === 'number') return value;
  if (typeof value === 'object' && 'float' in value) return value.float;
  throw refused(node, `the attribute ${key} as something other than a number`);
}

/** Returns an error for a node that cannot be imported. */
export function refused({ name, operator }: OnnxNode, what: string): DataError {
  return new DataError(`onnx: node ${name || '(unnamed)'}, operator ${operator}: ${what} has no counterpart here`);
}
