/** Holds what float32 arithmetic found against the balls of `balls.ts`. */
import type { Tensor } from '../../src/tensor/types.js';
import type { BallSolution } from './ball-cells.js';
import type { Ball } from './balls.js';
import type { Solution } from './cases.js';

/** How a float32 solution stands to its bound. */
export interface Audit {
  /** The largest |found − exact| / radius: above 1, float32 arithmetic does not excuse the error. */
  readonly used: number;
  /** Where that is: `gradient of layers.0.forward.Wh [4]`. */
  readonly at: string;
  /** The tensors with an element outside its ball. */
  readonly outside: readonly string[];
  /** By tensor, the largest radius relative to the largest element: how little the bound forgives. */
  readonly width: Readonly<Record<string, number>>;
}

/** Holds every element of a solution against its ball. */
export function audit(found: Solution, balls: BallSolution): Audit {
  let worst = { used: 0, at: 'none' };
  const width: Record<string, number> = {};
  const outside: string[] = [];
  for (const kind of ['outputs', 'grads'] as const) {
    expectSameNames(found[kind], balls[kind], kind);
    for (const [name, expected] of Object.entries(balls[kind])) {
      const label = kind === 'grads' ? `gradient of ${name}` : name;
      const { used, element } = worstElement(found[kind][name], expected);
      if (used > worst.used) worst = { used, at: `${label} [${element}]` };
      if (used > 1) outside.push(label);
      const largest = Math.max(...expected.map(({ value }) => Math.abs(value)));
      if (largest > 0) width[label] = Math.max(...expected.map(({ radius }) => radius)) / largest;
    }
  }
  return { ...worst, outside, width };
}

function expectSameNames(a: object, b: object, kind: string): void {
  if (Object.keys(a).sort().join() !== Object.keys(b).sort().join()) throw new Error(`other ${kind} than expected`);
}

function worstElement({ data }: Tensor, balls: readonly Ball[]): { used: number; element: number } {
  if (data.length !== balls.length) throw new Error(`${data.length} elements, ${balls.length} balls`);
  let worst = { used: 0, element: 0 };
  balls.forEach(({ value, radius }, element) => {
    const error = Math.abs(data[element] - value);
    const used = error === 0 ? 0 : error / radius;
    if (!(used <= worst.used)) worst = { used: Number.isNaN(used) ? Infinity : used, element };
  });
  return worst;
}
