/**
 * The correspondence between the weights of a model and those of a PyTorch module.
 *
 *     ours                                    PyTorch                                        shape there
 *     encoders.words.weight                   encoders.words.weight                          [V, E]
 *     encoders.affixes.table                  encoders.affixes.weight                        [R, E]
 *     encoders.characters.embedding           encoders.characters.embedding.weight           [C, D]
 *     encoders.characters.forward.Wx …        encoders.characters.lstm.weight_ih_l0 …        [4H, D]
 *     encoders.characters.W, b                encoders.characters.convolution.weight, bias   [E, D, K]
 *     encoders.vectors.table, W, b            encoders.vectors.table.weight, map.weight …    [V, D], [E, D]
 *     layers.l.forward.Wx, Wh                 rnn.weight_ih_ll, weight_hh_ll                 [G·H, D], [G·H, H]
 *     layers.l.reverse.…                      rnn.…_reverse
 *     layers.l.forward.b                      rnn.bias_ih_ll; bias_hh_ll is zero, but the GRU's n has bn
 *     dense.W, b                              dense.weight, bias
 *     heads.NAME.W, b                         heads.h.linear.weight, bias                    h: place of the head
 *     heads.NAME.transitions, start, end      heads.h.transitions, start, end                [K, K]: from, to
 *     heads.NAME.pool.W, b, v                 heads.h.attention.weight, bias, heads.h.query
 *
 * Layers of different sizes, and residual layers, become modules of one layer each: `rnn.l.weight_ih_l0`. Two biases are
 * equivalent to one, so reading adds them, except for the n of a GRU, whose recurrent bias is inside the product with the reset
 * gate.
 *
 * Source: the parameter lists of torch.nn.RNN, LSTM, GRU, Conv1d and Linear. The gate order is the same as ours: i f g o, and r z
 * n.
 */
import type { CharacterConfig } from '../../labeling/model/encoders/characters.js';
import type { Model } from '../../labeling/model/model.js';
import type { BodyConfig, ModelConfig } from '../../labeling/model/network.js';
import { UnsupportedError } from '../../tensor/errors.js';

/** One of our tensors, or a pair of biases, and its name in PyTorch. */
export type Weight =
  | { readonly kind: 'same' | 'transposed'; readonly ours: string; readonly theirs: string }
  /** Filters of a convolution: `[K·D, F]` and `[F, D, K]`. */
  | { readonly kind: 'filters'; readonly window: number; readonly ours: string; readonly theirs: string }
  /** `b` (and `bn`, the recurrent bias of a GRU's n), and the two biases of PyTorch. */
  | {
      readonly kind: 'biases';
      readonly ours: string;
      readonly bn?: string;
      readonly theirs: readonly [string, string];
    };

/** The PyTorch counterpart of a cell. */
export interface TorchCell {
  /** Class of torch.nn. */
  readonly module: 'RNN' | 'LSTM' | 'GRU';
  /** Keyword arguments in addition to the sizes, in Python syntax. */
  readonly extra: readonly string[];
  /** k: the cell state of an LSTM with a projection is k times as wide as its output; 1 for other cells. */
  readonly projection: number;
}

const PLAIN: Readonly<Record<string, Omit<TorchCell, 'projection'>>> = {
  rnn: { module: 'RNN', extra: [] },
  'rnn-relu': { module: 'RNN', extra: ["nonlinearity='relu'"] },
  lstm: { module: 'LSTM', extra: [] },
  gru: { module: 'GRU', extra: [] },
};

/** Returns the module of torch.nn for a cell. @throws UnsupportedError naming a cell that PyTorch does not have */
export function torchCellOf({ cell, ownCell, zoneout }: BodyConfig): TorchCell {
  const projection = /^lstm:projection=(\d+)$/.exec(cell);
  if (zoneout !== undefined) throw refused('zoneout', 'train without --zoneout');
  if (ownCell) throw refused(`the custom cell '${cell}'`, CELLS_TO_TAKE);
  if (projection) return { ...PLAIN.lstm, projection: Number(projection[1]) };
  if (Object.hasOwn(PLAIN, cell)) return { ...PLAIN[cell], projection: 1 };
  throw refused(`the cell '${cell}'`, CELLS_TO_TAKE);
}

const CELLS_TO_TAKE = 'train with --cell lstm, gru, rnn, rnn-relu or lstm:projection=k';

const refused = (what: string, advice: string): UnsupportedError =>
  new UnsupportedError(`PyTorch has no module for ${what}: ${advice}`);

/** Whether one PyTorch module can hold all layers: they have the same size, and none adds its input to its output. */
export function isOneModule({ hidden, residual }: BodyConfig): boolean {
  return !residual && hidden.every((size) => size === hidden[0]);
}

