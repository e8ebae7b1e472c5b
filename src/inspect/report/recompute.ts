/**
 * Recomputes the numbers of a report in the page that shows them: forward over the sentence and backward from each loss, with the
 * package's own cells and its plain products. The surrounding loops and sums are a separate implementation, so that the result is
 * independent of the first computation.
 */
import type { Cell } from '../../cells/cell.js';
import { addMatmul1, addMatmulTA1, addMatmulTB1 } from '../../kernels/cpu/matmul1.js';
import type { Kernels } from '../../kernels/types.js';
import { exp, log } from '../../tensor/math.js';
import { addSumRows } from '../../tensor/rows.js';
import type { Tensor } from '../../tensor/types.js';
import { activationsOf, kindOf } from '../quantities.js';
import type { Payload, PayloadDirection } from './payload.js';

type Numbers = Float64Array<ArrayBufferLike>;
type Tensors = Readonly<Record<string, Tensor<Numbers>>>;

/** Cells need only products and one sum of rows from a backend. */
const kernels = {
  ...{ addMatmul: addMatmul1, addMatmulTA: addMatmulTA1, addMatmulTB: addMatmulTB1 },
  rows: { addSumRows },
} as unknown as Kernels;

const tensor = (data: Numbers, shape: readonly number[]): Tensor<Numbers> =>
  ({ data, shape, stride: shape.length === 1 ? [1] : [shape[1], 1], offset: 0 }) as unknown as Tensor<Numbers>;
const zeros = (...shape: number[]): Tensor<Numbers> =>
  tensor(new Float64Array(shape.reduce((a, b) => a * b, 1)), shape);
const row = (x: Tensor<Numbers>, n: number): Numbers => x.data.subarray(n * x.shape[1], (n + 1) * x.shape[1]);
const record = <V>(names: readonly string[], make: (name: string) => V): Record<string, V> =>
  Object.fromEntries(names.map((name) => [name, make(name)]));
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const dot = (u: ArrayLike<number>, v: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += u[i] * v[i];
  return sum;
};

/** ‖v‖, scaled by its largest component. */
export function norm(v: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < v.length; i++) {
    if (Number.isNaN(v[i])) return NaN;
    if (Math.abs(v[i]) > largest) largest = Math.abs(v[i]);
  }
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += (v[i] / largest) * (v[i] / largest);
  return largest * Math.sqrt(sum);
}

/** A direction with its weights and the results of each forward step. */
interface Run extends PayloadDirection {
  readonly layer: number;
  readonly weights: Tensors;
  /** The word of each step of the scan. */
  readonly words: readonly number[];
  readonly x: readonly Numbers[];
  readonly prev: readonly Tensors[];
  readonly next: readonly Tensors[];
  readonly saved: readonly Tensors[];
}

/** Results of a backward pass at each step of the scan. */
interface Back {
  readonly above: readonly Numbers[];
  readonly recurrent: readonly Tensors[];
  readonly total: readonly Tensors[];
  readonly stepGrads: readonly Tensors[];
}

/** One backward pass: per direction, and at the word vectors. */
interface Pass {
  readonly backs: readonly Back[];
  readonly dx: readonly Numbers[];
}

/** Reads the numbers of the payload, one tensor after another. */
function reader({ numbers, bytes }: Payload): (...shape: number[]) => Tensor<Numbers> {
  const text = atob(numbers);
  const view = new DataView(Uint8Array.from(text, (each) => each.charCodeAt(0)).buffer);
  let at = 0;
  return (...shape) => {
    const out = zeros(...shape);
    for (let i = 0; i < out.data.length; i++, at += bytes)
      out.data[i] = bytes === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
    return out;
  };
}

/** Runs a direction over the outputs of the layer below. */
function forward(
  cell: Cell,
  own: PayloadDirection,
  layer: number,
  weights: Tensors,
  initial: Tensors,
  input: readonly Numbers[],
): Run {
  const { hidden: H } = own;
  const words = range(input.length);
  if (own.name === 'reverse') words.reverse();
  const run = { ...own, layer, weights, words, x: words.map((k) => input[k]), prev: [], next: [], saved: [] };
  const steps = run as unknown as { prev: Tensors[]; next: Tensors[]; saved: Tensors[] };
  let state = initial;
  for (const x of run.x) {
    const saved = record(Object.keys(cell.saved), (name) => zeros(1, cell.saved[name] * H));
    saved.a.data.set(weights.b.data);
    addMatmul1(saved.a, tensor(x, [1, x.length]), weights.Wx);
    const next = record(cell.states, () => zeros(1, H));
    cell.stepForward(kernels, weights as never, state as never, saved as never, next as never);
    steps.prev.push(state);
    steps.next.push(next);
    steps.saved.push(saved);
    state = next;
  }
  return run;
}

