/**
 * The tagger as an ONNX model of fixed sizes, time first, written by the package's own writer (`src/interchange/onnx`, built): Gather, LSTM
 * or GRU or RNN in both directions, Transpose, Reshape, MatMul, Add. What `bptt export --onnx` writes has free sizes and lengths of sentences too.
 */
import { graphBuilder } from '../../dist/esm/interchange/onnx/builder.js';
import { encodeOnnx, FLOAT, INT64 } from '../../dist/esm/interchange/onnx/proto.js';
import { operatorOf } from '../../dist/esm/interchange/onnx/operators.js';
import { operatorLayer } from '../../dist/esm/interchange/onnx/recurrent.js';
import { viewOf } from '../../dist/esm/tensor/view.js';

/** The bytes of a model with the input `ids` int64 `[T, B]` and the output `logits` float `[T·B, K]`. */
export function taggerModel({ cell, H, K, T, B }, weights) {
  const tensor = (name) => viewOf(weights[name].data, weights[name].shape);
  const names = ['Wx', 'Wh', 'b', ...(cell === 'gru' ? ['bn'] : [])];
  const direction = (way) => Object.fromEntries(names.map((name) => [name, tensor(`layers.0.${way}.${name}`)]));
  const both = { forward: direction('forward'), reverse: direction('reverse') };
  const builder = graphBuilder();
  const ids = builder.input({ name: 'ids', type: INT64, shape: [T, B] });
  const x = builder.add('Gather', [builder.weight('embedding', tensor('encoders.words.weight')), ids]); // [T, B, E]
  const [directions] = operatorLayer(builder, operatorOf(cell), both, { x, lengths: '', path: 'layer' }); // [T, 2, B, H]
  const beside = builder.add('Transpose', [directions], { perm: [0, 2, 1, 3] }); // [T, B, 2, H]
  const y = builder.add('Reshape', [beside, builder.integers([T * B, 2 * H])]); // [T·B, 2H]
  const product = builder.add('MatMul', [y, builder.weight('W_out', tensor('heads.labels.W'))]);
  builder.add('Add', [product, builder.weight('b_out', tensor('heads.labels.b'))], {}, 'logits');
  builder.output({ name: 'logits', type: FLOAT, shape: [T * B, K] });
  return encodeOnnx({ irVersion: 8, opset: 14, producer: 'bptt', graph: builder.graph('tagger'), metadata: {} });
}
