/**
 * Word vectors from characters, by a convolution and max pooling over the word (dos Santos & Zadrozny, ICML 2014; Kim
 * et al., AAAI 2016, section 2.2).
 *
 *   Forward    (1)  z = convolution(x)               x [M,D]: M characters of U words, packed   W [K·D,E]   b [E]   z [M,E]
 *              (2)  m[w] = max_t z[(t,w)]            m [U,E]
 *              (3)  v = tanh(m)                      v [U,E]
 *   Backward   (3)  dm = dv ∘ (1 − v²)
 *              (2)  dz[(argmax,w)] += dm[w]
 *              (1)  dW, db, dx += convolutionᵀ(dz)
 *
 * tanh is monotonic, so the tanh of the maximum equals the maximum of the tanh, and is computed once per word.
 */
import type { Kernels } from '../../../kernels/types.js';
import type { ConvolutionParams, ConvolutionPass } from '../../../layers/convolution.js';
import { convolutionBackward, convolutionForward, initConvolution } from '../../../layers/convolution.js';
import type { MaxPool } from '../../../layers/pool-max.js';
import { maxPoolBackward, maxPoolForward } from '../../../layers/pool-max.js';
import { expectShape } from '../../../tensor/checks.js';
import { transcendentals } from '../../../tensor/math.js';
import type { Tensor } from '../../../tensor/types.js';
import type { CharacterNetwork, CharacterPass, InferenceCharacterNetwork } from './character-network.js';

interface CnnPass extends CharacterPass {
  readonly filtered: ConvolutionPass;
  readonly pooled: MaxPool;
}

/** Equation (3). */
function tanhOf(kernels: Kernels, y: Tensor): Tensor {
  const { data, offset, shape } = y;
  const v = kernels.empty(shape, y);
  const { tanh } = transcendentals(y);
  for (let i = 0; i < shape[0] * shape[1]; i++) v.data[v.offset + i] = tanh(data[offset + i]);
  return v;
}

/** Backward pass of equation (3). */
function tanhBackward(kernels: Kernels, v: Tensor, dV: Tensor): Tensor {
  const [U, E] = v.shape;
  const dM = kernels.empty(v.shape, v);
  for (let u = 0; u < U; u++) {
    const from = dV.offset + u * dV.stride[0];
    for (let e = 0; e < E; e++) {
      const value = v.data[v.offset + u * E + e];
      dM.data[dM.offset + u * E + e] = dV.data[from + e * dV.stride[1]] * (1 - value * value);
    }
  }
  return dM;
}

/** The inference half. */
export const inferenceCharacterCnn: InferenceCharacterNetwork = {
  shapes: ({ embedding: D, width: E, window: K }) => ({ W: [K * D, E], b: [E] }),
  forward(kernels, params, x, packing) {
    const { y } = convolutionForward(kernels, params as ConvolutionParams, x, packing); // (1)
    return { v: tanhOf(kernels, maxPoolForward(kernels, y, packing).y) }; //              (2) (3)
  },
};

/** A convolution and max pooling over the word. */
export const characterCnn: CharacterNetwork<CnnPass> = /* @__PURE__ */ wholeCnn();

function wholeCnn(): CharacterNetwork<CnnPass> {
  return {
    ...inferenceCharacterCnn,
    floatsPerCharacter: ({ embedding: D, width: E, window: K }) => 2 * (K + 1) * D + 3 * E,
    initialize: ({ embedding: D, width: E, window: K }, rng) => initConvolution(D, E, K, rng.split('filters')),
    forward(kernels, params, x, packing) {
      const filtered = convolutionForward(kernels, params as ConvolutionParams, x, packing); // (1)
      const pooled = maxPoolForward(kernels, filtered.y, packing); //                           (2)
      return { v: tanhOf(kernels, pooled.y), filtered, pooled }; //                             (3)
    },
    backward(kernels, params, { v, filtered, pooled }, dV, grads, dX) {
      const [U, E] = v.shape;
      expectShape('characters', 'dV', dV, [{ U }, { E }]);
      const dM = tanhBackward(kernels, v, dV); //                                               (3)
      const dZ = kernels.zeros(filtered.y.shape, v);
      maxPoolBackward(kernels, pooled, dM, dZ); //                                              (2)
      convolutionBackward(kernels, params as ConvolutionParams, filtered, dZ, grads as ConvolutionParams, dX); // (1)
    },
  };
}
