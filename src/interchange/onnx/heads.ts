/**
 * The heads as ONNX operations. A graph has an output of scores for each head, and an output of probabilities if they are a
 * softmax of the scores. The labels of a CRF, or of a softmax under a mask, are those of the best path, which the decoder next to
 * the file finds.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import type { LinearParams } from '../../layers/linear.js';
import type { HeadConfig, SentenceConfig } from '../../labeling/index.js';
import { UnsupportedError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import { affine, LOWEST, where } from './arithmetic.js';
import type { GraphBuilder } from './builder.js';
import { FLOAT } from './proto.js';
import type { Sizes } from './sizes.js';

/** Input of the heads. */
export interface Top {
  /** `[T, B, W]` */
  readonly y: string;
  readonly sizes: Sizes;
  /** Columns of the forward direction: all of W, or the left half. */
  readonly forward: number;
  readonly width: number;
}

/** Name of the output that holds the scores of a head. */
export const scoresOf = ({ kind, name }: HeadConfig): string => `${name}.${kind === 'crf' ? 'emissions' : 'logits'}`;

/** Adds a head and its outputs. @throws UnsupportedError on a custom head */
export function writeHead(builder: GraphBuilder, params: TensorRecord, config: HeadConfig, top: Top): void {
  const { kind, name, size } = config;
  const path = `heads.${name}`;
  if (!['softmax', 'crf', 'sentence'].includes(kind)) {
    throw new UnsupportedError(
      `onnx: the head ${quoted(name)} is of a custom kind, ${quoted(kind)}, and a file stores no functions: export a model without it`,
    );
  }
  const sentence = kind === 'sentence';
  const rows = sentence
    ? pooled(builder, params, config as SentenceConfig, top)
    : builder.add('Transpose', [top.y], { perm: [1, 0, 2] });
  const scores = affine(builder, rows, path, params as LinearParams, scoresOf(config));
  const shape = sentence ? ['batch', size] : ['batch', 'time', size];
  builder.output({ name: scores, type: FLOAT, shape });
  for (const own of ['transitions', 'start', 'end']) if (kind === 'crf') builder.weight(`${path}.${own}`, params[own]);
  if (kind === 'crf' || config.permitted !== undefined) return;
  builder.output({ name: builder.add('Softmax', [scores], { axis: -1 }, `${name}.probabilities`), type: FLOAT, shape });
}

/** `[B, W]`, one row for each sentence. */
function pooled(builder: GraphBuilder, params: TensorRecord, { name, pooling }: SentenceConfig, top: Top): string {
  const { y, sizes, forward, width } = top;
  const sum = (x: string): string => builder.add('ReduceSum', [x, builder.integers([0])], { keepdims: 0 });
  const masked = (): string => where(builder, sizes.mask(), y, 0);
  if (pooling === 'max') {
    return builder.add('ReduceMax', [where(builder, sizes.mask(), y, LOWEST)], { axes: [0], keepdims: 0 });
  }
  if (pooling === 'mean') return builder.add('Div', [sum(masked()), sum(sizes.share())]);
  if (pooling === 'attention') return sum(builder.add('Mul', [weights(builder, params, name, top), masked()]));
  const last = sum(where(builder, sizes.last(), y, 0));
  if (forward === width) return last;
  const first = builder.add('Gather', [y, builder.int64(0)], { axis: 0 });
  const part = (x: string, from: number, to: number): string => {
    const [start, end, axes] = [[from], [to], [1]].map((each) => builder.integers(each));
    return builder.add('Slice', [x, start, end, axes]);
  };
  return builder.add('Concat', [part(last, 0, forward), part(first, forward, width)], { axis: 1 });
}

/** Attention weights, `[T, B, 1]`. */
function weights(builder: GraphBuilder, params: TensorRecord, name: string, { y, sizes }: Top): string {
  const path = `heads.${name}.pool`;
  const u = builder.add('Tanh', [affine(builder, y, path, { W: params['pool.W'], b: params['pool.b'] })]);
  const v = builder.add('Unsqueeze', [builder.weight(`${path}.v`, params['pool.v']), builder.integers([1])]);
  const scores = builder.add('MatMul', [u, v]);
  return builder.add('Softmax', [where(builder, sizes.mask(), scores, LOWEST)], { axis: 0 });
}
