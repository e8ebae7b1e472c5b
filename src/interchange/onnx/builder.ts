/** Builds a graph of ONNX operations: assigns names, stores equal constants once, and keeps nodes in execution order. */
import type { Tensor } from '../../tensor/types.js';
import { flatCopy } from '../../tensor/view.js';
import type { Attribute, Elements, OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from './proto.js';
import { FLOAT, INT32, INT64 } from './proto.js';

/** Attributes of a node; undefined ones are left out. */
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** A graph under construction. Values are identified by name. */
export interface GraphBuilder {
  /** Adds a node with one output and returns the name of the output. */
  add(operator: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
  /** Adds a node with several outputs and returns their names. */
  addMany(operator: string, inputs: readonly string[], count: number, attributes?: Attributes): string[];
  /** Adds a float32 constant under the given name, unless an equal constant exists; returns the name. */
  weight(name: string, x: Tensor): string;
  /** A float32 scalar constant, such as a summand. */
  scalar(value: number): string;
  /** An int64 constant `[n]`, such as a list of axes. */
  integers(values: readonly number[]): string;
  /** An int64 scalar constant. */
  int64(value: number): string;
  /** An int32 scalar constant. */
  int32(value: number): string;
  input(value: OnnxValue): string;
  output(value: OnnxValue): void;
  /** A subgraph that can use the values of this graph: the body of a loop. Constants are added to the outermost graph. */
  inner(): GraphBuilder;
  /** The graph in its current state. */
  graph(name: string): OnnxGraph;
}

/** State shared by nested graphs. */
interface Shared {
  readonly initializers: Map<string, OnnxTensor>;
  /** Number of nodes of each operator. */
  readonly counts: Map<string, number>;
}

/** Creates an empty graph. */
export function graphBuilder(): GraphBuilder {
  return builderOf({ initializers: new Map(), counts: new Map() }, true);
}

function builderOf(shared: Shared, outermost: boolean): GraphBuilder {
  const nodes: OnnxNode[] = [];
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  const put = (
    operator: string,
    from: readonly string[],
    attributes: Attributes,
    namesOf: (name: string) => string[],
  ) => {
    const count = shared.counts.get(operator) ?? 0;
    shared.counts.set(operator, count + 1);
    const name = `${operator}_${count}`;
    const known = Object.entries(attributes).filter((each): each is [string, Attribute] => each[1] !== undefined);
    const to = namesOf(name);
    nodes.push({ name, operator, domain: '', inputs: from, outputs: to, attributes: Object.fromEntries(known) });
    return to;
  };
  return {
    ...constantsOf(shared),
    add: (operator, from, attributes = {}, output) => put(operator, from, attributes, (name) => [output ?? `${name}_y`])[0], // prettier-ignore
    addMany: (operator, from, count, attributes = {}) => put(operator, from, attributes, (name) => Array.from({ length: count }, (_, k) => `${name}_y${k}`)), // prettier-ignore
    input(value) {
      inputs.push(value);
      return value.name;
    },
    output: (value) => void outputs.push(value),
    inner: () => builderOf(shared, false),
    graph: (name) => ({
      name,
      nodes,
      initializers: outermost ? [...shared.initializers.values()] : [],
      inputs,
      outputs,
    }),
  };
}

/** Constants, each under a descriptive name; equal constants are stored once. */
function constantsOf({
  initializers,
}: Shared): Pick<GraphBuilder, 'weight' | 'scalar' | 'integers' | 'int64' | 'int32'> {
  const constant = (name: string, type: number, shape: readonly number[], data: Elements): string => {
    if (!initializers.has(name)) initializers.set(name, { name, type, shape, data });
    return name;
  };
  return {
    weight: (name, x) => constant(name, FLOAT, x.shape, flatCopy(x) as Float32Array),
    scalar: (value) => constant(`float_${value}`, FLOAT, [], Float32Array.of(value)),
    integers: (values) => constant(`int64_${values.join('_')}`, INT64, [values.length], Float64Array.from(values)),
    int64: (value) => constant(`int64_at_${value}`, INT64, [], Float64Array.of(value)),
    int32: (value) => constant(`int32_${value}`, INT32, [], Int32Array.of(value)),
  };
}
