/**
 * GradBench's evaluation `lstm`: the adapter speaks its protocol, and passes its validation, whose golden values are formed here by the
 * formulas of evals/lstm written out, and differentiated by central differences.
 */
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { mainFile } from '../support/cli';

const SCRIPT = resolve(__dirname, '../../bench/gradbench.js');

interface Input {
  readonly main_params: number[][];
  readonly extra_params: number[][];
  readonly state: number[][];
  readonly sequence: number[][];
}

/** Answers to messages, each with its id. */
function ask(...messages: object[]) {
  const input = messages.map((message, id) => JSON.stringify({ id, ...message })).join('\n') + '\n';
  const env = { ...process.env, BPTT_MODULES: dirname(dirname(mainFile())), NODE_OPTIONS: '' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], { input, encoding: 'utf8', env });
  return { status, stderr, answers: stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>) }; // prettier-ignore
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The objective as evals/lstm states it, unit by unit. */
function objective({ main_params: main, extra_params: [u, v, q], state, sequence }: Input): number {
  const b = u.length;
  const now = state.map((row) => [...row]);
  let total = 0;
  for (let t = 0; t + 1 < sequence.length; t++) {
    let x = sequence[t].map((bit, j) => bit * u[j]);
    for (let l = 0; l < main.length / 2; l++) {
      const [w, bias, h, c] = [main[2 * l], main[2 * l + 1], now[2 * l], now[2 * l + 1]];
      for (let j = 0; j < b; j++) {
        const forget = sigmoid(x[j] * w[j] + bias[j]);
        const ingate = sigmoid(h[j] * w[b + j] + bias[b + j]);
        const outgate = sigmoid(x[j] * w[2 * b + j] + bias[2 * b + j]);
        const change = Math.tanh(h[j] * w[3 * b + j] + bias[3 * b + j]);
        c[j] = c[j] * forget + ingate * change;
        h[j] = outgate * Math.tanh(c[j]);
      }
      x = [...h];
    }
    const p = x.map((value, j) => value * v[j] + q[j]);
    const norm = Math.log(p.reduce((sum, value) => sum + Math.exp(value), 2));
    sequence[t + 1].forEach((gold, j) => (total += gold * (p[j] - norm)));
  }
  return -total / ((sequence.length - 1) * b);
}

/** Derivatives of all parameters, in the order of the protocol. */
function differences(input: Input): number[] {
  const rows = [...input.main_params, ...input.extra_params];
  return rows.flatMap((row) =>
    row.map((value, j) => {
      const at = (x: number) => ((row[j] = x), objective(input));
      const slope = (at(value + 1e-5) - at(value - 1e-5)) / 2e-5;
      row[j] = value;
      return slope;
    }),
  );
}

/** A problem of l layers, b bits and c characters; numbers in (0, 1), as theirs. */
function problem(l: number, b: number, c: number): Input {
  let seed = 7;
  const next = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const rows = (n: number, width: number) => Array.from({ length: n }, () => Array.from({ length: width }, next));
  const sequence = rows(c, b).map((row) => row.map((value) => Math.round(value)));
  return { main_params: rows(2 * l, 4 * b), extra_params: rows(3, b), state: rows(2 * l, b), sequence };
}

/** Their measure of a difference, and their bound: comparison.py. */
const difference = (x: number, y: number) => Math.abs(x - y) / Math.max(1, Math.abs(x) + Math.abs(y));
const BOUND = 1e-4;

test.each([
  [2, 3, 7],
  [4, 5, 11],
  [1, 2, 5],
])('%d layers, %d bits, %d characters: objective and gradient are valid', (l, b, c) => {
  const input = problem(l, b, c);
  const evaluated = (name: string, more = {}) => ({ kind: 'evaluate', module: 'lstm', function: name, input: { ...input, ...more } }); // prettier-ignore
  const { status, stderr, answers } = ask(
    { kind: 'start', eval: 'lstm' },
    { kind: 'define', module: 'lstm' },
    evaluated('objective', { runs: 3 }),
    evaluated('jacobian', { min_runs: 2, min_seconds: 0 }),
    { kind: 'analysis', of: 3, valid: true },
    { kind: 'end' },
  );
  expect([status, stderr]).toEqual([0, '']);
  expect(answers.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4]);
  expect(answers.slice(0, 2)).toEqual([
    { id: 0, tool: 'bptt' },
    { id: 1, success: true },
  ]);
  const [loss, gradient] = [answers[2].output as number, answers[3].output as number[]];
  expect(difference(loss, objective(input))).toBeLessThan(1e-14);
  const golden = differences(input);
  expect(gradient).toHaveLength(golden.length);
  expect(Math.max(...golden.map((each, i) => difference(each, gradient[i])))).toBeLessThan(1e-9);
  expect(Math.max(...golden.map((each) => Math.abs(each)))).toBeGreaterThan(100 * BOUND); // the bound is not met by zeros
  const timings = [2, 3].map((at) => answers[at].timings as { name: string; nanoseconds: number }[]);
  expect(timings.map((each) => each.map(({ name }) => name))).toEqual([
    Array(3).fill('evaluate'),
    Array(2).fill('evaluate'),
  ]);
});

test('the validation notices a wrong derivative', () => {
  const golden = differences(problem(2, 3, 7));
  expect(difference(golden[0], golden[0] + 0.001)).toBeGreaterThan(BOUND);
});

test('what it does not have it refuses by name; a line that is no message ends it', () => {
  const { answers } = ask({ kind: 'define', module: 'gmm' }, { kind: 'evaluate', module: 'lstm', function: 'hessian', input: {} }, { kind: 'evaluate', module: 'lstm', function: 'objective', input: {} }); // prettier-ignore
  expect(answers[0]).toEqual({ id: 0, success: false });
  expect(answers[1]).toEqual({ id: 1, success: false, error: 'no function lstm.hessian: expected lstm.objective or lstm.jacobian' }); // prettier-ignore
  expect(answers[2]).toMatchObject({ id: 2, success: false });
});
