/**
 * The encoders as ONNX operations: from the integers of tokens to their vectors, `[T, B, E]`. Inputs are batch first, as is
 * customary; recurrent operators need time first.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import type { AffixConfig, CharacterConfig, EncoderConfig, VectorConfig } from '../../labeling/index.js';
import { UnsupportedError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import { affine, LOWEST, where } from './arithmetic.js';
import type { GraphBuilder } from './builder.js';
import { operatorOf } from './operators.js';
import { INT32, INT64 } from './proto.js';
import { operatorLayer } from './recurrent.js';
import { placesOf } from './sizes.js';

/** Adds one encoder to a graph. */
type Writer = (builder: GraphBuilder, params: TensorRecord, config: EncoderConfig) => string;

const path = (kind: string, name: string): string => `encoders.${kind}.${name}`;

/** The integers of tokens, time first: `[T, B]`, or `[T, B, k]`. */
function tokens(builder: GraphBuilder, name: string, more: readonly (string | number)[] = []): string {
  const given = builder.input({ name, type: INT64, shape: ['batch', 'time', ...more] });
  return builder.add('Transpose', [given], { perm: more.length > 0 ? [1, 0, 2] : [1, 0] });
}

const words: Writer = (builder, { weight }) =>
  builder.add('Gather', [builder.weight(path('words', 'weight'), weight), tokens(builder, 'words')]);

const affixes: Writer = (builder, { table }, config) => {
  const { prefixes, suffixes } = config as AffixConfig;
  const rows = tokens(builder, 'affixes', [prefixes + suffixes + 2]);
  const all = builder.add('Gather', [builder.weight(path('affixes', 'table'), table), rows]);
  return builder.add('ReduceSum', [all, builder.integers([2])], { keepdims: 0 });
};

const vectors: Writer = (builder, { table, W, b }, config) => {
  const { scale } = config as VectorConfig;
  const rows = builder.add('Gather', [builder.weight(path('vectors', 'table'), table), tokens(builder, 'vectors')]);
  const scaled = builder.add('Mul', [rows, builder.scalar(scale)]);
  return affine(builder, scaled, 'encoders.vectors', { W, b });
};

/** Input of encoders that read spelling: T·B words of at most C characters. */
interface Spelled {
  /** int64 `[T·B, C]` */
  readonly ids: string;
  /** int32 `[T·B]`, at least 1 */
  readonly lengths: string;
}

/** All words are encoded in one batch, regardless of sentence boundaries. */
const characters: Writer = (builder, params, config) => {
  const { network, window } = config as CharacterConfig;
  const given = tokens(builder, 'characters', ['letters']);
  const counts = builder.input({ name: 'letters', type: INT32, shape: ['batch', 'time'] });
  const turned = builder.add('Transpose', [counts], { perm: [1, 0] });
  const lengths = builder.add('Max', [builder.add('Reshape', [turned, builder.integers([-1])]), builder.int32(1)]);
  const spelled = { ids: builder.add('Flatten', [given], { axis: 2 }), lengths };
  const v = network === 'lstm' ? byLstm(builder, params, spelled) : byCnn(builder, params, spelled, window);
  const [start, end] = [builder.integers([0]), builder.integers([2])];
  const place = builder.add('Slice', [builder.add('Shape', [given]), start, end]);
  return builder.add('Reshape', [v, builder.add('Concat', [place, builder.integers([-1])], { axis: 0 })]);
};

/** The last state of each direction, `[T·B, 2, H]`. */
function byLstm(builder: GraphBuilder, params: TensorRecord, { ids, lengths }: Spelled): string {
  const table = builder.weight(path('characters', 'embedding'), params.embedding);
  const x = builder.add('Gather', [table, builder.add('Transpose', [ids], { perm: [1, 0] })]);
  const own = (way: string): TensorRecord =>
    Object.fromEntries(['Wx', 'Wh', 'b'].map((name) => [name, params[`${way}.${name}`]]));
  const both = { forward: own('forward'), reverse: own('reverse') };
  const [, h] = operatorLayer(builder, operatorOf('lstm')!, both, { x, lengths, path: 'encoders.characters' });
  return builder.add('Transpose', [h], { perm: [1, 0, 2] });
}

/** The maximum of a convolution, `[T·B, E]`. The file stores the filters as a model does; the graph transposes them. */
function byCnn(builder: GraphBuilder, { embedding, W, b }: TensorRecord, { ids, lengths }: Spelled, K: number): string {
  const table = builder.weight(path('characters', 'embedding'), embedding);
  const [D, E] = [embedding.shape[1], W.shape[1]];
  const row = placesOf(builder, ids, 1);
  const places = builder.add('Transpose', [row], { perm: [1, 0] });
  const mask = builder.add('Less', [places, builder.add('Unsqueeze', [lengths, builder.integers([1])])]);
  const inside = builder.add('Unsqueeze', [mask, builder.integers([1])]); // [T·B, 1, C]
  const x = builder.add('Transpose', [builder.add('Gather', [table, ids])], { perm: [0, 2, 1] });
  const filters = builder.add('Reshape', [builder.weight(path('characters', 'W'), W), builder.integers([K, D, E])]);
  const turned = builder.add('Transpose', [filters], { perm: [2, 1, 0] });
  const before = Math.floor((K - 1) / 2);
  const inputs = [where(builder, inside, x, 0), turned, builder.weight(path('characters', 'b'), b)];
  const z = builder.add('Conv', inputs, { kernel_shape: [K], pads: [before, K - 1 - before] });
  const best = builder.add('ReduceMax', [where(builder, inside, z, LOWEST)], { axes: [2], keepdims: 0 });
  return builder.add('Tanh', [best]);
}

const writers: Readonly<Record<string, Writer>> = { words, affixes, vectors, characters };

/** Adds an encoder and returns its vectors, `[T, B, E]`. @throws UnsupportedError on a custom encoder */
export function writeEncoder(builder: GraphBuilder, params: TensorRecord, config: EncoderConfig): string {
  const writer = Object.hasOwn(writers, config.kind) ? writers[config.kind] : undefined;
  if (writer !== undefined) return writer(builder, params, config);
  throw new UnsupportedError(
    `onnx: the encoder ${quoted(config.kind)} is custom, and a file stores no functions: export a model without it`,
  );
}
