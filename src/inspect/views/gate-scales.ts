/** The color scales of V9: one for each range of gate functions, shared by all gates with that range, and one for all slopes. */
import type { Trace } from '../trace.js';
import type { ColorScale } from './paint.js';
import { linear } from './scale.js';
import { roundLimit } from './paint.js';
import type { Place } from './select.js';
import { short, withSign } from './text.js';
import type { Style } from './theme.js';

/** The range of a gate: that of its function, or, if the cell does not give one, that of its values, at least 0 … 1. */
function rangeOf(trace: Trace, place: Place, gate: string): readonly [number, number] {
  const known = trace.model.quantities.find(({ key, kind }) => kind === 'gates' && key === gate)?.range ?? [null, null];
  const [low, high] = known;
  if (low !== null && high !== null) return [low, high];
  const values = place.trace.steps.flatMap(({ gates }) => gates[gate]);
  const limit = Math.max(1, roundLimit(values));
  return [values.some((each) => each < 0) ? -limit : 0, limit];
}

/** The scales of a picture: one for each range of gates, and one of slopes. */
export interface GateScales {
  readonly gates: ReadonlyMap<string, ColorScale>;
  readonly slope: ColorScale;
  /** Every scale once, for the legends. */
  readonly all: readonly ColorScale[];
}

export function scalesOf(trace: Trace, place: Place, names: readonly string[], style: Style): GateScales {
  const byRange = new Map<string, ColorScale>();
  const gates = new Map<string, ColorScale>();
  for (const name of names) {
    const range = rangeOf(trace, place, name);
    const found = byRange.get(range.join()) ?? scaleOf(range, style);
    byRange.set(range.join(), found);
    gates.set(name, found);
  }
  const slopes = place.trace.steps.flatMap((step) => names.flatMap((name) => step.slopes[name] ?? []));
  const slope = { ...scaleOf([0, Math.max(1, roundLimit(slopes))], style), label: style.strings['gates.legend.slope'] };
  return { gates, slope, all: [...byRange.values(), slope] };
}

function scaleOf([low, high]: readonly [number, number], style: Style): ColorScale {
  const signed = low < 0;
  const label = style.strings[signed ? 'gates.legend.signed' : 'gates.legend.open'];
  const format = (value: number): string => (signed ? withSign(value, 2) : short(value, 2));
  return { scale: linear([low, high]), map: signed ? style.sign : style.magnitude, signed, label, format };
}
