/**
 * Imports models written by other programs. The graph leads from word ids to label scores through one embedding table, recurrent
 * layers, an optional dense layer with tanh, and a linear map. Its meaning is derived from the operators, not from the names of
 * values. An unsupported operator is rejected with an error that names it and its node.
 */
import { createModel, labelsFromJson, vocabularyFromJson } from '../../labeling/index.js';
import type { Model, ModelConfig } from '../../labeling/index.js';
import { normalForm } from '../../labeling/data/nfc.js';
import { UNKNOWN } from '../../labeling/data/vocabulary.js';
import { wordConfig, wordReader } from '../../labeling/model/encoders/words.js';
import { softmaxConfig } from '../../labeling/model/heads/softmax.js';
import type { LayerParams } from '../../layers/stack.js';
import { ArgumentError, BpttError, DataError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { viewOf } from '../../tensor/view.js';
import { quoted } from '../../tensor/visible.js';
import { layouts } from './layouts.js';
import { refused } from './operators.js';
import { parts } from './parts.js';
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from './proto.js';
import { INT32, INT64 } from './proto.js';
import type { AxisName, Fixed, LinearRead, Reading, Value, Way } from './values.js';
import { parameter } from './values.js';

/** Information that a file from another program does not contain. */
export interface ForeignNames {
  /** The words of its embedding table, in row order. */
  readonly words: readonly string[];
  /** The labels of its scores. */
  readonly labels: readonly string[];
  /** The word whose row is used for unknown words; null if there is none: unknown words then get a row of zeros. */
  readonly unknown: string | null;
  /** Whether words are looked up in lower case; default false. */
  readonly lowerCase?: boolean;
  /** Name of the graph output that holds the scores; default: the first output. */
  readonly output?: string;
}

/** Returns the model in such a file. @throws DataError naming what is unsupported; ArgumentError on names that do not fit the file */
export function foreignModel(file: OnnxModel, names: ForeignNames): Model {
  const way = wayOf(file.graph, names.output);
  const directions = way.layers.map((layer) => layer.directions.length);
  const cells = new Set(way.layers.map(({ cell }) => cell));
  if (new Set(directions).size > 1)
    throw new DataError('onnx: expected layers of one direction each, or of two; got both kinds');
  if (cells.size > 1) throw new DataError(`onnx: expected layers of one cell; got ${[...cells].join(' and ')}`);
  const { vocabulary, table } = wordsOf(way, names);
  const { linear, dense } = way;
  const labels = labelsFromJson([...names.labels]);
  if (labels.size !== linear!.W.shape[1]) {
    throw new ArgumentError(
      `importOnnx: expected ${linear!.W.shape[1]} labels, one for each score; got ${labels.size}`,
    );
  }
  const config: ModelConfig = {
    encoders: [wordConfig(vocabulary.size, table.shape[1])],
    body: {
      cell: [...cells][0],
      hidden: way.layers.map(({ directions: [{ Wh }] }) => Wh.shape[0]),
      bidirectional: directions[0] === 2,
      dropout: 0,
      ...(dense && { dense: dense.W.shape[1] }),
    },
    heads: [softmaxConfig(labels.size)],
  };
  const params = {
    encoders: { words: { weight: table } },
    layers: way.layers.map(
      ({ directions: [forward, reverse] }) => ({ forward, ...(reverse && { reverse }) }) as LayerParams,
    ),
    ...(dense && { dense: linearOf(dense) }),
    heads: { labels: linearOf(linear!) },
  };
  return createModel({ config, params, readers: [wordReader(vocabulary)], labels: [labels] });
}

function linearOf({ W, b }: LinearRead): { W: Tensor; b: Tensor } {
  const K = W.shape[1];
  return { W: parameter(W), b: b ? parameter(b) : viewOf(new Float32Array(K), [K]) };
}

/** The path from words to label scores. */
function wayOf(graph: OnnxGraph, output = graph.outputs[0]?.name): Way {
  const value = output === undefined ? undefined : valuesOf(graph).get(output);
  if (!graph.outputs.some(({ name }) => name === output)) {
    const known = graph.outputs.map(({ name }) => name).join(', ');
    throw new DataError(`onnx: expected an output ${quoted(output ?? '')}; the graph has ${known || 'none'}`);
  }
  if (value?.is === 'rows' && value.way.linear && value.way.layers.length > 0) return value.way;
  throw new DataError(
    `onnx: expected the output ${quoted(output!)} to be scores of labels, from words by recurrent layers and a linear map; got ${value?.is === 'other' ? value.what : 'something else'}: pass the right one as output`,
  );
}

/** Every value of a graph. */
function valuesOf(graph: OnnxGraph): Map<string, Value> {
  const values = new Map<string, Value>(graph.initializers.map((tensor) => [tensor.name, { is: 'constant', tensor }]));
  const given = graph.inputs.filter(({ name }) => !values.has(name));
  const ids = given.filter(({ type, shape }) => (type === INT64 || type === INT32) && shape?.length === 2);
  if (ids.length !== 1) {
    throw new DataError(`onnx: expected one input of ids of words, integers of 2 axes; got ${ids.length}`);
  }
  const fixed = fixedOf(ids[0]);
  for (const { name, type, shape } of given) {
    const lengths = type === INT32 && shape?.length === 1;
    values.set(name, lengths ? { is: 'lengths' } : { is: 'other', what: `the input ${name}` });
  }
  values.set(ids[0].name, { is: 'ids', axes: ['a', 'b'] });
  const reading: Reading = {
    fixed,
    input(node, i) {
      const name = node.inputs[i] ?? '';
      if (name === '') return undefined;
      const value = values.get(name);
      if (value !== undefined) return value;
      throw refused(node, `the input ${quoted(name)}, which no earlier node produces,`);
    },
  };
  for (const node of graph.nodes) run(node, reading, values);
  return values;
}

function fixedOf({ shape = [] }: OnnxValue): Fixed {
  const names: readonly AxisName[] = ['a', 'b'];
  return Object.fromEntries(shape.flatMap((n, i) => (typeof n === 'number' && n > 0 ? [[names[i], n]] : [])));
}

function run(node: OnnxNode, reading: Reading, values: Map<string, Value>): void {
  const { operator, domain, outputs } = node;
  const of = (table: typeof parts) => (domain === '' && Object.hasOwn(table, operator) ? table[operator] : undefined);
  const handler = of(parts) ?? of(layouts);
  if (handler === undefined) throw refused(node, domain === '' ? 'this operator' : `the domain ${quoted(domain)}`);
  const value = handler(node, reading);
  outputs.forEach((name, i) => {
    values.set(
      name,
      i === 0 ? value : { is: 'other', what: `output ${i} of node ${node.name}, operator ${operator},` },
    );
  });
}

/** The vocabulary, the unknown word first, and the table in its order. */
function wordsOf({ table }: Way, { words, unknown, lowerCase = false }: ForeignNames) {
  const [V, E] = table.shape;
  if (words.length !== V) {
    throw new ArgumentError(`importOnnx: expected ${V} words, one for each row of the table; got ${words.length}`);
  }
  const at = unknown === null ? -1 : words.indexOf(unknown);
  if (unknown !== null && at < 0) {
    throw new ArgumentError(
      `importOnnx: expected unknown to be one of the words; got ${quoted(unknown)}: pass null if there is none`,
    );
  }
  const own = words.map((word) => normalForm(word));
  const upper = lowerCase ? own.find((word, i) => i !== at && word !== word.toLowerCase()) : undefined;
  if (upper !== undefined) {
    throw new ArgumentError(
      `importOnnx: lowerCase is set, and the word ${quoted(upper)} is not in lower case: leave lowerCase out`,
    );
  }
  const order = [at, ...own.keys()].filter((row, i) => i === 0 || row !== at);
  const data = new Float32Array(order.length * E);
  const rows = parameter(table).data as Float32Array;
  order.forEach((from, to) => from >= 0 && data.set(rows.subarray(from * E, (from + 1) * E), to * E));
  const kept = order.slice(1).map((row) => own[row]);
  return { vocabulary: vocabularyOf(kept, lowerCase), table: viewOf(data, [order.length, E]) };
}

function vocabularyOf(words: readonly string[], lowerCase: boolean) {
  try {
    return vocabularyFromJson({ lowerCase, minCount: 1, words: [...words], rare: [], signatures: null });
  } catch (error) {
    if (!(error instanceof BpttError)) throw error;
    const twice = words.find((word, i) => words.indexOf(word) !== i) ?? UNKNOWN;
    throw new ArgumentError(`importOnnx: words must differ; got ${quoted(twice)} twice`, { cause: error });
  }
}
