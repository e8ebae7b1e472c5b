/**
 * Valid calls of everything the rooms export, to be spoilt one argument at a time. Every argument has its name as the messages
 * of errors write it; `f` may stand behind its own signature where an argument lies in an object.
 */
import * as autograd from '../../src/autograd/index.js';
import * as cells from '../../src/cells/index.js';
import * as layers from '../../src/layers/index.js';
import * as optim from '../../src/optim/index.js';
import * as tensor from '../../src/tensor/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { device, kernels, devices } from './wrong-calls-devices.js';
import { labelingRoom } from './wrong-calls-labeling.js';

/** The arguments of a valid call, by name and in order. Made anew for each call, because a call may write to them. */
export type Arguments = () => Readonly<Record<string, unknown>>;

const [D, H, E, V] = [2, 3, 2, 4];
const rng = () => tensor.createRng(1);
const key = () => tensor.createKey(1);
const packing = () => autograd.packingOf([2, 1]);
const x = (rows = 3, columns = D): Tensor => tensor.normal([rows, columns], 1, rng());
const params = () => cells.lstm.initialize(D, H, rng());
const grads = (of: autograd.TensorRecord) => autograd.zeroGrads(of);
const ids = () => Int32Array.of(1, 0, 3);
const linear = () => layers.initLinear(D, 2, rng());
const embedding = () => layers.initEmbedding(V, E, rng());
const filters = () => layers.initConvolution(D, 2, 3, rng());
const attention = () => layers.initAttentionPool(D, 2, rng());
const specs = () => [{ cell: cells.lstm, hidden: H, bidirectional: true }];
const both = () => layers.initBidirectional(cells.lstm, D, H, rng());
const mirrored = (of: { forward: object; reverse?: object }) =>
  Object.fromEntries(Object.entries(of).map(([name, own]) => [name, grads(own as never)])) as never;
const stack = () => layers.initStack(D, specs(), rng());
const unrolled = () => autograd.unroll(kernels(), cells.lstm, params(), x(), packing());
const loss = () => layers.softmaxLossForward(kernels(), x(), Int32Array.of(0, 1, 1));
const crf = () => layers.initCrf(D);
const crfMask = () => ({ start: [1, 1], transitions: [1, 0, 1, 1], end: [1, 1] });
const crfLoss = () => layers.crfLossForward(kernels(), crf(), x(), packing(), Int32Array.of(0, 1, -1));
const crfCall = () => ({ kernels: kernels(), params: crf(), emissions: x(), packing: packing() });
const element: autograd.CheckedElement = {
  name: 'x',
  index: [0],
  analytic: 1,
  numeric: 1,
  noise: 0,
  relativeError: 0,
  conclusive: true,
  passed: true,
};

/** A room: what it exports, valid calls of its functions, and the functions that check nothing, each with the reason. */
export interface Room {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly calls: Readonly<Record<string, Arguments>>;
  readonly exempt: Readonly<Record<string, string>>;
  /** Functions that an export hands out, by how a caller comes by them, each with its valid call. */
  readonly methods?: Readonly<Record<string, readonly [f: unknown, valid: Arguments]>>;
}

const STEP = 'one time step: called in the time loop, where nothing is checked';
const VIEW = 'makes or reads a view inside of steps, where nothing is checked';
const DUAL = 'an oracle of the tests over dual numbers, made of one function per equation';
const ROW = 'called for every row inside of loops, where nothing is checked';
const NUMBER = 'a number in, a number out';