/** Runs a direction backward. @param above per word, the gradient of its output */
function backward(cell: Cell, run: Run, above: readonly Numbers[]): Back {
  const { hidden: H, words } = run;
  const out = { above: [], recurrent: [], total: [], stepGrads: [] } as unknown as Record<keyof Back, unknown[]>;
  let recurrent: Tensors = record(cell.states, () => zeros(1, H));
  for (let s = words.length - 1; s >= 0; s--) {
    const total = record(cell.states, (name) => tensor(recurrent[name].data.slice(), [1, H]));
    const own = above[words[s]];
    for (let j = 0; j < H; j++) total.h.data[j] += own[j];
    const stepGrads = record(Object.keys(cell.stepGrads), (name) => zeros(1, cell.stepGrads[name] * H));
    const dPrev = record(cell.states, () => zeros(1, H));
    const saved = { ...run.saved[s], ...stepGrads };
    const args = [run.prev[s], saved, run.next[s], total, dPrev] as never[];
    (cell.stepBackward as (...all: unknown[]) => void)(kernels, run.weights, ...args);
    Object.assign(out, { above: [own, ...out.above], recurrent: [recurrent, ...out.recurrent] });
    Object.assign(out, { total: [total, ...out.total], stepGrads: [stepGrads, ...out.stepGrads] });
    recurrent = dPrev;
  }
  return out as unknown as Back;
}

/** The step that reads a word, and the inverse. */
const stepAt = ({ words }: Run, k: number): number => words.indexOf(k);

/** Reads weights, initial states, the head and the word vectors, in the order of the payload. */
function loaded(cell: Cell, payload: Payload) {
  const [T, D, K] = payload.sizes;
  const next = reader(payload);
  const learned = record(
    cell.states.map((name) => `${name}0`),
    () => [0],
  );
  const layers = payload.layers.map((each) =>
    each.map((own) => {
      const { hidden: H, inputs, params, states } = own;
      const shapes = cell.shapes(inputs, H);
      const weights = record(params, (name) => next(...(name in learned ? [H] : shapes[name])));
      return { own, weights, initial: record(states, () => next(1, H)) };
    }),
  );
  const width = layers[layers.length - 1].reduce((sum, { own }) => sum + own.hidden, 0);
  const [W, b] = [next(width, K), next(K)];
  return { layers, W, b, x: range(T).map(() => next(1, D).data) };
}

/** Runs all passes over the sentence. */
function readAll(cell: Cell, payload: Payload): Found {
  const { layers, W, b, x } = loaded(cell, payload);
  const [T] = payload.sizes;
  const runs: Run[][] = [];
  let y: Numbers[] = x;
  layers.forEach((each, layer) => {
    const below = y;
    const found = each.map(({ own, weights, initial }) => forward(cell, own, layer, weights, initial, below));
    runs.push(found);
    y = range(T).map((k) => Float64Array.from(found.flatMap((run) => [...run.next[stepAt(run, k)].h.data])));
  });
  const losses = lossesOf(payload, y, W, b);
  const passFor = (only?: number): Pass =>
    passOf(cell, runs, W, T, (k) => (only === undefined || only === k ? losses[k].dLogits : undefined));
  const connected = (m: number, k: number) => runs[0].length > 1 || k <= m;
  return { payload, cell, x, y, W, b, runs, losses, full: passFor(), passes: range(T).map(passFor), connected };
}

/**
 * Computes the part of a trace that pictures show, from the weights, in the form of a trace.
 *
 * @param cell the payload's cell
 */
export function recompute(cell: Cell, payload: Payload): unknown {
  const found = readAll(cell, payload);
  const { x, W, b, runs, losses, full } = found;
  const books = ledgers(found);
  const place = (run: Run, d: number): Back => full.backs[placeOf(runs, run.layer) + d];
  const directions = (each: readonly Run[]) =>
    each.map((run, d) => [run.name, { ...directionOf(found, run, place(run, d)), dWeights: books.dWeights(run) }]);
  return {
    losses,
    loss: losses.reduce((sum, each) => sum + each.loss, 0),
    words: x.map((each, k) => ({ x: each, dx: full.dx[k], norm: norm(full.dx[k]) })),
    layers: runs.map((each) => Object.fromEntries(directions(each))),
    head: { weights: { W: matrix(W), b: [b.data] }, dWeights: books.head },
    reach: reachOf(found),
    ledger: books.ledger,
    elements: books.elements,
  };
}

