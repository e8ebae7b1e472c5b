/**
 * Traces for the tests of views: every field is there and has the shape that trace.ts asks for, the numbers are seeded noise. What a
 * view needs to be true of them (probabilities sum to 1, parts add up) is true.
 */
import type {
  DirectionTrace,
  LedgerTrace,
  LossByWord,
  ReachTrace,
  SplitGradient,
  StepTrace,
  Trace,
} from '../../src/inspect/trace';

/** What a sample is to be like. */
export interface Sample {
  readonly tokens?: readonly string[];
  readonly hidden?: number;
  readonly cell?: 'rnn' | 'lstm' | 'gru';
  readonly seed?: number;
  readonly bidirectional?: boolean;
  /** How much of a gradient one step lets through. */
  readonly keeps?: number;
  /** In place of numbers of the reach, by loss and word. */
  readonly broken?: Readonly<Record<string, number>>;
  /** NaN and infinities in gates, gradients, ledger, saliency and checks as well. */
  readonly spoil?: boolean;
  readonly labels?: readonly string[];
}

const CELLS = {
  rnn: { gates: ['h'], states: ['h'] },
  lstm: { gates: ['i', 'f', 'g', 'o'], states: ['h', 'c'] },
  gru: { gates: ['r', 'z', 'n'], states: ['h'] },
} as const;

/** What else a step of a cell holds. */
const OTHERS = { rnn: [], lstm: ['tanh(c)'], gru: ['u_r', 'u_z', 'q'] } as const;

export const SENTENCE = 'the cat near the dogs by the trees near the boys sat'.split(' ');

const STEPS = Array.from({ length: 12 }, (_, i) => Number(`1e-${i + 1}`));

/** Park and Miller's generator. */
function noise(seed: number) {
  let state = (seed % 2147483646) + 1;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const signed = () => uniform() + uniform() + uniform() - 1.5;
  return {
    uniform,
    signed,
    list: (n: number, f: (i: number) => number = signed) => Array.from({ length: n }, (_, i) => f(i)),
  };
}