export const rooms: Readonly<Record<string, Room>> = {
  autograd: {
    exports: autograd,
    calls: {
      describeElement: () => ({ element }),
      gradcheck: () => {
        const p = tensor.zeros([2], 'float64');
        const zero = tensor.zeros([2], 'float64');
        return { options: { tensors: { p }, grads: { p: zero }, loss: () => p.data[0] * 0, tolerance: 1e-7 } };
      },
      dual: () => ({ value: tensor.zeros([2], 'float64'), tangent: tensor.zeros([2], 'float64') }),
      directionalDerivative: () => ({
        tensors: { p: tensor.zeros([1], 'float64') },
        direction: { p: tensor.zeros([1], 'float64') },
        loss: ({ p }: Readonly<Record<string, autograd.Dual>>) => p,
      }),
      forwardGradient: () => ({
        tensors: { p: tensor.zeros([1], 'float64') },
        name: 'p',
        loss: ({ p }: Readonly<Record<string, autograd.Dual>>) => p,
      }),
      addGrads: () => ({ into: params(), from: params() }),
      createRowSparseGradient: () => ({ V, E, dtype: 'float32' }),
      flatten: () => ({ nested: { layers: [params()] } }),
      isRowSparseGradient: () => ({ g: x() }),
      nestLike: () => ({ like: params(), flat: params() }),
      scaleGrads: () => ({ kernels: kernels(), grads: params(), factor: 2 }),
      zeroGrads: () => ({ params: params(), options: { rowGradients: ['Wx'] } }),
      zeroInPlace: () => ({ grads: params() }),
      clipByGlobalNorm: () => ({ kernels: kernels(), grads: params(), maxNorm: 1 }),
      clipByValue: () => ({ grads: params(), limit: 1 }),
      globalNorm: () => ({ kernels: kernels(), grads: params() }),
      finalOf: () => ({ pass: unrolled() }),
      quantityValue: () => ({ pass: unrolled(), quantity: cells.lstm.quantities[0] }),
      quantityGradient: () => ({
        pass: unrolled(),
        back: autograd.unrollBackward(kernels(), unrolled(), x(3, H), autograd.zeroGrads(params())),
        quantity: cells.lstm.quantities[0],
      }),
      initialFor: () => ({ packing: packing(), states: { h: x(2, H) } }),
      toCallerOrder: () => ({ packing: packing(), states: { h: x(2, H) } }),
      packFloats: () => ({ packing: packing(), sequences: [x(2), x(1)] }),
      unpackFloats: () => ({ packing: packing(), x: x() }),
      packingOf: () => ({ lengths: [2, 1] }),
      reversal: () => ({ packing: packing() }),
      createTape: () => ({ options: {} }),
      checkTruncation: () => ({ truncate: { every: 2, back: 3 } }),
      reachOf: () => ({
        lengths: Int32Array.of(3, 1),
        window: { from: 0, seedFrom: 0, end: 2 },
        truncate: { every: 2, back: 3 },
      }),
      windowsOf: () => ({ T: 4, truncate: { every: 2, back: 3 } }),
      unroll: () => ({
        kernels: kernels(),
        cell: cells.lstm,
        params: params(),
        x: x(),
        packing: packing(),
        options: { direction: 'reverse', initial: { h: x(2, H), c: x(2, H) }, keep: 'gradients' },
      }),
      unrollAsync: () => ({
        device: device(),
        kernels: kernels(),
        cell: cells.lstm,
        params: params(),
        x: x(),
        packing: packing(),
        options: { initial: { h: x(2, H), c: x(2, H) } },
      }),
      unrollBackward: () => ({
        kernels: kernels(),
        unrolled: unrolled(),
        dY: x(3, H),
        grads: grads(params()),
        options: { dX: x(), dFinal: { c: x(2, H) }, truncate: { every: 1, back: 1 } },
      }),
      unrollBackwardAsync: () => ({
        device: device(),
        kernels: kernels(),
        unrolled: unrolled(),
        dY: x(3, H),
        grads: grads(params()),
        options: { dX: x(), dFinal: { c: x(2, H) } },
      }),
    },
    exempt: { rowOf: ROW, touch: ROW, unrollDual: DUAL, stackDual: DUAL },
  },
  layers: {
    exports: layers,
    calls: {
      initBidirectional: () => ({ cell: cells.lstm, D, H, rng: rng(), options: { forgetBias: 1 } }),
      bidirectionalForward: () => ({
        kernels: kernels(),
        cell: cells.lstm,
        params: both(),
        x: x(),
        packing: packing(),
        initial: { forward: { h: x(2, H), c: x(2, H) } },
      }),
      bidirectionalBackward: () => ({
        kernels: kernels(),
        pass: layers.bidirectionalForward(kernels(), cells.lstm, both(), x(), packing()),
        dY: x(3, 2 * H),
        grads: mirrored(both()),
        options: { dX: x(), dFinal: {} },
      }),
      dropoutForward: () => ({
        kernels: kernels(),
        x: x(),
        options: { p: 0.5, key: key(), places: layers.placesOf(packing()), packing: packing() },
      }),
      dropoutBackward: () => ({
        kernels: kernels(),
        mask: layers.dropoutForward(kernels(), x(), { p: 0.5, key: key() }).mask,
        dY: x(),
        dX: x(),
      }),
      denseForward: () => ({ kernels: kernels(), params: linear(), x: x() }),
      denseBackward: () => ({
        kernels: kernels(),
        params: linear(),
        x: x(),
        y: layers.denseForward(kernels(), linear(), x()),
        dY: layers.denseForward(kernels(), linear(), x()),
        grads: grads(linear()),
        dX: x(),
      }),
      drawMasks: () => ({
        kernels: kernels(),
        cell: cells.zoneout(cells.lstm, { h: 0.5 }),
        hidden: H,
        dtype: 'float32',
        packing: packing(),
        options: { key: key(), places: layers.placesOf(packing()) },
      }),
      placesOf: () => ({ packing: packing(), sequences: [4, 7] }),
      wordDropout: () => ({
        kernels: kernels(),
        ids: ids(),
        p: 0.5,
        unknown: 0,
        key: key(),
        places: Int32Array.of(0, 0, 0, 1, 1, 0),
      }),
      initEmbedding: () => ({ V, E, rng: rng(), options: { dtype: 'float32' } }),
      embeddingForward: () => ({ kernels: kernels(), params: embedding(), ids: ids(), out: x(3, E) }),
      embeddingBackward: () => ({ kernels: kernels(), ids: ids(), dY: x(3, E), grads: grads(embedding()) }),
      initEmbeddingBag: () => ({ R: V, E, k: 2, rng: rng(), options: { dtype: 'float32' } }),
      embeddingBagForward: () => ({ kernels: kernels(), params: embedding(), ids: Int32Array.of(1, 0, 3, 1), k: 2 }),
      embeddingBagBackward: () => ({
        kernels: kernels(),
        ids: Int32Array.of(1, 0, 3, 1),
        k: 2,
        dY: x(2, E),
        grads: grads(embedding()),
      }),
      initConvolution: () => ({ D, F: 2, K: 3, rng: rng(), options: { dtype: 'float32' } }),
      convolutionForward: () => ({ kernels: kernels(), params: filters(), x: x(), packing: packing() }),
      convolutionBackward: () => ({
        kernels: kernels(),
        params: filters(),
        pass: layers.convolutionForward(kernels(), filters(), x(), packing()),
        dY: x(),
        grads: grads(filters()),
        dX: x(),
      }),
      stackInference: () => ({ kernels: kernels(), layers: specs(), params: stack(), table: x(V) }),
      initLinear: () => ({ D, K: 2, rng: rng(), options: { dtype: 'float32' } }),
      linearForward: () => ({ kernels: kernels(), params: linear(), x: x(), out: x() }),
      linearBackward: () => ({
        kernels: kernels(),
        params: linear(),
        x: x(),
        dY: x(),
        grads: grads(linear()),
        dX: x(),
      }),
      initAttentionPool: () => ({ D, A: 2, rng: rng(), options: { dtype: 'float32' } }),
      attentionPoolForward: () => ({ kernels: kernels(), params: attention(), x: x(), packing: packing() }),
      attentionPoolBackward: () => ({
        kernels: kernels(),
        params: attention(),
        pass: layers.attentionPoolForward(kernels(), attention(), x(), packing()),
        dY: x(2),
        grads: grads({ ...attention() }),
        dX: x(),
      }),
      lastPoolForward: () => ({ kernels: kernels(), x: x(), packing: packing(), options: { bidirectional: true } }),
      lastPoolBackward: () => ({
        kernels: kernels(),
        pass: layers.lastPoolForward(kernels(), x(), packing()),
        dY: x(2),
        dX: x(),
      }),
      maxPoolForward: () => ({ kernels: kernels(), x: x(), packing: packing() }),
      maxPoolBackward: () => ({
        kernels: kernels(),
        pass: layers.maxPoolForward(kernels(), x(), packing()),
        dY: x(2),
        dX: x(),
      }),
      meanPoolForward: () => ({ kernels: kernels(), x: x(), packing: packing() }),
      meanPoolBackward: () => ({
        kernels: kernels(),
        pass: layers.meanPoolForward(kernels(), x(), packing()),
        dY: x(2),
        dX: x(),
      }),
      initCrf: () => ({ K: 3, options: { dtype: 'float64' } }),
      crfLossForward: () => ({
        ...crfCall(),
        targets: Int32Array.of(0, 1, -1),
        options: { reduction: 'sum', mask: { start: [1, 1], transitions: [1, 1, 1, 1], end: [1, 1] } },
      }),
      crfLossBackward: () => ({
        kernels: kernels(),
        params: crf(),
        forward: crfLoss(),
        dEmissions: x(),
        grads: crf(),
        dLoss: 1,
      }),
      crfViterbi: () => ({ ...crfCall(), options: { mask: crfMask() } }),
      crfNBest: () => ({ ...crfCall(), n: 2, options: { mask: crfMask() } }),
      crfMarginals: () => ({ ...crfCall(), options: { mask: crfMask() } }),
      crfSpanProbability: () => ({
        marginals: layers.crfMarginals(kernels(), crf(), x(), packing()),
        span: { sequence: 0, start: 0, labels: [[0], [0, 1]] },
      }),
      mseLossForward: () => ({
        kernels: kernels(),
        predictions: x(),
        targets: x(),
        options: { reduction: 'sum', mask: [1, 0, 1] },
      }),
      mseLossBackward: () => ({
        kernels: kernels(),
        forward: layers.mseLossForward(kernels(), x(), x()),
        dPredictions: x(),
        dLoss: 1,
      }),
      softmaxLossForward: () => ({
        kernels: kernels(),
        logits: x(),
        targets: Int32Array.of(0, 1, 1),
        options: { reduction: 'sum', labelSmoothing: 0.1, classWeights: [1, 2] },
      }),
      softmaxLossBackward: () => ({ kernels: kernels(), forward: loss(), dLogits: x(), dLoss: 1 }),
      softmaxRows: () => ({ kernels: kernels(), logits: x(), out: x() }),
      initStack: () => ({ D, layers: specs(), rng: rng(), options: { forgetBias: 1 } }),
      outputSize: () => ({ layer: specs()[0] }),
      stackForward: () => ({
        kernels: kernels(),
        layers: specs(),
        params: stack(),
        x: x(),
        packing: packing(),
        options: { dropout: { p: 0.5, key: key() }, initial: [{}] },
      }),
      stackBackward: () => ({
        kernels: kernels(),
        pass: layers.stackForward(kernels(), specs(), stack(), x(), packing()),
        dY: x(3, 2 * H),
        grads: stack().map(mirrored),
        options: { dX: x(), dFinal: [{}] },
      }),
      stackForwardAsync: () => ({
        devices: devices(),
        layers: specs(),
        params: stack(),
        x: x(),
        packing: packing(),
        options: { initial: [{}] },
      }),
      stackBackwardAsync: () => ({
        devices: devices(),
        pass: layers.stackForward(kernels(), specs(), stack(), x(), packing()),
        dY: x(3, 2 * H),
        grads: stack().map(mirrored),
        options: { dX: x(), dFinal: [{}] },
      }),
    },
    exempt: {},
  },
  labeling: labelingRoom,
  optim: {
    exports: optim,
    calls: {
      createAdam: () => ({ kernels: kernels(), params: linear(), options: { lr: 0.1, beta1: 0.9, epsilon: 1e-8 } }),
      createAdamW: () => ({ kernels: kernels(), params: linear(), options: { weightDecay: 0.1, lazy: true } }),
      createSgd: () => ({ kernels: kernels(), params: linear(), options: { lr: 0.1, momentum: 0.9, nesterov: true } }),
      createAverage: () => ({ params: linear(), options: { decay: 0.9, lazy: true } }),
      createSchedule: () => ({ spec: { kind: 'cosine', steps: 10, warmup: 2, floor: 0 }, totalSteps: 10 }),
      parseSchedule: () => ({ schedule: 'cosine:10' }),
    },
    exempt: {},
  },
  cells: {
    exports: cells,
    calls: {
      fillWeights: () => ({ w: x(), scheme: 'glorot', rng: rng(), H }),
      expectCell: () => ({ where: 'here', cell: cells.lstm }),
      cellNamed: () => ({ name: 'lstm:peepholes' }),
      createLstm: () => ({
        options: {
          peepholes: true,
          coupled: true,
          clip: 3,
          activations: ['Sigmoid', { name: 'Elu', alpha: 1 }, 'Tanh'],
        },
      }),
      createGru: () => ({ options: { resetBefore: true, clip: 3, activations: ['Sigmoid', 'Tanh'] } }),
      createRnn: () => ({ options: { activation: 'Softsign', clip: 3 } }),
      createLstmProjection: () => ({ k: 2 }),
      recurrentDropout: () => ({ cell: cells.lstm, p: 0.5 }),
      zoneout: () => ({ cell: cells.lstm, rates: { h: 0.1, c: 0.2 } }),
    },
    exempt: {
      ...Object.fromEntries(
        ['gateQuantity', 'savedQuantity', 'stateQuantity'].map((name) => [
          name,
          'makes an entry of a list that is checked where its cell comes in',
        ]),
      ),
      fusedName: 'reads members of a cell that was checked where it came in',
      ...Object.fromEntries(
        ['gruResetBefore', 'gru', 'lstm'].flatMap((name) =>
          ['StepForward', 'StepBackward', 'WeightGradients']
            .filter((part) => `${name}${part}` in cells)
            .map((part) => [`${name}${part}`, STEP]),
        ),
      ),
    },
  },
  tensor: {
    exports: tensor,
    calls: {
      asNdarray: () => ({ x: x() }),
      copy: () => ({ x: x(), dtype: 'float64' }),
      fromArray: () => ({ values: [[1, 2]], shape: null, dtype: 'float32' }),
      normal: () => ({ shape: [2], std: 1, rng: rng(), dtype: 'float32' }),
      uniform: () => ({ shape: [2], low: 0, high: 1, rng: rng(), dtype: 'float32' }),
      zeros: () => ({ shape: [2], dtype: 'float32' }),
      zerosLike: () => ({ x: x() }),
      flatCopy: () => ({ x: x(), dtype: 'float32' }),
      flattenTime: () => ({ x: tensor.zeros([2, 1, 2]) }),
      gate: () => ({ a: x(), g: 0, H: 1 }),
      step: () => ({ x: x(), t: 0 }),
      dtypeOf: () => ({ data: new Float32Array(1) }),
      addScaled: () => ({ out: x(), alpha: 2, x: x() }),
      dot: () => ({ x: x(), y: x() }),
      addSumRows: () => ({ out: tensor.zeros([D]), x: x() }),
      addTo: () => ({ out: x(), x: x() }),
      allFinite: () => ({ x: x() }),
      argmaxRows: () => ({ x: x() }),
      findNonFinite: () => ({ x: x() }),
      maxAbs: () => ({ x: x() }),
      addeq: () => ({ out: x(), x: x() }),
      adds: () => ({ out: x(), x: x(), s: 1 }),
      assign: () => ({ out: x(), x: x() }),
      inf: () => ({ x: x() }),
      muleq: () => ({ out: x(), x: x() }),
      mulseq: () => ({ out: x(), s: 1 }),
      norm2: () => ({ x: x() }),
      sub: () => ({ out: x(), x: x(), y: x() }),
      subeq: () => ({ out: x(), x: x() }),
      sum: () => ({ x: x() }),
      sup: () => ({ x: x() }),
      format: () => ({ x: x(), options: { precision: 2 } }),
      createRng: () => ({ seed: 1 }),
      createKey: () => ({ seed: 1 }),
      restoreRng: () => ({ state: rng().state() }),
    },
    exempt: {
      ...Object.fromEntries(
        [
          'allocate',
          'flat',
          'isContiguous',
          'sizeOf',
          'stridesOf',
          'viewOf',
          'columns',
          'rows',
          'fill',
          'transpose',
          'transcendentals',
        ].map((name) => [name, VIEW]),
      ),
      ...Object.fromEntries(
        ['exp', 'expf', 'log', 'logf', 'sigmoid', 'sigmoidf', 'tanh', 'tanhf'].map((name) => [name, NUMBER]),
      ),
      ...Object.fromEntries(
        Object.keys(tensor)
          .filter((name) => /^expect|^keysOf|Error$/.test(name))
          .map((name) => [name, 'is a check itself, or an error']),
      ),
    },
  },
};
