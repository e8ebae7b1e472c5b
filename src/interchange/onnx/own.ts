/**
 * Imports models that this package exported: the metadata describes the model, and the initializers hold the weights. The graph
 * must equal the one that this model exports to, so that a file edited after its export is not misread.
 */
import { encodeSafetensors, loadModel } from '../../labeling/index.js';
import type { LoadOptions, Model } from '../../labeling/index.js';
import { BpttError, DataError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { viewOf } from '../../tensor/view.js';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { exportOnnx } from './export.js';
import type { GateOrder } from './gates.js';
import { fromOnnx } from './gates.js';
import { operatorOf } from './operators.js';
import type { OnnxGraph, OnnxModel, OnnxTensor } from './proto.js';
import { decodeOnnx, FLOAT } from './proto.js';

const PREFIX = 'bptt.';

/** Whether the metadata of a file names this package as its producer. */
export const isOwn = ({ metadata }: OnnxModel): boolean => metadata[`${PREFIX}format`] !== undefined;

/** Returns the model in such a file. @throws DataError if the file is damaged or its graph was changed */
export function ownModel(file: OnnxModel, options: LoadOptions): Model {
  const own = Object.entries(file.metadata).filter(([name]) => name.startsWith(PREFIX));
  const metadata = Object.fromEntries(own.map(([name, text]) => [name.slice(PREFIX.length), text]));
  const model = loadModel(encodeSafetensors(tensorsOf(file.graph, metadata.config), metadata), options);
  let again: OnnxModel;
  try {
    again = decodeOnnx(exportOnnx(model));
  } catch (error) {
    if (!(error instanceof BpttError)) throw error;
    throw new DataError(`${error.message}: the file is damaged`, { cause: error });
  }
  const changed = differenceOf(again.graph, file.graph);
  if (changed === undefined) return model;
  throw new DataError(
    `onnx: expected the graph that its metadata describes; got another one, ${changed}: the file was changed after the export, export the model again`,
  );
}

/** The parameters, keyed by their names in a model file. */
function tensorsOf({ initializers }: OnnxGraph, config: string | undefined): Record<string, Tensor> {
  const byName = new Map(initializers.map((each) => [each.name, each]));
  const out: Record<string, Tensor> = Object.create(null) as Record<string, Tensor>;
  const done = new Set<string>();
  for (const { name } of initializers) {
    const [, path] = /^(layers\.\d+|encoders\.characters)\.R$/.exec(name) ?? [];
    if (path === undefined) continue;
    const part = (key: string): Tensor | undefined => {
      const found = byName.get(`${path}.${key}`);
      return found && (done.add(found.name), floatsOf(found));
    };
    const [W, R, B, P] = ['W', 'R', 'B', 'P'].map(part);
    const order = path === 'encoders.characters' ? operatorOf('lstm')!.order : orderOf(config);
    if (!W || !R || !B || !fits(order, [W, R, B, P])) throw malformed(`weights of one operator under ${path}`);
    fromOnnx(order, { W, R, B, P }).forEach((own, d) => {
      const way = d === 0 ? 'forward' : 'reverse';
      for (const [key, x] of Object.entries(own)) out[`${path}.${way}.${key}`] = x;
    });
  }
  for (const each of initializers) {
    if (/^(layers|encoders|heads|dense)\./.test(each.name) && !done.has(each.name)) out[each.name] = floatsOf(each);
  }
  return out;
}

const malformed = (expected: string): DataError => new DataError(`onnx: expected ${expected}: the file is damaged`);

function floatsOf({ name, type, shape, data }: OnnxTensor): Tensor {
  if (type === FLOAT) return viewOf(data as Float32Array, shape);
  throw malformed(`the tensor ${name} in float32`);
}

/** The weight layout of the recurrent layers. */
function orderOf(config: string | undefined): GateOrder {
  const { body } = (config === undefined ? {} : parseUniqueJson(config, 'onnx: the metadata field config')) as {
    readonly body?: { readonly cell?: unknown };
  };
  const plan = typeof body?.cell === 'string' ? operatorOf(body.cell) : undefined;
  if (plan === undefined) throw malformed('the cell that the recurrent operators are');
  return plan.order;
}

/** Whether the tensor shapes of an operator are consistent. */
export function fits(order: GateOrder, [W, R, B, P]: readonly (Tensor | undefined)[]): boolean {
  if (W?.shape.length !== 3 || R?.shape.length !== 3) return false;
  const [dirs, wide] = W.shape;
  const H = R.shape[2];
  const is = (x: Tensor | undefined, ...shape: number[]): boolean => x === undefined || x.shape.join() === shape.join();
  const G = order.gates.length;
  const sizes = wide === G * H && (dirs === 1 || dirs === 2) && H > 0;
  const holes = order.peepholes.length > 0 ? P !== undefined && is(P, dirs, 3 * H) : P === undefined;
  return sizes && is(R, dirs, wide, H) && is(B, dirs, 2 * wide) && holes;
}

/** Describes the difference between two graphs; undefined if they are equal. */
function differenceOf(expected: OnnxGraph, got: OnnxGraph): string | undefined {
  const text = (x: unknown): string => JSON.stringify(x);
  const node = got.nodes.find((each, i) => text(each) !== text(expected.nodes[i]));
  if (node) return `from node ${node.name || '(unnamed)'}, operator ${node.operator}`;
  if (got.nodes.length !== expected.nodes.length) return `of ${got.nodes.length} nodes`;
  for (const part of ['inputs', 'outputs'] as const) {
    if (text(got[part]) !== text(expected[part])) return `of other ${part}`;
  }
  const known = new Map(expected.initializers.map((each) => [each.name, each]));
  const other = got.initializers.find((each) => !sameTensor(each, known.get(each.name)));
  if (other) return `with another tensor ${other.name}`;
  return got.initializers.length === known.size ? undefined : `of ${got.initializers.length} tensors`;
}

function sameTensor(x: OnnxTensor, y: OnnxTensor | undefined): boolean {
  if (x.type !== y?.type || x.shape.join() !== y.shape.join() || x.data?.length !== y.data?.length) return false;
  const other = y.data!;
  return x.data === undefined || x.data.every((value: number, i: number) => Object.is(value, other[i]));
}