/**
 * Returns the weights of a model with this configuration.
 *
 * @throws UnsupportedError naming a part that the export has no module for
 */
export function weightsOf(config: ModelConfig): Weight[] {
  const { body, encoders, heads } = config;
  const cell = torchCellOf(body);
  return [
    ...encoders.flatMap((each) => encoderWeights(each)),
    ...body.hidden.flatMap((_, l) => layerWeights(body, cell, l)),
    ...(body.dense === undefined ? [] : linear('dense', 'dense')),
    ...heads.flatMap((head, h) => headWeights(head, h)),
  ];
}

/** @throws UnsupportedError on an ensemble and on custom parts */
export function expectPortable(model: Model): void {
  if (model.members) throw new UnsupportedError('an ensemble has no single module: export one of its members, memberOf(model, k)'); // prettier-ignore
  const { encoders = [], heads = [] } = model.own;
  const own = [...encoders, ...heads][0];
  if (own !== undefined) throw refused(`the custom part '${own.kind}'`, 'use built-in parts');
}

const linear = (ours: string, theirs: string): Weight[] => [
  { kind: 'transposed', ours: `${ours}.W`, theirs: `${theirs}.weight` },
  { kind: 'same', ours: `${ours}.b`, theirs: `${theirs}.bias` },
];

function encoderWeights(config: ModelConfig['encoders'][number]): Weight[] {
  const { kind } = config;
  const path = `encoders.${kind}`;
  const same = (ours: string, theirs: string): Weight => ({ kind: 'same', ours: `${path}.${ours}`, theirs: `${path}.${theirs}` }); // prettier-ignore
  if (kind === 'words') return [same('weight', 'weight')];
  if (kind === 'affixes') return [same('table', 'weight')];
  if (kind === 'vectors') return [same('table', 'table.weight'), ...linear(path, `${path}.map`)];
  if (kind !== 'characters') throw refused(`the encoder '${kind}'`, 'use built-in encoders');
  const { network, window } = config as CharacterConfig;
  const own =
    network === 'cnn'
      ? [
          { kind: 'filters' as const, window, ours: `${path}.W`, theirs: `${path}.convolution.weight` },
          same('b', 'convolution.bias'),
        ]
      : ['forward', 'reverse'].flatMap((way) => cellWeights(`${path}.${way}`, `${path}.lstm`, suffixOf(0, way), 'lstm', 1)); // prettier-ignore
  return [same('embedding', 'embedding.weight'), ...own];
}

const suffixOf = (l: number, direction: string): string => `l${l}${direction === 'reverse' ? '_reverse' : ''}`;

function layerWeights(body: BodyConfig, { module: name, projection }: TorchCell, l: number): Weight[] {
  const prefix = isOneModule(body) ? 'rnn' : `rnn.${l}`;
  const place = isOneModule(body) ? l : 0;
  const directions = body.bidirectional ? ['forward', 'reverse'] : ['forward'];
  return directions.flatMap((way) =>
    cellWeights(`layers.${l}.${way}`, prefix, suffixOf(place, way), name.toLowerCase(), projection),
  );
}

function cellWeights(ours: string, theirs: string, suffix: string, cell: string, projection: number): Weight[] {
  const matrix = (name: string, to: string): Weight => ({ kind: 'transposed', ours: `${ours}.${name}`, theirs: `${theirs}.weight_${to}_${suffix}` }); // prettier-ignore
  return [
    matrix('Wx', 'ih'),
    matrix('Wh', 'hh'),
    {
      kind: 'biases',
      ours: `${ours}.b`,
      ...(cell === 'gru' && { bn: `${ours}.bn` }),
      theirs: [`${theirs}.bias_ih_${suffix}`, `${theirs}.bias_hh_${suffix}`],
    },
    ...(projection > 1 ? [matrix('Wr', 'hr')] : []),
  ];
}

function headWeights({ kind, name, pooling }: ModelConfig['heads'][number], h: number): Weight[] {
  const [ours, theirs] = [`heads.${name}`, `heads.${h}`];
  const same = (own: string, to = own): Weight => ({ kind: 'same', ours: `${ours}.${own}`, theirs: `${theirs}.${to}` });
  const output = linear(ours, `${theirs}.linear`);
  if (kind === 'softmax') return output;
  if (kind === 'crf') return [...output, same('transitions'), same('start'), same('end')];
  if (kind !== 'sentence') throw refused(`the head '${kind}'`, 'use built-in heads');
  if (pooling !== 'attention') return output;
  const attention = linear(`${ours}.pool`, `${theirs}.attention`);
  return [...output, ...attention, same('pool.v', 'query')];
}
