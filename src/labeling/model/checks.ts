/** Checks of models and their parts at the entry of a call, for callers without a compiler: each argument's type and its fit to the network. */
import type { TensorRecord } from '../../autograd/grads.js';
import type { Packing } from '../../autograd/packing.js';
import { checkTruncation } from '../../autograd/truncate.js';
import { expectKernels as expectProducts, expectPacking } from '../../autograd/entry-checks.js';
import { expectKernels } from '../checks.js';
import { expectIds, expectKey, expectList, expectMethod, expectRecord, expectTensor } from '../../tensor/arguments.js';
import { expectKnownKeys, expectOneOf, expectProbability, expectSameShape, keysOf, sameShape } from '../../tensor/checks.js'; // prettier-ignore
import { describe } from '../../tensor/describe.js';
import { ArgumentError, ShapeError } from '../../tensor/errors.js';
import { expectFeature, tokensOf } from '../data/features.js';
import type { Noise } from './encoders/encoder.js';
import type { ModelPass, PassOptions } from './model.js';
import type { InferenceNetwork, InitialParams, ModelParams, Network, OwnParts } from './network.js';

/** Requires a model. @throws ArgumentError that says how to obtain one */
export function expectModel(where: string, model: unknown, name = 'model'): void {
  const made = 'a model, as loadModel(bytes) and train(…) return';
  expectRecord(where, name, model, made);
  const { params, readers, heads, labels, network } = model as Record<string, unknown>;
  const whole = Array.isArray(readers) && Array.isArray(heads) && [params, labels, network].every(isObject);
  if (!whole) throw new ArgumentError(`${where}: ${name} must be ${made}; got ${describe(model)}`);
}

/** Requires a network made by `networkOf`. @throws ArgumentError */
export function expectNetwork(where: string, network: unknown): asserts network is Network {
  expectInferenceNetwork(where, network);
  const whole = [...network.encoders, ...network.heads].every((part) => 'backward' in part);
  if (whole) return;
  throw new ArgumentError(
    `${where}: network must be a full network; got a forward-only one: pass networkOf(model.config, model.own)`,
  );
}

/** Requires a network made by `networkOf`, or the inference half of one that a model holds. @throws ArgumentError */
export function expectInferenceNetwork(where: string, network: unknown): asserts network is InferenceNetwork {
  const made = 'the arithmetic of a model, networkOf(config) or model.network';
  expectRecord(where, 'network', network, made);
  const { encoders, layers, heads } = network as Record<string, unknown>;
  if ([encoders, layers, heads].every(Array.isArray)) return;
  throw new ArgumentError(`${where}: network must be ${made}; got ${describe(network)}`);
}

/**
 * Requires parameters of a network, or gradients with the same structure.
 *
 * @throws ArgumentError naming the part that is missing or of the wrong type; ShapeError naming a part of the wrong shape
 */
export function expectParams(
  where: string,
  name: string,
  params: unknown,
  network: InferenceNetwork | Network,
  frozenToo = true,
): void {
  expectRecord(where, name, params, 'parameters by part, { encoders, layers, heads }');
  const { encoders, layers, heads } = params as Record<string, unknown>;
  expectRecord(where, `${name}.encoders`, encoders, 'parameters by kind of encoder');
  expectRecord(where, `${name}.heads`, heads, 'parameters by name of head');
  expectList(where, `${name}.layers`, layers, 'parameters, one element per layer');
  const own = { encoders, heads } as ModelParams;
  for (const { config, shapes, frozen = [] } of network.encoders as Network['encoders']) {
    const part: TensorRecord | undefined = own.encoders[config.kind];
    const expected = Object.entries(shapes).filter(([key]) => frozenToo || !frozen.includes(key) || part?.[key]);
    expectPart(where, `${name}.encoders.${config.kind}`, part, Object.fromEntries(expected));
  }
  for (const { config, shapes } of network.heads) {
    expectPart(where, `${name}.heads.${config.name}`, own.heads[config.name], shapes);
  }
  if (network.dense) expectPart(where, `${name}.dense`, (params as ModelParams).dense, network.dense.shapes);
  let D = network.width;
  network.layers.forEach(({ cell, hidden, bidirectional }, l) => {
    const layer: unknown = (layers as unknown[])[l];
    expectRecord(where, `${name}.layers[${l}]`, layer, 'parameters by direction, { forward, reverse }');
    for (const direction of bidirectional ? ['forward', 'reverse'] : ['forward']) {
      const part = (layer as Record<string, unknown>)[direction];
      expectPart(where, `${name}.layers[${l}].${direction}`, part, cell.shapes(D, hidden));
    }
    D = bidirectional ? 2 * hidden : hidden;
  });
}