/** The results of all passes. */
interface Found {
  readonly payload: Payload;
  readonly cell: Cell;
  readonly x: readonly Numbers[];
  readonly y: readonly Numbers[];
  readonly W: Tensor<Numbers>;
  readonly b: Tensor<Numbers>;
  readonly runs: readonly (readonly Run[])[];
  readonly losses: ReturnType<typeof lossesOf>;
  readonly full: Pass;
  readonly passes: readonly Pass[];
  readonly connected: (m: number, k: number) => boolean;
}

const placeOf = (runs: Found['runs'], layer: number): number => runs.slice(0, layer).flat().length;
const matrix = (x: Tensor<Numbers>): Numbers[] => range(x.shape[0]).map((n) => row(x, n));

/** z = y·W + b, softmax, −log p(gold). */
function lossesOf(
  { gold, label, contrast, seed, sizes }: Payload,
  y: readonly Numbers[],
  W: Tensor<Numbers>,
  b: Tensor<Numbers>,
) {
  return y.map((out, m) => {
    const z = range(sizes[2]).map(
      (j) =>
        dot(
          out,
          range(out.length).map((i) => W.data[i * sizes[2] + j]),
        ) + b.data[j],
    );
    const most = z.reduce((a, each) => (each > a ? each : a), z[0]);
    const powers = z.map((each) => exp(each - most));
    const sum = powers.reduce((a, each) => a + each, 0);
    const probabilities = powers.map((each) => each / sum);
    const is = (j: number, of: number): number => (j === of ? 1 : 0);
    return {
      ...{ logits: z, probabilities, probability: probabilities[gold[m]], loss: most + log(sum) - z[gold[m]] },
      dLogits: probabilities.map((p, j) =>
        seed === 'loss' ? p - is(j, gold[m]) : is(j, label[m]) - (seed === 'margin' ? is(j, contrast[m]) : 0),
      ),
    };
  });
}

/** Backward from the head to the word vectors. @param seedAt ∂/∂logits at a word; undefined for zeros */
function passOf(
  cell: Cell,
  runs: Found['runs'],
  W: Tensor<Numbers>,
  T: number,
  seedAt: (k: number) => readonly number[] | undefined,
): Pass {
  let dY: Numbers[] = range(T).map((k) => {
    const seed = seedAt(k);
    return Float64Array.from(matrix(W), (weights) => (seed === undefined ? 0 : dot(seed, weights)));
  });
  const backs: Back[] = [];
  for (const layer of [...runs].reverse()) {
    let from = 0;
    const own = layer.map((run) => {
      const start = from;
      from += run.hidden;
      return backward(
        cell,
        run,
        dY.map((each) => each.subarray(start, from)),
      );
    });
    backs.unshift(...own);
    dY = range(T).map((k) => {
      const dx = zeros(1, layer[0].inputs);
      layer.forEach((run, d) => addMatmulTB1(dx, own[d].stepGrads[stepAt(run, k)].da, run.weights.Wx));
      return dx.data;
    });
  }
  return { backs, dx: dY };
}

/** Steps, weights and saturation of a direction, per word. */
function directionOf({ cell, payload }: Found, run: Run, back: Back): object {
  const steps = range(payload.sizes[0]).map((k) => stepOf(cell, run, back, stepAt(run, k)));
  const near = (gate: string, test: (size: number) => boolean): number => {
    const sizes = steps.flatMap(({ gates }) => Array.from(gates[gate], Math.abs));
    return sizes.filter(test).length / sizes.length;
  };
  const saturation = record(cell.gateNames, (gate) => ({
    open: near(gate, (size) => size > 0.9),
    closed: near(gate, (size) => size < 0.1),
  }));
  const weights = Object.entries(run.weights).map(([name, x]) => [name, x.shape.length === 1 ? [x.data] : matrix(x)]);
  return {
    steps,
    saturation,
    weights: Object.fromEntries(weights),
    initial: record(cell.states, (name) => run.prev[0][name].data),
  };
}

