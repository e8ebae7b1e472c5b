/** Selects, by name, the parts of a model that training does not change. */
import { flatten } from '../../autograd/grads.js';
import { ArgumentError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import type { ModelParams, Network } from '../model/network.js';

/** Whether the part of that name includes this parameter: `encoders.words` includes `encoders.words.weight`. */
export const isPartOf = (part: string, parameter: string): boolean =>
  parameter === part || parameter.startsWith(`${part}.`);

/**
 * Returns the dotted names of the parameters that are frozen.
 *
 * @param freeze names of parts (`encoders`, `encoders.words`, `layers.0`, `heads.slots`), or of single parameters
 * @throws ArgumentError on a name that no parameter has, listing the parts; or if nothing would be left to learn
 */
export function frozenParams(
  network: Pick<Network, 'encoders' | 'layers' | 'dense' | 'heads'>,
  params: ModelParams,
  freeze: readonly string[] = [],
): ReadonlySet<string> {
  const names = Object.keys(flatten(params));
  for (const part of freeze) {
    if (names.some((name) => isPartOf(part, name))) continue;
    throw new ArgumentError(
      `train: freeze (--freeze) names ${quoted(part)}, which the model lacks; it has ${partsOf(network).join(', ')}`,
    );
  }
  const frozen = new Set(names.filter((name) => freeze.some((part) => isPartOf(part, name))));
  const fixed = network.encoders.flatMap((each) => (each.frozen ?? []).map((name) => `encoders.${each.config.kind}.${name}`)); // prettier-ignore
  if (freeze.length === 0 || names.some((name) => !frozen.has(name) && !fixed.includes(name))) return frozen;
  throw new ArgumentError(
    `train: freeze (--freeze) must leave something to learn; got ${freeze.join(', ')}, which is the whole model: freeze less`,
  );
}

/** The parts of a model, in order. */
function partsOf({
  encoders,
  layers,
  dense,
  heads,
}: Pick<Network, 'encoders' | 'layers' | 'dense' | 'heads'>): string[] {
  return [
    ...['encoders', ...encoders.map(({ config }) => `encoders.${config.kind}`)],
    ...['layers', ...layers.map((_, l) => `layers.${l}`)],
    ...(dense ? ['dense'] : []),
    ...['heads', ...heads.map(({ config }) => `heads.${config.name}`)],
  ];
}
