/** One sentence, every number: the trace. */
import { flatten } from '../autograd/grads.js';
import type { Kernels } from '../kernels/types.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { Model } from '../labeling/model/model.js';
import type { Tensor } from '../tensor/types.js';
import { flatCopy, sizeOf } from '../tensor/view.js';
import type { Direction } from './directions.js';
import { directionsOf, unwoundOf } from './directions.js';
import { hasGold, lossesOf, seedOf } from './losses.js';
import { matrixOf, norm, rowOf } from './numbers.js';
import type { InspectOptions } from './options.js';
import { expectQuestion } from './options.js';
import { quantitiesOf } from './quantities.js';
import { inputsOf, passesOf, reachOf, reachOfDirection } from './reach.js';
import { saturationOf } from './saturation.js';
import { sha256 } from './sha256.js';
import { byName, stepsOf } from './steps.js';
import type { Returned, Study } from './study.js';
import { backward, studyOf } from './study.js';
import type {
  DirectionTrace,
  HeadTrace,
  LayerTrace,
  LossTrace,
  Matrix,
  ModelTrace,
  Trace,
  WordTrace,
} from './trace.js';
import type { ReadableModel } from './untrained.js';

/**
 * Reads one sentence: every quantity of every step, every gradient, and what they are made of.
 *
 * @param kernels where products run; float64 is needed, which `createCpuKernels()` has
 * @param model trained, untrained (`untrained`) or of another library (`fromPyTorch`)
 * @param sentence its words, and its gold labels where it has any; without them the model's own first choice stands in
 * @throws ArgumentError on a sentence without words, an unknown option, or one outside its domain
 * @throws DataError on a gold label the model does not know
 * @throws UnsupportedError where the backend has no float64
 */
export function inspect(kernels: Kernels, model: Model, sentence: Sentence, options: InspectOptions = {}): Trace {
  expectQuestion('inspect', kernels, model, sentence, options);
  const study = studyOf(kernels, model, sentence, options.head);
  const losses = lossesOf(study, sentence, options);
  const full = backward(study, seedOf(losses));
  const passes = passesOf(study, losses);
  const { vectors = false } = options;
  return {
    format: 'bptt-trace',
    version: 1,
    model: modelOf(model, study.head),
    conventions: {
      loss: 'sum',
      seed: options.seed ?? 'loss',
      gold: hasGold(study, sentence) ? 'given' : 'predicted',
      variable: 'x',
      norm: 'euclidean',
      normalization: 'own-word',
      dtype: 'float64',
    },
    words: wordsOf(study, full),
    losses,
    loss: losses.reduce((sum, { loss }) => sum + loss, 0),
    layers: layersOf(study, losses, passes, full, vectors),
    head: headOf(study, full),
    reach: reachOf(study, inputsOf(study, losses), passes, full, vectors),
    ledger: [],
    elements: [],
    truncation: null,
    clip: null,
    saliency: [],
    checks: { checked: 0, agrees: true, worst: null, elements: [], fault: null },
    identities: [],
  };
}

function modelOf(model: Model, head: number): ModelTrace {
  const { config, network, params, heads, words } = model;
  const [{ cell }] = network.layers;
  const { origin = { source: 'model', initialization: null } } = model as Partial<ReadableModel>;
  const tensors = flatten(params);
  return {
    cell: cell.name,
    gates: [...cell.gateNames],
    states: [...cell.states],
    quantities: quantitiesOf(cell),
    hidden: [...config.body.hidden],
    bidirectional: config.body.bidirectional,
    embedding: network.width,
    vocabulary: words.size,
    labels: [...heads[head].labels.labels],
    parameters: Object.values(tensors).reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    ...origin,
    sha256: hashOf(tensors),
  };
}

/** SHA-256 of all weights as little-endian float64, in the order of their names. */
function hashOf(tensors: Readonly<Record<string, Tensor>>): string {
  const names = Object.keys(tensors).sort();
  const view = new DataView(new ArrayBuffer(8 * names.reduce((sum, name) => sum + sizeOf(tensors[name].shape), 0)));
  let at = 0;
  for (const name of names) {
    for (const each of flatCopy(tensors[name], 'float64')) {
      view.setFloat64(at, each, true);
      at += 8;
    }
  }
  return sha256(new Uint8Array(view.buffer));
}

function wordsOf({ model, tokens, pass }: Study, full: Returned): WordTrace[] {
  return tokens.map((text, k) => {
    const dx = rowOf(full.dX, k);
    return { text, known: model.words.known(text), x: rowOf(pass.x, k), dx, norm: norm(dx) };
  });
}

function layersOf(
  study: Study,
  losses: readonly LossTrace[],
  passes: readonly Returned[],
  full: Returned,
  vectors: boolean,
): LayerTrace[] {
  const layers: Partial<Record<string, DirectionTrace>>[] = study.pass.stack.layers.map(() => ({}));
  for (const direction of directionsOf(study)) {
    layers[direction.layer][direction.name] = {
      ...directionOf(study, direction, full),
      reach: reachOfDirection(study, losses, direction, passes, full, vectors),
    };
  }
  return layers as unknown as LayerTrace[];
}

function directionOf(study: Study, direction: Direction, full: Returned): Omit<DirectionTrace, 'reach'> {
  const { unrolled, layer, name, hidden } = direction;
  const { cell, params, states } = unrolled;
  const { dInitial } = unwoundOf(direction, full);
  const grads = (full.grads.layers[layer] as Record<string, Readonly<Record<string, Tensor>>>)[name];
  const first = (of: object) => byName(cell.states, (state) => rowOf((of as Record<string, Tensor>)[state], 0));
  const steps = stepsOf(study.kernels, direction, full);
  return {
    inputs: params.Wx.shape[0],
    hidden,
    initial: first(states),
    dInitial: first(dInitial),
    weights: matricesOf(params),
    dWeights: matricesOf(grads),
    steps,
    jacobian: null,
    saturation: saturationOf(cell, steps),
  };
}

function headOf({ model, params, head }: Study, full: Returned): HeadTrace {
  const { name, kind } = model.config.heads[head];
  return { name, kind, weights: matricesOf(params.heads[name]), dWeights: matricesOf(full.grads.heads[name]) };
}

function matricesOf(tensors: Readonly<Record<string, Tensor>>): Record<string, Matrix> {
  return Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, matrixOf(x)]));
}