const norm = (values: readonly number[]) => Math.hypot(...values);
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** A whole trace. */
export function sampleTrace(sample: Sample = {}): Trace {
  const { tokens = SENTENCE, hidden: H = 4, cell = 'lstm', seed = 1, bidirectional = false } = sample;
  const { keeps = 0.5, broken = {}, spoil = false, labels = ['DET', 'NOUN', 'PREP', 'VERB'] } = sample;
  const random = noise(seed);
  /** Some numbers made NaN or infinite. */
  const spoiled = (list: number[]): number[] =>
    spoil ? list.map((each, i) => (i === 0 ? NaN : i === 1 ? Infinity : i === 2 ? -Infinity : each)) : list;
  const T = tokens.length;
  const D = 3;
  const { gates, states } = CELLS[cell];

  const reachAt = (size: number, direction: 'forward' | 'reverse' | 'both', scale: number): ReachTrace => {
    const norms = tokens.map((_, m) =>
      tokens.map((_, k) => {
        const gone = direction === 'forward' ? k > m : direction === 'reverse' ? k < m : false;
        if (gone) return null;
        return broken[`${m},${k}`] ?? scale * (0.6 + random.uniform()) * keeps ** Math.abs(m - k);
      }),
    );
    const retention = norms.map((row, m) => row.map((each) => (each === null ? null : each / (row[m] as number))));
    const length = retention.map((row, m) => {
      const below = row.flatMap((each, k) => (each !== null && each < 0.01 ? [Math.abs(m - k)] : []));
      return below.length === 0 ? null : Math.min(...below);
    });
    const total = tokens.map((_, k) => norm(norms.map((row) => row[k] ?? 0)));
    return { size, norms, retention, reference: tokens.map((_, m) => m), total, length };
  };

  const split = (): SplitGradient => {
    const [direct, recurrent] = [0, 1].map(() => spoiled(random.list(H, () => random.signed() / 4)));
    const total = direct.map((each, i) => each + recurrent[i]);
    const norms = { direct: norm(direct), recurrent: norm(recurrent), total: norm(total) };
    return { direct, recurrent, total, norms, cosine: dot(direct, recurrent) / (norms.direct * norms.recurrent) };
  };
  const record = <V>(names: readonly string[], make: (name: string) => V): Record<string, V> =>
    Object.fromEntries(names.map((name) => [name, make(name)]));
  const gate = (name: string) =>
    random.list(H, () => ('hgn'.includes(name) ? Math.tanh(random.signed()) : random.uniform()));

  const step = (): StepTrace => {
    const values = record(gates, (name) => spoiled(gate(name)));
    return {
      preActivations: record(gates, () => random.list(H)),
      gates: values,
      states: record(states, () => random.list(H, () => Math.tanh(random.signed()))),
      others: record(OTHERS[cell], () => random.list(H)),
      slopes: record(gates, (name) => values[name].map((y) => ('hgn'.includes(name) ? 1 - y * y : y * (1 - y)))),
      gradients: {
        preActivations: record(gates, () => random.list(H, () => random.signed() / 8)),
        gates: record(gates, () => random.list(H, () => random.signed() / 4)),
        states: record(states, split),
        others: cell === 'gru' ? record(OTHERS.gru, () => random.list(H)) : {},
        x: random.list(D),
      },
    };
  };

  const directionOf = (name: 'forward' | 'reverse'): DirectionTrace => ({
    inputs: D,
    hidden: H,
    initial: record(states, () => random.list(H, () => 0)),
    dInitial: record(states, () => random.list(H)),
    weights: { Wx: matrix(D, gates.length * H), Wh: matrix(H, gates.length * H), b: matrix(1, gates.length * H) },
    dWeights: { Wx: matrix(D, gates.length * H), Wh: matrix(H, gates.length * H), b: matrix(1, gates.length * H) },
    steps: tokens.map(step),
    reach: record([...states, 'state', 'a'], () => reachAt(H, name, 0.5)),
    jacobian: null,
    saturation: record(gates, () => ({
      open: random.uniform() / 2,
      closed: random.uniform() / 2,
      units: { open: random.list(H, (i) => (i % 5) / 8), closed: random.list(H, (i) => (i % 3) / 8) },
    })),
    factors: tokens.map((_, k) => ({
      drop: spoil && k === 1 ? NaN : random.uniform(),
      slopes: k % 4 === 3 ? null : random.uniform(),
      values: random.uniform(),
      weights: 2 * random.uniform(),
      carried: cell === 'rnn' ? 0 : random.uniform(),
      cosine: 0,
      top: (['slopes', 'values', 'weights', 'carried', null] as const)[k % 5],
    })),
  });
  const matrix = (rows: number, columns: number) => Array.from({ length: rows }, () => random.list(columns));

  const ledgerOf = (param: string, gateName: string | null, recurrent: boolean): LedgerTrace => {
    const raw = tokens.map((_, m) =>
      tokens.map((_, k) => (k > m || (recurrent && k === 0) ? null : random.signed() * keeps ** (m - k) + 0.2)),
    );
    if (spoil) raw[2][1] = NaN;
    const sum = raw.flat().reduce<number>((all, each) => all + (each ?? 0), 0);
    const shares = raw.map((row) => row.map((each) => (each === null ? null : each / sum)));
    const norms: LossByWord = raw.map((row) => row.map((each) => (each === null ? null : Math.abs(each) / 3)));
    return {
      param,
      gate: gateName,
      layer: 0,
      direction: 'forward',
      norm: 0.2 + random.uniform(),
      cancellation: 0.2 + random.uniform() / 2,
      shares,
      total: shares.flat().reduce<number>((all, each) => all + (each ?? 0), 0),
      norms,
      uses: tokens.map((_, k) => norm(norms.map((row) => row[k] ?? 0))),
    };
  };

  const losses = tokens.map((_, m) => {
    const logits = random.list(labels.length, () => 2 * random.signed());
    const exps = logits.map(Math.exp);
    const sum = exps.reduce((a, b) => a + b, 0);
    const probabilities = exps.map((each) => each / sum);
    const gold = labels[m % labels.length];
    const probability = probabilities[m % labels.length];
    const loss = -Math.log(probability);
    return {
      word: m,
      gold,
      predicted: labels[probabilities.indexOf(Math.max(...probabilities))],
      loss,
      logits,
      probabilities,
      probability,
      solved: probability > 0.9,
      seed: loss,
      label: null,
      contrast: null,
      dLogits: probabilities.map((p, i) => p - (i === m % labels.length ? 1 : 0)),
    };
  });

  const uses = spoiled(tokens.map((_, k) => (k === 0 ? 0 : random.signed() / 20)));
  const params = ['Wx', 'Wh', 'b'];
  const last = Math.min(2, gates.length * H - 1);
  return {
    format: 'bptt-trace',
    version: 1,
    model: {
      cell,
      gates,
      states,
      quantities: gates.map((symbol) => ({
        symbol,
        name: `gate ${symbol}`,
        kind: 'gates' as const,
        key: symbol,
        equation: 2,
        range: 'hgn'.includes(symbol) ? ([-1, 1] as const) : ([0, 1] as const),
      })),
      hidden: [H],
      bidirectional,
      embedding: D,
      vocabulary: 9,
      labels,
      parameters: 4 * H * (H + D + 1),
      source: 'untrained',
      initialization: { seed, forgetBias: cell === 'lstm' ? 1 : null },
      sha256: 'ab'.repeat(32),
    },
    conventions: {
      loss: 'sum',
      seed: 'loss',
      gold: 'given',
      variable: 'x',
      norm: 'euclidean',
      normalization: 'own-word',
      dtype: 'float64',
    },
    words: tokens.map((text, k) => ({
      text,
      known: k % 5 !== 4,
      x: random.list(D),
      dx: random.list(D),
      norm: random.uniform(),
    })),
    losses,
    loss: losses.reduce((sum, { loss }) => sum + loss, 0),
    layers: [{ forward: directionOf('forward'), ...(bidirectional && { reverse: directionOf('reverse') }) }],
    head: {
      name: 'labels',
      kind: 'softmax',
      weights: { W: matrix(bidirectional ? 2 * H : H, labels.length), b: matrix(1, labels.length) },
      dWeights: { W: matrix(bidirectional ? 2 * H : H, labels.length), b: matrix(1, labels.length) },
    },
    reach: reachAt(D, bidirectional ? 'both' : 'forward', 0.3),
    ledger: params.flatMap((name) =>
      [null, ...gates].map((each) => ledgerOf(`layers.0.forward.${name}`, each, name === 'Wh')),
    ),
    elements: [
      {
        param: 'layers.0.forward.Wh',
        index: [0, last],
        ref: `/layers/0/forward/dWeights/Wh/0/${last}`,
        uses,
        addends: tokens.map((_, m) => tokens.map((_, k) => (k > m ? null : m === k ? uses[k] : 0))),
        total: uses.reduce((a, b) => a + b, 0),
      },
    ],
    truncation: null,
    clip: null,
    saliency: [
      {
        target: T - 1,
        label: labels[0],
        contrast: labels[labels.length - 1],
        methods: {
          gradient: tokens.map(() => random.uniform()),
          inputTimesGradient: random.list(T),
          integrated: seed % 2 === 1 ? random.list(T) : null,
          swap: spoiled(random.list(T, () => 3 * random.signed())),
        },
        gap: seed % 2 === 1 ? 0.004 : 0.31,
        points: 512,
        replacements: tokens.map((word) => `${word}s`),
        rules: tokens.map(() => 'number' as const),
        agrees: false,
      },
    ],
    checks: {
      checked: 3,
      agrees: true,
      worst: 0,
      elements: [0, 1, 2].map((i) => ({
        ref: `/layers/0/forward/dWeights/Wh/0/${i}`,
        param: 'layers.0.forward.Wh',
        index: [0, i],
        where: `layers.0.forward.Wh[0, ${i}], gate ${gates[0]}`,
        analytic: spoil && i === 1 ? NaN : -0.0763 * (i + 1),
        forwardMode: -0.0763 * (i + 1) * (1 + 1e-15),
        numeric: -0.0763 * (i + 1) + 2e-11,
        noise: 4e-11,
        relative: spoil && i === 1 ? NaN : 1e-15,
        verdict: 'agree' as const,
      })),
      fault: null,
      curve: {
        element: 0,
        steps: STEPS,
        errors: STEPS.map((step, i) => (spoil && i === 3 ? 0 : 3 * step ** 2 + 1e-13 / step)),
        truncation: STEPS.map((step) => 3 * step ** 2),
        rounding: STEPS.map((step) => 1e-13 / step),
      },
    },
    identities: [
      { name: 'probabilities', says: 'Σ p = 1', residual: 2e-16, tolerance: 1e-12, holds: true },
      { name: 'reach-sums-to-gradient', says: 'Σ_m R[m,k] = δ_k', residual: 1e-16, tolerance: 1e-12, holds: true },
    ],
  };
}
