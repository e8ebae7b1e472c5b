/** The two element types of the engine: training runs in float32, gradient checks in float64. */
export type Real = Float32Array | Float64Array;

/** Name of an element type, as ndarray spells it. */
export type DType = 'float32' | 'float64';

/**
 * What the engine needs of a tensor: a flat typed array and how to index it. Element `(i, j)` of a matrix is
 * `data[offset + i * stride[0] + j * stride[1]]`.
 *
 * Every ndarray over a `Float32Array` or `Float64Array` is a `Tensor`. The interface is structural on purpose: the inner
 * loops make many small views, and constructing an ndarray needs `new Function`, which a strict Content-Security-Policy
 * forbids. Parameters, gradients and results of the public API are ndarrays; views inside the engine are plain objects.
 */
export interface Tensor<A extends Real = Real> {
  readonly data: A;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly offset: number;
}
