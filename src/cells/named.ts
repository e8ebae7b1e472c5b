/** Cells by name: the built-in ones, and variants whose names list their options. */
import type { Cell } from './cell.js';
import { provideVariants } from './forward.js';
import { gruResetBefore } from './gru-reset-before.js';
import { createGru } from './gru-variants.js';
import { gru } from './gru.js';
import { createLstm } from './lstm-variants.js';
import { gruLayerNorm } from './gru-layer-norm.js';
import { lstmLayerNorm } from './lstm-layer-norm.js';
import { createLstmProjection } from './lstm-projections.js';
import { lstm } from './lstm.js';
import { ArgumentError } from '../tensor/errors.js';
import { createRnn } from './rnn-variant.js';
import { rnn, rnnRelu } from './rnn.js';
import type { NamedOptions } from './variant-names.js';
import { familyOf, optionsNamed } from './variant-names.js';

/** Every cell of this package that has no options, by name. */
export const cells: Readonly<Record<string, Cell>> = {
  rnn,
  'rnn-relu': rnnRelu,
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};

/** Makes a variant from its options. */
const makers: Readonly<Record<string, (options: NamedOptions) => unknown>> = {
  lstm({ layernorm, projection, ...others }) {
    if (layernorm) return lstmLayerNorm;
    return projection === undefined ? createLstm(others) : createLstmProjection(projection as number);
  },
  gru: ({ layernorm, ...others }) => (layernorm ? gruLayerNorm : createGru(others)),
  'gru-reset-before': (options) => createGru({ ...options, resetBefore: true }),
  rnn: (options) => createRnn(options),
};

/** Options that select a separate cell, and cannot be combined with others. */
const ALONE = ['layernorm', 'projection'];

function expectAlone(name: string, options: NamedOptions): void {
  const alone = ALONE.find((key) => options[key] !== undefined);
  const others = Object.keys(options).filter((key) => key !== alone);
  if (alone === undefined || others.length === 0) return;
  throw new ArgumentError(
    `cell '${name}': ${alone} cannot be combined with other options: leave out ${others.join(', ')}`,
  );
}

/**
 * A cell of this package by its name: one of `cells`, or a variant of one, `lstm:peepholes,clip=3` (see `createLstm`).
 *
 * @returns undefined if no cell has that name
 * @throws ArgumentError on a name that begins like a variant's, `lstm:`, but does not continue with options
 */
export function cellNamed(name: string): Cell | undefined {
  if (typeof name === 'string' && Object.hasOwn(cells, name)) return cells[name];
  const family = familyOf(name);
  if (family === undefined) return undefined;
  const options = optionsNamed(name);
  expectAlone(name, options);
  const made = makers[family](options) as Cell;
  return made.name === `${family}:` ? cells[family] : made; // options that change nothing
}

// A bundler keeps this line if the application uses `cellNamed` or trains; its taggers then support the variants too.
provideVariants(cellNamed);
