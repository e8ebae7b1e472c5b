/** The layers around the cells in `npm run proof`: what labels a sentence together, and what words are spelled by. */
import { gradcheck } from '../../src/autograd/check/gradcheck.js';
import { packingOf } from '../../src/autograd/packing.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { listsOf } from '../../src/labeling/data/features.js';
import { characterConfig, characters } from '../../src/labeling/model/encoders/characters.js';
import { convolutionBackward, convolutionForward } from '../../src/layers/convolution.js';
import type { CrfParams } from '../../src/layers/crf-lattice.js';
import { crfLossBackward, crfLossForward } from '../../src/layers/crf.js';
import { embeddingBagBackward, embeddingBagForward } from '../../src/layers/embedding-bag.js';
import { mseLossBackward, mseLossForward } from '../../src/layers/mse-loss.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate } from '../../src/tensor/view.js';
import type { CrfProblem } from './crf.js';
import { crfProblem, enumerate, sequencesOf, tapeCrf } from './crf.js';
import type { Cell } from '../../src/cells/index.js';
import type { CellName } from './cases.js';
import { CELLS } from './cases.js';
import { comparedWithGolden, errorsOf } from './golden-labeling.js';
import type { MseProblem } from './mse.js';
import { dualMse, MSE_PROBLEMS, tapeMse } from './mse.js';
import { aroundOf, DIRECTIONS, drawn, lossOf, outputsOf, P, problemFor, solve, unrolled, WRAPPED } from './noise.js';
import { tapeSolution } from './tape-cells.js';

/** One comparison of one layer with one oracle. */
export interface LayerProof {
  readonly layer: string;
  readonly oracle: string;
  readonly derivatives: number;
  readonly error: number;
  /** Where the error is. */
  readonly at: string;
}

/** Why forward mode and the readings of gradients have no row of a layer, or of a cell with masks. */
export const noForwardMode = (layer: string): string =>
  WRAPPED.some(([noise]) => noise === layer)
    ? 'forward mode runs the equations that a cell declares, and drawn masks stand in none'
    : 'forward mode runs the equations that a cell declares over dual numbers; a layer declares none';

type Tensors = Readonly<Record<string, Tensor>>;

/** A layer with numbers: its loss as a sum, and its gradients. */
interface Problem {
  readonly layer: string;
  readonly tensors: Tensors;
  readonly loss: () => number;
  readonly grads: () => Tensors;
}

const kernels = createCpuKernels();
const zerosLike = (tensors: Tensors): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, allocate(shape, 'float64')]));
const count = (tensors: Tensors): number => Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
const product = (x: Tensor, y: Tensor): number =>
  Array.from(y.data).reduce((sum, each, i) => sum + each * x.data[i], 0);

function randomTensors(shapes: Readonly<Record<string, readonly number[]>>): Record<string, Tensor> {
  const rng = createRng(11);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const x = allocate(shape, 'float64');
      for (let i = 0; i < x.data.length; i++) x.data[i] = rng.normal();
      return [name, x];
    }),
  );
}

const CRFS = [{}, { unlabeled: 0.4 }, { masked: true }, { masked: true, unlabeled: 0.6 }, { K: 7, lengths: [3, 1, 2] }];

function crfOf(problem: CrfProblem): Problem {
  const { tensors, lengths, targets, mask } = problem;
  const params = { transitions: tensors.transitions, start: tensors.start, end: tensors.end };
  const forward = () =>
    crfLossForward(kernels, params, tensors.emissions, packingOf(lengths), targets, { mask, reduction: 'sum' });
  return {
    layer: 'CRF',
    tensors,
    loss: () => forward().loss,
    grads() {
      const grads = zerosLike(tensors);
      crfLossBackward(kernels, params, forward(), grads.emissions, grads as unknown as CrfParams);
      return grads;
    },
  };
}

function bagOf(): Problem {
  const [k, N] = [3, 5];
  const ids = Int32Array.from({ length: N * k }, (_, i) => (i * i + 1) % 6);
  const tensors = randomTensors({ weight: [6, 4] });
  const { y: cotangent } = randomTensors({ y: [N, 4] });
  return {
    layer: 'affixes (embedding bag)',
    tensors,
    loss: () => product(cotangent, embeddingBagForward(kernels, { weight: tensors.weight }, ids, k)),
    grads() {
      const grads = zerosLike(tensors);
      embeddingBagBackward(kernels, ids, k, cotangent, { weight: grads.weight });
      return grads;
    },
  };
}

function convolutionOf(): Problem {
  const packing = packingOf([5, 1, 3]);
  const tensors = randomTensors({ x: [9, 2], W: [8, 3], b: [3] });
  const { y: cotangent } = randomTensors({ y: [9, 3] });
  const forward = () => convolutionForward(kernels, { W: tensors.W, b: tensors.b }, tensors.x, packing);
  return {
    layer: 'convolution',
    tensors,
    loss: () => product(cotangent, forward().y),
    grads() {
      const grads = zerosLike(tensors);
      const own = { W: grads.W, b: grads.b };
      convolutionBackward(kernels, { W: tensors.W, b: tensors.b }, forward(), cotangent, own, grads.x);
      return grads;
    },
  };
}