function stepOf(cell: Cell, run: Run, back: Back, s: number) {
  const { hidden: H } = run;
  const [x, prev, next, saved] = [run.x[s], run.prev[s], run.next[s], run.saved[s]];
  const found = activationsOf({ cell, params: run.weights, x: tensor(x, [1, x.length]), states: prev } as never);
  const block = (of: Tensors, name: string, at: number): Numbers => of[name].data.subarray(at * H, (at + 1) * H);
  const place = (symbol: string): Numbers | undefined => {
    const value = cell.quantities.find((each) => each.symbol === symbol)?.value;
    return value && block(value.in === 'states' ? next : saved, value.tensor, value.block);
  };
  const others = cell.quantities.filter((each) => kindOf(cell, each) === 'others');
  const given = others.flatMap(({ symbol, gradient }) =>
    gradient?.in === 'stepGrads' ? [[symbol, block(back.stepGrads[s], gradient.tensor, gradient.block)]] : [],
  );
  const ofGate = (pick: 'argument' | 'slope') =>
    record(
      cell.gateNames.filter((name) => found[name]),
      (name) => found[name][pick][0],
    );
  return {
    preActivations: ofGate('argument'),
    slopes: ofGate('slope'),
    gates: record(cell.gateNames, (name) => place(name) ?? block(saved, 'a', cell.gateNames.indexOf(name))),
    states: record(cell.states, (name) => next[name].data),
    others: Object.fromEntries(others.map(({ symbol }) => [symbol, place(symbol)])),
    gradients: {
      states: record(cell.states, (name) => splitOf(name === 'h' ? back.above[s] : undefined, back, s, name)),
      preActivations: record(cell.gateNames, (_name) => block(back.stepGrads[s], 'da', cell.gateNames.indexOf(_name))),
      others: Object.fromEntries(given),
    },
  };
}

/** Direct, recurrent, total. The part of c from the h of its own step is the remainder of the total. */
function splitOf(above: Numbers | undefined, back: Back, s: number, name: string) {
  const [total, recurrent] = [back.total[s][name].data, back.recurrent[s][name].data];
  const direct = above ?? total.map((each, j) => each - recurrent[j]);
  const norms = { direct: norm(direct), recurrent: norm(recurrent), total: norm(total) };
  const cosine = dot(direct.map((each) => each / norms.direct), recurrent.map((each) => each / norms.recurrent)); // prettier-ignore
  return { direct, recurrent, total, norms, cosine };
}

/** How much of each loss arrives at each word vector. */
function reachOf({ passes, full, connected }: Found): unknown {
  const norms = passes.map(({ dx }, m) => dx.map((each, k) => (connected(m, k) ? norm(each) : null)));
  const retention = norms.map((each, m) => each.map((size) => (size === null ? null : size / each[m]!)));
  const length = retention.map((each, m) => {
    for (let d = 1; d < each.length; d++) {
      const kept = [each[m - d], each[m + d]].filter((share): share is number => typeof share === 'number');
      if (kept.length > 0 && kept.every((share) => share < 0.01)) return d;
    }
    return null;
  });
  return { norms, retention, length, total: full.dx.map(norm), reference: norms.map((_, m) => m) };
}

/** The addend of a parameter's gradient from loss m at word k: elements from an offset onward; null if there is none. */
type AddendAt = (m: number, k: number) => readonly [offset: number, values: ArrayLike<number>] | null;

/** The parameters that have a ledger: size, columns per gate, and addends. */
function parametersOf(found: Found): Map<string, { readonly shape: readonly number[]; readonly of: AddendAt }> {
  const { payload, runs, passes, losses, y } = found;
  const [T, D, K] = payload.sizes;
  const all = new Map<string, { readonly shape: readonly number[]; readonly of: AddendAt }>();
  runs.flat().forEach((run, place) => {
    for (const [name, { shape }] of Object.entries(run.weights))
      all.set(`layers.${run.layer}.${run.name}.${name}`, { shape, of: recurrent(found, run, place, name) });
  });
  const own = (m: number, k: number): boolean => m === k;
  const outer = (u: ArrayLike<number>, v: ArrayLike<number>): number[] =>
    range(u.length).flatMap((i) => range(v.length).map((j) => u[i] * v[j]));
  all.set(`heads.${payload.head}.W`, {
    shape: [y[0].length, K],
    of: (m, k) => (own(m, k) ? [0, outer(y[k], losses[m].dLogits)] : null),
  });
  all.set(`heads.${payload.head}.b`, { shape: [K], of: (m, k) => (own(m, k) ? [0, losses[m].dLogits] : null) });
  if (payload.table !== null)
    all.set(payload.table, {
      shape: [T, D],
      of: (m, k) => (found.connected(m, k) ? [payload.same[k] * D, passes[m].dx[k]] : null),
    });
  return all;
}

