/** Networks that turn the characters of a word into one vector, for the character encoder: see `character-lstm.ts`, `character-cnn.ts`. */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { Packing } from '../../../autograd/packing.js';
import type { Kernels } from '../../../kernels/types.js';
import type { Rng } from '../../../tensor/random.js';
import type { Tensor } from '../../../tensor/types.js';

/** Names of the networks. */
export const CHARACTER_NETWORKS = ['lstm', 'cnn'] as const;
/** Name of a network that reads the characters of a word. @useDeclaredType */
export type CharacterNetworkName = (typeof CHARACTER_NETWORKS)[number];

/** Sizes of a network. */
export interface CharacterSizes {
  /** D, the size of a character's vector. */
  readonly embedding: number;
  /** E, the size of a word's vector. */
  readonly width: number;
  /** K, the number of characters in the window of a filter; only for a convolution. */
  readonly window: number;
}

/** What a forward pass returns; a network adds what its backward pass needs. */
export interface CharacterPass {
  /** `[U, E]` in packed order. */
  readonly v: Tensor;
}

/** The inference half. */
export interface InferenceCharacterNetwork {
  /** Shape of every parameter, by name. */
  shapes(sizes: CharacterSizes): Readonly<Record<string, readonly number[]>>;
  /**
   * @param x `[M, D]`, the characters of U words, packed; no word is empty
   */
  forward(kernels: Kernels, params: TensorRecord, x: Tensor, packing: Packing): CharacterPass;
}

/** A whole network. */
export interface CharacterNetwork<P extends CharacterPass = CharacterPass> extends InferenceCharacterNetwork {
  /** Approximate number of floats per character in a training step. */
  floatsPerCharacter(sizes: CharacterSizes): number;
  initialize(sizes: CharacterSizes, rng: Rng): TensorRecord;
  /** Also returns what the backward pass needs; the bits are the same. */
  forward(kernels: Kernels, params: TensorRecord, x: Tensor, packing: Packing): P;
  /** Accumulates into `grads`, which has the structure of the parameters, and into `dX [M, D]`. `dV` is `[U, E]`. */
  backward(kernels: Kernels, params: TensorRecord, pass: P, dV: Tensor, grads: TensorRecord, dX: Tensor): void;
}
