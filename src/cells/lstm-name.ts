/** Cells by name: the built-in ones, and variants of the LSTM whose name says their options. */
import { ArgumentError } from '../tensor/errors.js';
import { parseActivation } from './activations.js';
import type { LstmVariantOptions } from './lstm-plan.js';

const PREFIX = 'lstm:';

/** Whether a name is that of a variant of the LSTM, right or wrong: `lstm:peepholes,clip=3`. */
export const isLstmVariant = (name: unknown): name is string => typeof name === 'string' && name.startsWith(PREFIX);

/**
 * The options that a name says: `peepholes`, `coupled`, `clip=x`, `activations=Sigmoid/Tanh/Tanh`, with commas between them.
 *
 * @throws ArgumentError that names the part that is none, or is there twice
 */
export function lstmVariantOf(name: string): LstmVariantOptions {
  const options: { -readonly [K in keyof LstmVariantOptions]: LstmVariantOptions[K] } = {};
  const seen = new Set<string>();
  for (const part of name.slice(PREFIX.length).split(',')) {
    const [key, value, ...more] = part.split('=');
    const isSwitch = key === 'peepholes' || key === 'coupled';
    const isKnown = isSwitch || key === 'clip' || key === 'activations';
    if (!isKnown || more.length > 0 || (value === undefined) !== isSwitch) {
      throw new ArgumentError(
        `cell '${name}': expected peepholes, coupled, clip=x or activations=Sigmoid/Tanh/Tanh behind lstm:, with commas between them; got '${part}'`,
      );
    }
    if (seen.has(key)) throw new ArgumentError(`cell '${name}': ${key} is there twice: leave one out`);
    seen.add(key);
    if (isSwitch) options[key] = true;
    else if (key === 'clip') options.clip = /^\d/.test(value) ? Number(value) : NaN;
    else options.activations = value.split('/').map((each) => parseActivation(`cell '${name}'`, each)) as never;
  }
  return options;
}