/** Requires initial parameters, those that are not drawn at random. @throws ArgumentError or ShapeError naming the invalid one */
export function expectInitial(where: string, initial: unknown, { encoders }: Network): void {
  expectRecord(where, 'initial', initial, 'parameters by kind of encoder');
  for (const [kind, part] of Object.entries(initial as InitialParams)) {
    const encoder = encoders.find(({ config }) => config.kind === kind);
    if (encoder === undefined) {
      throw new ArgumentError(
        `${where}: initial names '${kind}', which is not an encoder of the network: leave it out`,
      );
    }
    expectRecord(where, `initial.${kind}`, part, 'a record of tensors');
    const shapes = Object.entries(encoder.shapes).filter(([key]) => key in part);
    expectPart(where, `initial.${kind}`, part, Object.fromEntries(shapes));
  }
}

function expectPart(where: string, name: string, part: unknown, shapes: Readonly<Record<string, readonly number[]>>) {
  expectRecord(where, name, part, `a record of the tensors ${Object.keys(shapes).join(', ')}`);
  for (const [key, shape] of Object.entries(shapes)) {
    const tensor = (part as Record<string, unknown>)[key];
    expectTensor(where, `${name}.${key}`, tensor);
    if (sameShape(tensor.shape, shape)) continue;
    const got = tensor.shape.join(', ');
    throw new ShapeError(`${where}: ${name}.${key} must be [${shape.join(', ')}]; got [${got}]`);
  }
}

/** Requires features of a packed batch: one record per encoder. @throws ArgumentError, or ShapeError if the number of rows is wrong */
export function expectFeatures(where: string, features: unknown, count: number, packing: Packing): void {
  expectList(where, 'features', features, 'records of features, one per encoder');
  const list = features as readonly unknown[];
  if (list.length !== count) {
    throw new ArgumentError(`${where}: features must have one element per encoder, ${count}; got ${list.length}`);
  }
  list.forEach((each, i) => {
    expectRecord(where, `features[${i}]`, each, 'a record of features');
    for (const [name, feature] of Object.entries(each as object)) {
      expectFeature(where, `features[${i}].${name}`, feature);
      const tokens = tokensOf(feature);
      if (tokens === packing.total) continue;
      throw new ShapeError(
        `${where}: features[${i}].${name} must have one entry per row of packing, ${packing.total}; got ${tokens}`,
      );
    }
  });
}

const PASS_KEYS = keysOf<PassOptions>({ noise: true, keep: true });
const NOISE_KEYS = keysOf<Noise>({ key: true, places: true, wordDropout: true, affixDropout: true });

/** Requires the options of a pass. @throws ArgumentError that names the option */
function expectPassOptions(where: string, options: unknown, { total }: Packing): void {
  expectKnownKeys(where, 'options', options, PASS_KEYS);
  const { noise, keep } = options as PassOptions;
  if (keep !== undefined) expectOneOf(where, 'keep', keep, ['nothing', 'gradients', 'steps']);
  if (noise === undefined) return;
  expectRecord(where, 'noise', noise, '{ key, places, wordDropout }');
  expectKnownKeys(where, 'noise', noise, NOISE_KEYS);
  expectKey(where, 'noise.key', noise.key);
  expectIds(where, 'noise.places', noise.places);
  if (noise.places.length !== 2 * total) {
    throw new ShapeError(
      `${where}: noise.places must have two integers per row of packing, ${2 * total}; got ${noise.places.length}: ` +
        'pass placesOf(packing, sequences)',
    );
  }
  expectProbability(where, 'noise.wordDropout', noise.wordDropout);
  if (noise.affixDropout !== undefined) expectProbability(where, 'noise.affixDropout', noise.affixDropout);
}

