/**
 * The suite `crf`: a linear-chain CRF compared with a PyTorch implementation in the style of NCRF++, in tokens (T·B) per second:
 * the loss with its gradients (emissions, transitions, first and last label), and the best path.
 */
import { packingOf } from '../autograd/index.js';
import { createCpuKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/index.js';
import { crfLossBackward, crfLossForward, crfViterbi } from '../layers/index.js';
import { allocate, copy, createRng, maxAbs, zeros } from '../tensor/index.js';
import type { DType, Tensor } from '../tensor/index.js';
import { passes, rightPeers } from './check.js';
import { decode, elements, encode, randomNumbers } from './numbers.js';
import type { Answer } from './peers.js';
import type { Expected } from './reference.js';
import { expected, faultIn } from './reference.js';
import { sampling } from './timing.js';
import type { Backend, Contestant, Context, SuiteParts } from './types.js';
import { backendsOf } from './types.js';

/** Tokens per sentence, and sentences per batch. */
const [T, B] = [20, 32];
/** Label counts: four types in IOB, the chunks of CoNLL-2000 in IOBES, and the maximum that the WebAssembly kernel supports. */
const LABELS = [9, 39, 64];
const WORKS = ['loss', 'viterbi'] as const;
const PACKING = packingOf(new Int32Array(B).fill(T));

type WorkName = (typeof WORKS)[number];

interface CrfTensors {
  readonly emissions: Tensor;
  readonly transitions: Tensor;
  readonly start: Tensor;
  readonly end: Tensor;
}

interface Problem {
  readonly K: number;
  /** Row-major elements; the emissions are ordered by step, B rows each. */
  readonly values: { readonly [name in keyof CrfTensors]: Float32Array };
  readonly targets: Int32Array;
}

/** The result expected of a system: the loss and its gradients by name, and the best labels. */
interface Right {
  readonly loss: Expected;
  readonly gradients: Readonly<Record<string, Expected>>;
  readonly labels: Int32Array;
}

/** The races of the suite. Cases are named `loss-k9` and `viterbi-k9`: K labels. */
export async function* crf(context: Context): SuiteParts {
  for (const K of LABELS) {
    const label = (work: WorkName): string => `${work}-k${K}`;
    const works = WORKS.filter((work) => context.wants(label(work)) && !(context.quick && K > LABELS[0]));
    if (works.length === 0) continue;
    context.progress(`crf k${K}: checking`, 0, 1);
    const problem = createProblem(K);
    const right = rightAnswers(problem);
    const able = ownBackends(context, problem, right);
    for (const work of works) {
      const own = able.map(({ system, backend, kernels }): Contestant => {
        const { act, close } = actOf(kernels, problem, work);
        return { system, version: context.version, backend, threads: 1, sample: sampling(act), close };
      });
      const request = requestOf(problem, work);
      const peers = await rightPeers(context, 'crf', `crf ${label(work)}`, request, (answer) =>
        faultOfPeer(answer, work, right),
      );
      yield { suite: 'crf', case: label(work), metric: 'tokens/s', work: T * B, contestants: [...own, ...peers] };
    }
  }
}

function createProblem(K: number): Problem {
  const rng = createRng(K).split('targets');
  return {
    K,
    values: {
      emissions: randomNumbers(T * B * K, 11),
      transitions: randomNumbers(K * K, 12),
      start: randomNumbers(K, 13),
      end: randomNumbers(K, 14),
    },
    targets: Int32Array.from({ length: T * B }, () => rng.integer(K)),
  };
}

function tensorsOf({ K, values }: Problem, dtype: DType): CrfTensors {
  const tensor = (shape: number[], from: Float32Array) => {
    const x = zeros(shape, dtype);
    x.data.set(from);
    return x;
  };
  return {
    emissions: tensor([T * B, K], values.emissions),
    transitions: tensor([K, K], values.transitions),
    start: tensor([K], values.start),
    end: tensor([K], values.end),
  };
}

/** One call over copies in the backend's own memory, if it has one; gradients accumulate from call to call. */
function actOf(kernels: Kernels, problem: Problem, work: WorkName): { act: () => void; close: () => void } {
  const { emissions, ...params } = tensorsOf(problem, 'float32');
  const grads = gradsOf(params, 'float32');
  const tensors = [emissions, ...Object.values(params), ...Object.values(grads)];
  const close = kernels.adopt(tensors, 4 * T * B * (4 * problem.K + 16) + 16 * problem.K ** 2);
  const act = (): void => {
    if (work === 'viterbi') crfViterbi(kernels, params, emissions, PACKING);
    else {
      const pass = crfLossForward(kernels, params, emissions, PACKING, problem.targets);
      crfLossBackward(kernels, params, pass, kernels.zeros(emissions.shape, emissions), grads);
    }
  };
  return { act: () => kernels.frame(act), close };
}

const gradsOf = ({ transitions, start, end }: Omit<CrfTensors, 'emissions'>, dtype: DType) => ({
  transitions: zeros(transitions.shape, dtype),
  start: zeros(start.shape, dtype),
  end: zeros(end.shape, dtype),
});

/** Loss, gradients by name, and labels. */
function answersOf(kernels: Kernels, problem: Problem, dtype: DType) {
  const { emissions, ...params } = tensorsOf(problem, dtype);
  const grads = gradsOf(params, dtype);
  const pass = crfLossForward(kernels, params, emissions, PACKING, problem.targets);
  const dEmissions = allocate(emissions.shape as number[], dtype);
  crfLossBackward(kernels, params, pass, dEmissions, grads);
  return {
    loss: pass.loss,
    gradients: { emissions: dEmissions, ...grads } as Readonly<Record<string, Tensor>>,
    labels: crfViterbi(kernels, params, emissions, PACKING).labels,
  };
}

function rightAnswers(problem: Problem): Right {
  const kernels = createCpuKernels();
  const [exact, rounded] = (['float64', 'float32'] as const).map((dtype) => answersOf(kernels, problem, dtype));
  const gradient = (name: string): Expected => {
    const [x, y] = [exact.gradients[name], rounded.gradients[name]];
    return expected(elements(copy(x)), elements(copy(y)), maxAbs(x));
  };
  return {
    loss: expected([exact.loss], [rounded.loss], Math.abs(exact.loss)),
    gradients: Object.fromEntries(Object.keys(exact.gradients).map((name) => [name, gradient(name)])),
    labels: exact.labels,
  };
}

/** The backends whose losses, gradients and labels are right. */
function ownBackends(context: Context, problem: Problem, right: Right): Backend[] {
  return backendsOf(context, 'crf').filter(({ system, kernels }) =>
    passes(context, `crf k${problem.K}`, system, () => {
      const { loss, gradients, labels } = answersOf(kernels, problem, 'float32');
      const numbers = Object.entries(gradients).map(([name, x]) => [name, elements(copy(x))] as const);
      return faultOfLoss(loss, Object.fromEntries(numbers), right) ?? faultOfLabels(labels, right);
    }),
  );
}

function faultOfLoss(
  loss: number,
  gradients: Readonly<Record<string, ArrayLike<number>>>,
  right: Right,
): string | undefined {
  const faults = Object.entries(right.gradients).map(([name, each]) =>
    faultIn(`gradients of ${name}`, gradients[name], each),
  );
  return faultIn('losses', [loss], right.loss) ?? faults.find((each) => each !== undefined);
}

function faultOfLabels(labels: ArrayLike<number>, right: Right): string | undefined {
  const wrong = right.labels.reduce((count, label, i) => (labels[i] === label ? count : count + 1), 0);
  return wrong === 0 ? undefined : `${wrong} of ${right.labels.length} labels of the best paths differ`;
}

function requestOf({ K, values, targets }: Problem, work: WorkName): object {
  const params = Object.fromEntries(Object.entries(values).map(([name, x]) => [name, encode(x)]));
  return { work, K, T, B, params, targets: encode(Float32Array.from(targets)) };
}

function faultOfPeer(answer: Answer, work: WorkName, right: Right): string | undefined {
  if (work === 'viterbi') return faultOfLabels(decode(answer.labels), right);
  const gradients = answer.gradients as Readonly<Record<string, unknown>>;
  const numbers = Object.keys(right.gradients).map((name) => [name, decode(gradients[name])] as const);
  return faultOfLoss(Number(answer.loss), Object.fromEntries(numbers), right);
}
