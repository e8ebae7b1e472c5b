/** A graph of ONNX operations while it is made: names, constants that are equal kept once, and nodes in the order in which they run. */
import type { Tensor } from '../../tensor/types.js';
import { flatCopy } from '../../tensor/view.js';
import type { Attribute, Elements, OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from './proto.js';
import { FLOAT, INT32, INT64 } from './proto.js';

/** Attributes of a node; one that is undefined is left out. */
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** A graph while it is made. Values are named by texts. */
export interface GraphBuilder {
  /** Adds a node of one output and returns the name of that. */
  add(operator: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
  /** Adds a node of several outputs. */
  addMany(operator: string, inputs: readonly string[], count: number, attributes?: Attributes): string[];
  /** A float32 constant under a name of its own, or of the same numbers under that name. */
  weight(name: string, x: Tensor): string;
  /** A float32 constant without axes, such as a summand. */
  scalar(value: number): string;
  /** An int64 constant `[n]`, such as a list of axes. */
  integers(values: readonly number[]): string;
  /** An int64 constant without axes. */
  int64(value: number): string;
  /** An int32 constant without axes. */
  int32(value: number): string;
  input(value: OnnxValue): string;
  output(value: OnnxValue): void;
  /** A graph within this one, which sees the values of this one: the body of a loop. Constants go to the outermost graph. */
  inner(): GraphBuilder;
  /** The graph as it is now. */
  graph(name: string): OnnxGraph;
}

/** What graphs within each other share. */
interface Shared {
  readonly initializers: Map<string, OnnxTensor>;
  /** How many nodes there are of each operator. */
  readonly counts: Map<string, number>;
}

/** An empty graph. */
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

/** Constants, each under a name that says what it is; equal ones are one. */
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
