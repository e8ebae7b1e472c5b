/** Builds the trace: every number for one sentence. */
import type { Kernels } from '../kernels/types.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { hasVector } from '../labeling/model/known.js';
import type { Model } from '../labeling/model/model.js';
import type { Tensor } from '../tensor/types.js';
import { checksOf } from './checks.js';
import type { Direction } from './directions.js';
import { stepOf, unwoundOf } from './directions.js';
import { identitiesOf } from './identities.js';
import { jacobianOf } from './jacobian.js';
import { hasGold, seedOf } from './losses.js';
import { modelOf } from './model-trace.js';
import { matrixOf, norm, rowOf } from './numbers.js';
import type { InspectOptions } from './options.js';
import { expectQuestion } from './options.js';
import { cutAt } from './reach.js';
import type { Reading } from './reading.js';
import { readingOf } from './reading.js';
import { byName } from './recurrence.js';
import { saliencyOf } from './saliency.js';
import { saturationOf } from './saturation.js';
import { factorsOf } from './factors.js';
import { stepsOf } from './steps.js';
import type { Returned, Study, Whole } from './study.js';
import { backwardEach } from './study.js';
import type { Sums } from './sums.js';
import { sumsOf } from './sums.js';
import type { Conventions, DirectionTrace, HeadTrace, JacobianTrace } from './trace.js';
import type { LayerTrace, Matrix, Trace, WordTrace } from './trace.js';
import { clipOf, truncationOf } from './wholes.js';

/**
 * Returns the trace of one sentence: every quantity of every step, every gradient, and how each gradient is composed.
 *
 * @param kernels backend that runs the products; it must support float64, as `createCpuKernels()` does
 * @param model a trained model, an untrained one (`untrained`), or one from another library (`fromPyTorch`)
 * @param sentence its words, and its gold labels if it has any; without gold labels, the model's most probable labels are used
 * @throws ArgumentError on a sentence without words, an unknown option, or one outside its domain
 * @throws DataError on a gold label that is not in the model's label set
 * @throws UnsupportedError if the backend has no float64
 */
export function inspect(kernels: Kernels, model: Model, sentence: Sentence, options: InspectOptions = {}): Trace {
  expectQuestion('inspect', kernels, model, sentence, options);
  const reading = readingOf(kernels, model, sentence, options);
  const { study, losses, full } = reading;
  const sums = sumsOf(reading);
  const layers = layersOf(reading, sums);
  return {
    format: 'bptt-trace',
    version: 1,
    model: modelOf(model, study.head),
    conventions: conventionsOf(options, hasGold(study, sentence)),
    words: wordsOf(study, full),
    losses,
    loss: losses.reduce((sum, { loss }) => sum + loss, 0),
    layers,
    head: headOf(study, full),
    reach: sums.inputs,
    ledger: sums.ledger,
    elements: sums.elements,
    truncation: options.truncate === undefined ? null : truncationOf(reading, options.truncate),
    clip: options.clip === undefined ? null : clipOf(reading, options.clip),
    saliency: saliencyOf(study, sentence, options),
    checks: checksOf(reading),
    identities: identitiesOf(reading, layers, sums.ledger, sums),
  };
}

function conventionsOf({ seed = 'loss' }: InspectOptions, given: boolean): Conventions {
  return {
    loss: 'sum',
    seed,
    gold: given ? 'given' : 'predicted',
    variable: 'x',
    norm: 'euclidean',
    normalization: 'own-word',
    dtype: 'float64',
  };
}

function wordsOf({ model, tokens, pass }: Study, full: Returned): WordTrace[] {
  return tokens.map((text, k) => {
    const dx = rowOf(full.dX, k);
    return { text, known: hasVector(model, text), x: rowOf(pass.x, k), dx, norm: norm(dx) };
  });
}

function layersOf(reading: Reading, sums: Sums): LayerTrace[] {
  const layers: Partial<Record<string, DirectionTrace>>[] = reading.study.pass.stack.layers.map(() => ({}));
  for (const direction of reading.directions) {
    layers[direction.layer][direction.name] = directionOf(reading, direction, sums);
  }
  return layers as unknown as LayerTrace[];
}

function directionOf(reading: Reading, direction: Direction, sums: Sums): DirectionTrace {
  const { study, full } = reading;
  const { unrolled, layer, name, hidden } = direction;
  const { cell, params, states } = unrolled;
  const grads = (full.grads.layers[layer] as Record<string, Readonly<Record<string, Tensor>>>)[name];
  const first = (of: object) => byName(cell.states, (state) => rowOf((of as Record<string, Tensor>)[state], 0));
  const steps = stepsOf(study.kernels, direction, full);
  return {
    inputs: params.Wx.shape[0],
    hidden,
    initial: first(states),
    dInitial: first(unwoundOf(direction, full).dInitial),
    weights: matricesOf(params),
    dWeights: matricesOf(grads),
    steps,
    reach: sums.states.get(direction)!,
    jacobian: jacobianFor(reading, direction),
    saturation: saturationOf(cell, steps),
    factors: factorsOf(study.kernels, direction, full, steps),
  };
}

/** The largest size and the largest cost at which Jacobians are measured by default. */
const [WIDE, COSTLY] = [64, 2 ** 24];

function jacobianFor({ study, losses, full, options }: Reading, direction: Direction): JacobianTrace | null {
  const { words, unrolled, hidden } = direction;
  const S = unrolled.cell.states.length * hidden;
  if (!(options.jacobian ?? (S <= WIDE && words * S ** 3 <= COSTLY))) return null;
  const last = stepOf(direction, words - 1);
  const own = losses.findIndex(({ word }) => word === last);
  const gradient = (returned: Returned, k: number) => cutAt(study.kernels, direction, returned, k);
  const all = Array.from({ length: words }, (_, s) => gradient(full, stepOf(direction, s)));
  const [alone] = backwardEach(study, [seedOf(losses, Math.max(own, 0))]);
  return jacobianOf(study.kernels, direction, all, gradient(alone, last));
}

function headOf({ model, params, head }: Study, full: Whole): HeadTrace {
  const { name, kind } = model.config.heads[head];
  return { name, kind, weights: matricesOf(params.heads[name]), dWeights: matricesOf(full.grads.heads[name]) };
}

function matricesOf(tensors: Readonly<Record<string, Tensor>>): Record<string, Matrix> {
  return Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, matrixOf(x)]));
}
