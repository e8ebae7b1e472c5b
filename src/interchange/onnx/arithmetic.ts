/** Small pieces of arithmetic that several parts of a graph share. */
import type { LinearParams } from '../../layers/linear.js';
import type { GraphBuilder } from './builder.js';

/** `x·W + b`. @param path of the parameters, `dense` */
export function affine(
  builder: GraphBuilder,
  x: string,
  path: string,
  { W, b }: LinearParams,
  output?: string,
): string {
  const product = builder.add('MatMul', [x, builder.weight(`${path}.W`, W)]);
  return builder.add('Add', [product, builder.weight(`${path}.b`, b)], {}, output);
}

/** The most negative float32, which fills empty places before a maximum. */
export const LOWEST = -3.4028234663852886e38;

/** `x` where the mask is true, else a number. */
export function where(builder: GraphBuilder, mask: string, x: string, otherwise: number): string {
  return builder.add('Where', [mask, x, builder.scalar(otherwise)]);
}
