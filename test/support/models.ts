/** Models of the usual make: one encoder of words, one head of labels. */
import type { BodyConfig, ModelConfig } from '../../src/labeling/model/network';
import type { Features } from '../../src/labeling/model/encoders/encoder';

/** Sizes of a tagger. */
export interface TaggerSizes extends BodyConfig {
  /** E */
  readonly embedding: number;
}

/** The configuration of a tagger with V words and K labels. */
export function taggerConfig({ embedding, ...body }: TaggerSizes, V: number, K: number): ModelConfig {
  return {
    encoders: [{ kind: 'words', width: embedding, size: V }],
    body,
    heads: [{ kind: 'softmax', name: 'labels', size: K }],
  };
}

/** Rows of word ids as the encoder of words reads them. */
export const featuresOf = (ids: Int32Array): Features[] => [{ ids, hidden: ids }];