function mseOf({ predictions, targets, options }: MseProblem): Problem {
  const forward = () => mseLossForward(kernels, predictions, targets, options);
  return {
    layer: 'squared error',
    tensors: { predictions },
    loss: () => forward().loss,
    grads() {
      const grads = zerosLike({ predictions });
      mseLossBackward(kernels, forward(), grads.predictions);
      return grads;
    },
  };
}

function charactersOf(network: 'lstm' | 'cnn'): Problem {
  const words = [[1, 2, 3], [4], [1, 2, 3], [5, 5, 0, 2, 1], [4], [3, 2]];
  const layer = characters.layer(characterConfig({ network, size: 7, embedding: 3, width: 4, window: 3 }));
  const tensors = randomTensors(layer.shapes);
  const { y: cotangent } = randomTensors({ y: [words.length, 4] });
  const forward = () => layer.forward(kernels, tensors, { characters: listsOf(words) });
  return {
    layer: `characters (${network})`,
    tensors,
    loss: () => product(cotangent, forward().y),
    grads() {
      const grads = zerosLike(tensors);
      layer.backward(kernels, tensors, forward(), cotangent, grads);
      return grads;
    },
  };
}

/** Every comparison. Finite differences visit every element; `tolerance` is theirs. */
export function layerProofs(tolerance: number): LayerProof[] {
  const crfs = CRFS.map((sizes, i) => crfProblem({ seed: i + 1, ...sizes }));
  const problems = [...crfs.map(crfOf), bagOf(), convolutionOf(), charactersOf('lstm'), charactersOf('cnn')];
  problems.push(...MSE_PROBLEMS.map(mseOf));
  return [
    ...problems.map((each) => byDifferences(each, tolerance)),
    ...crfs.flatMap((each) => [byTape(each), byPaths(each)]),
    ...byPyTorch(),
    ...MSE_PROBLEMS.flatMap(mseProofs),
    ...WRAPPED.flatMap(([noise, wrap]) => noiseProofs(noise, wrap, tolerance)),
  ];
}

function byDifferences({ layer, tensors, loss, grads }: Problem, tolerance: number): LayerProof {
  const { checked, worst, passed } = gradcheck({ tensors, grads: grads(), loss, tolerance });
  const error = passed ? worst.relativeError : Infinity;
  return { layer, oracle: 'finite differences', derivatives: checked, error, at: worst.name };
}

/** Zoneout, recurrent dropout and both around every built-in cell, with masks drawn for each direction. */
function noiseProofs(layer: string, wrap: (name: CellName) => Cell, tolerance: number): LayerProof[] {
  return CELLS.flatMap((name) =>
    DIRECTIONS.flatMap((direction) => {
      const cell = wrap(name);
      const problem = problemFor(name, direction);
      const masks = drawn(cell, 4);
      const { grads } = solve(problem, cell, direction, masks);
      const loss = () => lossOf(outputsOf(unrolled(problem, cell, direction, masks), direction), problem);
      const own = { layer, tensors: problem.tensors, loss, grads: () => grads };
      const expected = tapeSolution(problem, aroundOf(masks, P)).grads;
      return [byDifferences(own, tolerance), compare('tape', layer, grads, expected)];
    }),
  );
}

/** max|a − b| / max|b| of the worst tensor. */
function compare(oracle: string, layer: string, found: Tensors, expected: Tensors): LayerProof {
  const errors = Object.entries(errorsOf({ name: layer, found, expected })).sort(([, p], [, q]) => q - p);
  const [at, error] = errors[0];
  // The loss and the output are compared as well, but are not derivatives.
  const gradients = Object.fromEntries(Object.entries(expected).filter(([name]) => name !== 'loss' && name !== 'y'));
  return { layer, oracle, derivatives: count(gradients), error, at };
}

function byTape(problem: CrfProblem): LayerProof {
  const { layer, grads } = crfOf(problem);
  return compare('tape', layer, grads(), tapeCrf(problem).grads);
}

function mseProofs(problem: MseProblem): LayerProof[] {
  const { layer, grads } = mseOf(problem);
  return [
    compare('tape', layer, grads(), { predictions: tapeMse(problem) }),
    compare('forward mode', layer, grads(), { predictions: dualMse(problem) }),
  ];
}

/** The gradient of the emissions is a difference of marginals, which are sums over paths. */
function byPaths(problem: CrfProblem): LayerProof {
  const { layer, grads } = crfOf(problem);
  const { emissions } = grads();
  const expected = allocate(emissions.shape, 'float64');
  enumerate(problem).forEach(({ tokens, goldTokens }, b) =>
    sequencesOf(problem.lengths)[b].forEach((n, t) =>
      tokens[t].forEach((p, k) => (expected.data[n * problem.K + k] = p - goldTokens[t][k])),
    ),
  );
  return compare('every path', layer, { emissions }, { emissions: expected });
}

const GOLDEN = [/^CRF/, /^embedding bag/, /^characters, lstm/, /^characters, cnn/];
const LAYERS = ['CRF', 'affixes (embedding bag)', 'characters (lstm)', 'characters (cnn)'];

function byPyTorch(): LayerProof[] {
  return comparedWithGolden(kernels).map(({ name, found, expected }) => {
    const layer = LAYERS[GOLDEN.findIndex((pattern) => pattern.test(name))];
    return compare('PyTorch', layer, found, expected);
  });
}
