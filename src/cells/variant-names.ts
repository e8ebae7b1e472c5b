/**
 * The names of cells that have options: the cell, a colon, and the options separated by commas, `lstm:peepholes,clip=3`. A model
 * file stores only this name. Here a name is parsed into options; `named.ts` makes the cell from them.
 */
import { ArgumentError } from '../tensor/errors.js';
import { parseActivation } from './activations.js';

/** What each cell accepts after the colon, as written in a name; an option without = is a switch. */
const PARTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  lstm: {
    peepholes: 'peepholes',
    coupled: 'coupled',
    clip: 'clip=x',
    activations: 'activations=Sigmoid/Tanh/Tanh',
    layernorm: 'layernorm',
    projection: 'projection=k',
  },
  gru: { activations: 'activations=Sigmoid/Tanh', clip: 'clip=x', layernorm: 'layernorm' },
  'gru-reset-before': { activations: 'activations=Sigmoid/Tanh', clip: 'clip=x' },
  rnn: { activation: 'activation=Tanh', clip: 'clip=x' },
};

/** The cells that have options, for a help text. */
export const FAMILIES: readonly string[] = Object.keys(PARTS);

/** The cell of which a name is a variant, valid or not; undefined if it is not a variant. */
export function familyOf(name: unknown): string | undefined {
  return typeof name === 'string' ? FAMILIES.find((family) => name.startsWith(`${family}:`)) : undefined;
}

/** Options as given in a name. */
export type NamedOptions = Readonly<Record<string, unknown>>;

/**
 * Parses the options in a name.
 *
 * @param name of a cell that has options
 * @throws ArgumentError that names a part that is unknown or repeated
 */
export function optionsNamed(name: string): NamedOptions {
  const family = familyOf(name)!;
  const known = PARTS[family];
  const options: Record<string, unknown> = {};
  for (const part of name.slice(family.length + 1).split(',')) {
    const [key, value, ...more] = part.split('=');
    const isSwitch = known[key] === key;
    if (!Object.hasOwn(known, key) || more.length > 0 || (value === undefined) !== isSwitch) {
      throw new ArgumentError(
        `cell '${name}': expected ${listed(Object.values(known))} after ${family}:, separated by commas; got '${part}'`,
      );
    }
    if (Object.hasOwn(options, key)) throw new ArgumentError(`cell '${name}': ${key} is given twice: leave one out`);
    options[key] = isSwitch || valueOf(`cell '${name}'`, key, value);
  }
  return options;
}

/** `peepholes, coupled or clip=x`. */
const listed = (texts: readonly string[]): string =>
  texts.length === 1 ? texts[0] : `${texts.slice(0, -1).join(', ')} or ${texts[texts.length - 1]}`;

/** The text after the = of a part; its meaning is checked when the cell is made. */
function valueOf(where: string, key: string, text: string): unknown {
  if (key === 'activation') return parseActivation(where, text);
  if (key !== 'activations') return /^\d/.test(text) ? Number(text) : NaN;
  return text.split('/').map((each) => parseActivation(where, each));
}