/** The words that a loss can depend on through a direction. */
const reaches = ({ runs }: Found, { layer, name }: Run, m: number, k: number): boolean =>
  (runs[0].length > 1 && layer < runs.length - 1) || (name === 'reverse' ? k >= m : k <= m);

/** Addends of a direction's parameter, from the cell's own products over one row. */
function recurrent(found: Found, run: Run, place: number, name: string): AddendAt {
  const { cell, passes } = found;
  const initial = cell.states.find((state) => name === `${state}0`);
  return (m, k) => {
    if (!reaches(found, run, m, k)) return null;
    const s = stepAt(run, k);
    const back = passes[m].backs[place];
    const { da } = back.stepGrads[s];
    if (initial !== undefined) return null;
    if (name === 'b') return [0, da.data];
    const grads = record(Object.keys(run.weights), (each) => zeros(...run.weights[each].shape));
    if (name === 'Wx') addMatmulTA1(grads.Wx, tensor(run.x[s], [1, run.inputs]), da);
    else
      cell.weightGradients(kernels, run.prev[s].h, { ...run.saved[s], ...back.stepGrads[s] } as never, grads as never);
    return [0, grads[name].data];
  };
}

/** Visits every addend of a parameter, word by word. */
type Visit = (visit: (m: number, k: number, offset: number, values: ArrayLike<number>) => void) => void;

/** Ledger entries, single weights, and the gradients of the head. */
function ledgers(found: Found) {
  const { payload, cell } = found;
  const T = payload.sizes[0];
  const sums = new Map<string, { readonly sum: Numbers; readonly width: number; readonly each: Visit }>();
  for (const [param, { shape, of }] of parametersOf(found)) {
    const sum = new Float64Array(shape.reduce((a, b) => a * b, 1));
    const each: Visit = (visit) => {
      for (let k = 0; k < T; k++) {
        for (let m = 0; m < T; m++) {
          const addend = of(m, k);
          if (addend) visit(m, k, ...addend);
        }
      }
    };
    each((_m, _k, offset, values) => {
      for (let i = 0; i < values.length; i++) sum[offset + i] += values[i];
    });
    sums.set(param, { sum, width: shape[shape.length - 1], each });
  }
  const ledger = payload.ledger.map(([param, gate]) => {
    const one = sums.get(param);
    if (one === undefined || param.endsWith('0')) return undefined;
    const count = gate === null ? one.width : one.width / cell.gates;
    const start = gate === null ? 0 : cell.gateNames.indexOf(gate) * count;
    return entryOf(one, T, (i) => i % one.width >= start && i % one.width < start + count);
  });
  const elements = payload.elements.map(([param, index]) => {
    const one = sums.get(param);
    if (one === undefined) return undefined;
    const flat = index.length === 1 ? index[0] : index[0] * one.width + index[1];
    const uses = range(T).map(() => 0);
    one.each((_m, k, offset, values) => (uses[k] += values[flat - offset] ?? 0));
    return { uses, total: one.sum[flat] };
  });
  const [W, b] = ['W', 'b'].map((name) => sums.get(`heads.${payload.head}.${name}`)!.sum);
  const head = { W: range(W.length / b.length).map((i) => W.subarray(i * b.length, (i + 1) * b.length)), b: [b] };
  const dWeights = (run: Run): unknown =>
    record(Object.keys(run.weights), (name) => {
      const { sum, width } = sums.get(`layers.${run.layer}.${run.name}.${name}`)!;
      return range(sum.length / width).map((i) => sum.subarray(i * width, (i + 1) * width));
    });
  return { ledger, elements, head, dWeights };
}

function entryOf(
  { sum, each }: { readonly sum: Numbers; readonly each: Visit },
  T: number,
  inside: (i: number) => boolean,
) {
  const picked = range(sum.length).filter(inside);
  const size = norm(picked.map((i) => sum[i]));
  const table = (): (number | null)[][] => range(T).map(() => range(T).map(() => null));
  const [shares, norms, used] = [table(), table(), range(T).map(() => new Float64Array(sum.length))];
  let [total, paths] = [0, 0];
  each((m, k, offset, values) => {
    const own = picked.map((i) => values[i - offset] ?? 0);
    shares[m][k] = own.reduce((all, x, i) => all + (x / size) * (sum[picked[i]] / size), 0);
    norms[m][k] = norm(own);
    for (let i = 0; i < values.length; i++) used[k][offset + i] += values[i];
    total += shares[m][k]!;
    paths += norms[m][k]!;
  });
  const uses = used.map((all) => norm(picked.map((i) => all[i])));
  return { norm: size, cancellation: size / paths, shares, norms, total, uses };
}