/** Checks the arguments of a forward pass. @throws ArgumentError or ShapeError naming the invalid one */
export function expectForward(
  where: string,
  network: unknown,
  params: unknown,
  features: unknown,
  packing: unknown,
  options: unknown,
): void {
  expectNetwork(where, network);
  expectParams(where, 'params', params, network);
  expectPacking(where, packing);
  expectFeatures(where, features, network.encoders.length, packing as Packing);
  expectPassOptions(where, options, packing as Packing);
}

/** Checks the arguments of a backward pass. @throws ArgumentError or ShapeError naming the invalid one */
export function expectBackward(
  where: string,
  network: unknown,
  params: unknown,
  pass: unknown,
  dLogits: unknown,
  grads: unknown,
  truncate: unknown,
): void {
  expectNetwork(where, network);
  expectParams(where, 'params', params, network);
  const made = 'what the forward pass returned';
  expectRecord(where, 'pass', pass, made);
  const { heads, stack, encoded } = pass as ModelPass;
  if (!Array.isArray(heads) || !Array.isArray(encoded) || !isObject(stack)) {
    throw new ArgumentError(`${where}: pass must be ${made}; got ${describe(pass)}`);
  }
  expectList(where, 'dLogits', dLogits, 'tensors, one per head');
  network.heads.forEach((_, i) => {
    const own = (dLogits as readonly unknown[])[i];
    expectTensor(where, `dLogits[${i}]`, own);
    expectSameShape(where, `dLogits[${i}]`, own, `pass.heads[${i}].logits`, (heads as ModelPass['heads'])[i].logits);
  });
  expectParams(where, 'grads', grads, network, false);
  if (truncate !== undefined) checkTruncation(truncate as never);
}

const OWN_KEYS = keysOf<OwnParts>({ cell: true, encoders: true, heads: true });

/** Requires custom parts. @throws ArgumentError that names the part */
export function expectOwnParts(where: string, name: string, own: unknown): void {
  expectKnownKeys(where, name, own, OWN_KEYS);
  expectKinds(where, own);
}

/** Requires that `encoders` and `heads`, if given, are lists of kinds. @throws ArgumentError that names the kind */
export function expectKinds(where: string, own: unknown): void {
  for (const name of ['encoders', 'heads'] as const) {
    const kinds: unknown = (own as OwnParts)[name];
    if (kinds === undefined) continue;
    expectList(where, name, kinds, 'kinds, each with kind and layer');
    (kinds as readonly unknown[]).forEach((kind, i) =>
      expectMethod(where, `${name}[${i}]`, kind, 'layer', `a kind of ${name.slice(0, -1)}, with kind and layer`),
    );
  }
}

/** Requires a device and its host kernels. @throws ArgumentError naming the invalid one */
export function expectDevices(where: string, devices: unknown): void {
  expectRecord(where, 'devices', devices, '{ device, host }');
  const { device, host } = devices as Record<string, unknown>;
  expectProducts(where, device, 'devices.device');
  expectKernels(where, host, 'devices.host');
}

/** Requires a list of objects that have this method, one per part. @throws ArgumentError */
export function expectEach(
  where: string,
  name: string,
  list: unknown,
  count: number,
  method: string,
  what: string,
): void {
  expectList(where, name, list, what);
  const { length } = list as readonly unknown[];
  if (length !== count) throw new ArgumentError(`${where}: ${name} must have ${count} elements; got ${length}`);
  (list as readonly unknown[]).forEach((each, i) => expectMethod(where, `${name}[${i}]`, each, method, what));
}

const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null;
