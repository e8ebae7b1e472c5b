/** One sentence, every number: the trace. */
import type { Kernels } from '../kernels/types.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { Model } from '../labeling/model/model.js';
import type { Tensor } from '../tensor/types.js';
import { checksOf } from './checks.js';
import type { Direction } from './directions.js';
import { stepOf, unwoundOf } from './directions.js';
import { identitiesOf, worst } from './identities.js';
import { jacobianOf } from './jacobian.js';
import type { Connected } from './ledger.js';
import { elementOf, largestElements, ledgerOf } from './ledger.js';
import { hasGold } from './losses.js';
import { modelOf } from './model-trace.js';
import { matrixOf, norm, rowOf } from './numbers.js';
import type { InspectOptions } from './options.js';
import { expectQuestion } from './options.js';
import { cutAt, inputsOf, reachOf, variablesOf } from './reach.js';
import type { Reading } from './reading.js';
import { connectedIn, readingOf } from './reading.js';
import { byName } from './recurrence.js';
import { saliencyOf } from './saliency.js';
import { saturationOf } from './saturation.js';
import { stepsOf } from './steps.js';
import type { Returned, Study, Whole } from './study.js';
import { flatGrads } from './study.js';
import type { Conventions, DirectionTrace, ElementTrace, HeadTrace, JacobianTrace } from './trace.js';
import type { LayerTrace, LedgerTrace, Matrix, Trace, WordTrace } from './trace.js';
import { clipOf, truncationOf } from './wholes.js';

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
  const reading = readingOf(kernels, model, sentence, options);
  const { study, losses, full } = reading;
  const layers = layersOf(reading);
  const { ledger, residual } = booksOf(reading);
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
    reach: reachOf(reading, inputsOf(reading)),
    ledger,
    elements: elementsOf(reading),
    truncation: options.truncate === undefined ? null : truncationOf(reading, options.truncate),
    clip: options.clip === undefined ? null : clipOf(reading, options.clip),
    saliency: saliencyOf(study, sentence, options),
    checks: checksOf(reading),
    identities: identitiesOf(reading, layers, ledger, residual),
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
    return { text, known: model.words.known(text), x: rowOf(pass.x, k), dx, norm: norm(dx) };
  });
}

function layersOf(reading: Reading): LayerTrace[] {
  const layers: Partial<Record<string, DirectionTrace>>[] = reading.study.pass.stack.layers.map(() => ({}));
  for (const direction of reading.directions) layers[direction.layer][direction.name] = directionOf(reading, direction);
  return layers as unknown as LayerTrace[];
}

function directionOf(reading: Reading, direction: Direction): DirectionTrace {
  const { study, full } = reading;
  const { unrolled, layer, name, hidden } = direction;
  const { cell, params, states } = unrolled;
  const grads = (full.grads.layers[layer] as Record<string, Readonly<Record<string, Tensor>>>)[name];
  const first = (of: object) => byName(cell.states, (state) => rowOf((of as Record<string, Tensor>)[state], 0));
  const steps = stepsOf(study.kernels, direction, full);
  const variables = Object.entries(variablesOf(reading, direction));
  return {
    inputs: params.Wx.shape[0],
    hidden,
    initial: first(states),
    dInitial: first(unwoundOf(direction, full).dInitial),
    weights: matricesOf(params),
    dWeights: matricesOf(grads),
    steps,
    reach: Object.fromEntries(variables.map(([each, variable]) => [each, reachOf(reading, variable)])),
    jacobian: jacobianFor(reading, direction),
    saturation: saturationOf(cell, steps),
  };
}

/** States wider than this are measured where it is asked for: the cost grows with the cube. */
const WIDE = 64;

function jacobianFor({ study, losses, full, passes, options }: Reading, direction: Direction): JacobianTrace | null {
  const { words, unrolled, hidden } = direction;
  if (!(options.jacobian ?? unrolled.cell.states.length * hidden <= WIDE)) return null;
  const last = stepOf(direction, words - 1);
  const own = losses.findIndex(({ word }) => word === last);
  const gradient = (returned: Returned, k: number) => cutAt(study.kernels, direction, returned, k);
  const all = Array.from({ length: words }, (_, s) => gradient(full, stepOf(direction, s)));
  return jacobianOf(study.kernels, direction, all, gradient(passes[Math.max(own, 0)], last));
}

/** The ledger of every parameter, and the largest misfit; neither where it was not asked for. */
function booksOf(reading: Reading): { ledger: LedgerTrace[]; residual?: number } {
  if (reading.options.ledger === false) return { ledger: [] };
  const grads = flatGrads(reading.full);
  const books = reading.addends.map((each) => ledgerOf(each, grads[each.param], sizeOfTable(reading), linked(reading)));
  return { ledger: books.flatMap(({ entries }) => entries), residual: worst(books.map((each) => each.residual)) };
}

function elementsOf(reading: Reading): ElementTrace[] {
  const { addends, full, options } = reading;
  const grads = flatGrads(full);
  const places = options.elements ?? largestElements(addends, grads);
  return places.map((place) => elementOf(addends, place, grads, sizeOfTable(reading), linked(reading)));
}

/** M and T. */
const sizeOfTable = ({ losses, study }: Reading): [number, number] => [losses.length, study.tokens.length];

/** A head says by itself where its weights are used. */
const linked =
  (reading: Reading): Connected =>
  ({ param, layer, direction }, m, k) => {
    if (param.startsWith('heads.')) return true;
    const place = layer === null || direction === null ? undefined : { layer, name: direction };
    return connectedIn(reading, place)(m, k);
  };

function headOf({ model, params, head }: Study, full: Whole): HeadTrace {
  const { name, kind } = model.config.heads[head];
  return { name, kind, weights: matricesOf(params.heads[name]), dWeights: matricesOf(full.grads.heads[name]) };
}

function matricesOf(tensors: Readonly<Record<string, Tensor>>): Record<string, Matrix> {
  return Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, matrixOf(x)]));
}
