/**
 * The evaluation `lstm` of GradBench (github.com/gradbench/gradbench, evals/lstm), as one of its tools: messages as JSON lines on
 * standard input, answers on standard output. From the repository root:
 *
 *     npm run build && node bench/gradbench.js < messages.jsonl
 *
 * The network is ADBench's: l layers of b units whose matrices are all diagonal, over c characters of b bits.
 *
 *     (1)  x = s ∘ u                                 s a character, u input weights
 *     (2)  f = σ(w_f ∘ x + b_f)   i = σ(w_i ∘ h' + b_i)   o = σ(w_o ∘ x + b_o)   g = tanh(w_g ∘ h' + b_g)
 *     (3)  c = f ∘ c' + i ∘ g     h = o ∘ tanh(c)    the input of the next layer
 *     (4)  p = v ∘ h + q                             v output weights, q bias
 *     (5)  L = −Σ_t s_{t+1} · (p_t − log(2 + Σ exp p_t)) / ((c − 1) · b)
 *
 * (2) and (3) are an LSTM whose `Wx` has the diagonals of f and o, and whose `Wh` has those of i and g: `stackForward` and
 * `stackBackward` run it in float64, and the gradient of a weight is the diagonal of its block. Order of the gradient: for each layer the
 * weights, then the biases, both f i o g; then u, v, q.
 */
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { fail, load, parse } from './command.js';

parse(
  new Command('node bench/gradbench.js').description(
    'the evaluation lstm of GradBench: messages in, answers out, as JSON lines',
  ),
);

const [{ createCpuKernels }, { stackBackward, stackForward }, { packingOf, zeroGrads }, { cells }, { viewOf }] =
  await Promise.all(['kernels/index.js', 'layers/index.js', 'autograd/index.js', 'cells/index.js', 'tensor/view.js'].map(load)); // prettier-ignore

const kernels = createCpuKernels();
/** Gates there, in their order, as gates of the LSTM here, i f g o. */
const ORDER = [1, 0, 3, 2];
/** Which matrix has the weights of a gate there. */
const MATRIX = ['Wx', 'Wh', 'Wx', 'Wh'];

const matrix = (rows) => viewOf(Float64Array.from(rows.flat()), [rows.length, rows[0].length]);

/** The layers of (2) and (3). */
function layersOf(main, b) {
  return Array.from({ length: main.length / 2 }, (_, l) => {
    const [weights, biases] = [main[2 * l], main[2 * l + 1]];
    const [Wx, Wh] = [0, 1].map(() => viewOf(new Float64Array(b * 4 * b), [b, 4 * b]));
    const bias = new Float64Array(4 * b);
    ORDER.forEach((gate, k) => {
      const { data } = MATRIX[k] === 'Wx' ? Wx : Wh;
      for (let j = 0; j < b; j++) data[j * 4 * b + gate * b + j] = weights[k * b + j];
      bias.set(biases.slice(k * b, (k + 1) * b), gate * b);
    });
    return { forward: { Wx, Wh, b: viewOf(bias, [4 * b]) } };
  });
}

/** The loss, and what its gradient needs. */
function objective({ main_params: main, extra_params: [u, v, q], state, sequence }) {
  const b = u.length;
  const steps = sequence.length - 1;
  const params = layersOf(main, b);
  const x = matrix(sequence.slice(0, -1).map((bits) => bits.map((bit, j) => bit * u[j]))); // (1)
  const initial = params.map((_, l) => ({ forward: { h: matrix([state[2 * l]]), c: matrix([state[2 * l + 1]]) } }));
  const specs = params.map(() => ({ cell: cells.lstm, hidden: b }));
  const pass = stackForward(kernels, specs, params, x, packingOf([steps]), { initial }); // (2), (3)
  const h = pass.y;
  const dP = new Float64Array(steps * b);
  let total = 0;
  for (let t = 0; t < steps; t++) {
    const p = v.map((weight, j) => h.data[h.offset + t * h.stride[0] + j] * weight + q[j]); // (4)
    const sum = p.reduce((all, value) => all + Math.exp(value), 2);
    const gold = sequence[t + 1];
    const mass = gold.reduce((all, bit) => all + bit, 0);
    gold.forEach((bit, j) => {
      total += bit * (p[j] - Math.log(sum)); // (5)
      dP[t * b + j] = ((mass * Math.exp(p[j])) / sum - bit) / (steps * b); // (5)
    });
  }
  return { loss: -total / (steps * b), params, pass, dP, x };
}

/** The gradient of the loss: every line carries the number it undoes. */
function jacobian(input) {
  const {
    extra_params: [u, v],
    sequence,
  } = input;
  const b = u.length;
  const { params, pass, dP, x } = objective(input);
  const [du, dv, dq] = [0, 1, 2].map(() => new Float64Array(b));
  const dY = viewOf(new Float64Array(dP.length), x.shape);
  const h = pass.y;
  for (let i = 0; i < dP.length; i++) {
    const [t, j] = [Math.floor(i / b), i % b];
    dv[j] += dP[i] * h.data[h.offset + t * h.stride[0] + j]; // (4)
    dq[j] += dP[i]; // (4)
    dY.data[i] = dP[i] * v[j]; // (4)
  }
  const grads = params.map(({ forward }) => ({ forward: zeroGrads(forward) }));
  const dX = viewOf(new Float64Array(dP.length), x.shape);
  stackBackward(kernels, pass, dY, grads, { dX }); // (3), (2)
  for (let i = 0; i < dP.length; i++) du[i % b] += dX.data[i] * sequence[Math.floor(i / b)][i % b]; // (1)
  const main = grads.flatMap(({ forward: { Wx, Wh, b: bias } }) => {
    const own = (k, j) => (MATRIX[k] === 'Wx' ? Wx : Wh).data[j * 4 * b + ORDER[k] * b + j];
    const weights = ORDER.flatMap((_, k) => Array.from({ length: b }, (_unused, j) => own(k, j)));
    return [...weights, ...ORDER.flatMap((gate) => [...bias.data.subarray(gate * b, (gate + 1) * b)])];
  });
  return [...main, ...du, ...dv, ...dq];
}

const FUNCTIONS = { objective: (input) => objective(input).loss, jacobian };

/** Runs a function as often, and as long, as its input says. */
function evaluate({ module, function: name, input }) {
  const act = module === 'lstm' && Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (act === undefined) return { success: false, error: `no function ${module}.${name}: expected lstm.objective or lstm.jacobian` }; // prettier-ignore
  const { runs = 1, min_runs: least = runs, min_seconds: seconds = 0 } = input;
  const timings = [];
  let [output, spent] = [undefined, 0];
  while (timings.length < least || spent < 1e9 * seconds) {
    const start = process.hrtime.bigint();
    output = act(input);
    const nanoseconds = Number(process.hrtime.bigint() - start);
    spent += nanoseconds;
    timings.push({ name: 'evaluate', nanoseconds });
  }
  return { success: true, output, timings };
}

function answer(message) {
  if (message.kind === 'start') return { tool: 'bptt' };
  if (message.kind === 'define') return { success: message.module === 'lstm' };
  if (message.kind !== 'evaluate') return {};
  try {
    return evaluate(message);
  } catch (error) {
    return { success: false, error: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    fail('gradbench', 'expected a message of GradBench, a JSON object a line');
  }
  if (message.kind === 'end') break;
  process.stdout.write(`${JSON.stringify({ id: message.id, ...answer(message) })}\n`);
}
