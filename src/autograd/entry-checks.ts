/**
 * Checks the arguments that callers without a type checker pass to a layer or to BPTT, once per call at the entry of a sequence
 * and never in a step. Shapes are checked elsewhere (`expectShape`, `unroll-checks.ts`); this file checks only types.
 */
import { expectIds, expectKey, expectRecord, expectRng, expectTensor, expectTensors } from '../tensor/arguments.js';
import { sameShape } from '../tensor/checks.js';
import { describe, show, typedArrayName } from '../tensor/describe.js';
import { ArgumentError, ShapeError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { dtypeOf } from '../tensor/view.js';
import type { Packing } from './packing.js';

const PRODUCTS = ['addMatmul', 'addMatmulTA', 'addMatmulTB'];

/**
 * Rejects a value that is not a backend. Two common mistakes have their own messages: a promise, and the whole result of
 * `selectBackend`.
 *
 * @param where the function called, for the message
 * @param name name of the argument in the caller's signature
 * @throws ArgumentError that says what to pass
 */
export function expectKernels(where: string, kernels: unknown, name = 'kernels'): void {
  const got = (typeof kernels === 'object' && kernels !== null ? kernels : {}) as Record<string, unknown>;
  if (typeof got.addMatmul !== 'function') {
    let advice = 'pass createCpuKernels(), or (await selectBackend()).kernels';
    if (typeof got.then === 'function') advice = 'await it';
    else if (got.kernels !== undefined) advice = 'that is the result of selectBackend(), take its .kernels';
    const expected = name === 'kernels' ? 'expected kernels' : `${name} must be kernels`;
    throw new ArgumentError(`${where}: ${expected}; got ${describe(kernels)}: ${advice}`);
  }
  for (const product of PRODUCTS) {
    if (typeof got[product] === 'function') continue;
    throw new ArgumentError(
      `${where}: ${name}.${product} must be a function; got ${describe(got[product])}: ` +
        'pass completeKernels(…) of it, or completeAsyncKernels(…), which make it of addMatmul',
    );
  }
  if (Array.isArray(got.dtypes)) return;
  throw new ArgumentError(
    `${where}: ${name}.dtypes must list the element types of the backend, such as ['float32', 'float64']; ` +
      `got ${describe(got.dtypes)}`,
  );
}

const LISTS = ['batchSizes', 'offsets', 'lengths', 'order'] as const;

/** Packings already checked: every layer of a pass gets the same one. */
const sound = new WeakSet<object>();

/** Rejects a value that `packingOf` did not make. @throws ArgumentError naming what does not fit */
export function expectPacking(where: string, packing: unknown, name = 'packing'): void {
  if (sound.has(packing as object)) return; // a set has no primitive values
  const made = 'a packing, packingOf(lengths)';
  expectRecord(where, name, packing, made);
  const fields = packing as Packing;
  const refuse = (field: keyof Packing): never => {
    throw new ArgumentError(`${where}: ${name} must be ${made}; its ${field} is ${show(fields[field])}`);
  };
  for (const field of LISTS) if (typedArrayName(fields[field]) !== 'Int32Array') refuse(field);
  const { steps, batch, total, batchSizes, offsets, lengths, order } = fields;
  if (batch !== lengths.length) refuse('batch');
  if (order.length !== lengths.length) refuse('order');
  if (steps !== batchSizes.length) refuse('steps');
  if (offsets.length !== steps + 1) refuse('offsets');
  if (total !== offsets[steps]) refuse('total');
  sound.add(fields);
}

/**
 * Requires gradients that mirror their parameters.
 *
 * @throws ArgumentError naming the gradient that is missing, or is not a tensor; ShapeError naming the one that does not fit
 */
export function expectGrads(
  where: string,
  name: string,
  grads: unknown,
  params: Readonly<Record<string, Tensor>>,
): void {
  expectRecord(where, name, grads, 'a record of gradients that mirrors the parameters, zeroGrads(params)');
  for (const [key, p] of Object.entries(params)) {
    const g = (grads as Record<string, Tensor | undefined>)[key];
    if (g === undefined) {
      throw new ArgumentError(
        `${where}: ${name}.${key} is missing; every parameter needs a gradient: zeroGrads(params)`,
      );
    }
    expectTensor(where, `${name}.${key}`, g);
    if (sameShape(g.shape, p.shape) && dtypeOf(g.data) === dtypeOf(p.data)) continue;
    throw new ShapeError(`${where}: ${name}.${key} must be ${textOf(p)}, like ${key}; got ${textOf(g)}`);
  }
}

function textOf(x: Tensor): string {
  return `[${x.shape.join(', ')}] ${dtypeOf(x.data)}`;
}

/** The type of the argument of each name, the same in every function; each rule rejects other values. */
const RULES: Readonly<Record<string, (where: string, name: string, value: unknown) => void>> = {
  kernels: (where, name, value) => expectKernels(where, value, name),
  device: (where, name, value) => expectKernels(where, value, name),
  packing: (where, _name, value) => expectPacking(where, value),
  rng: (where, name, value) => expectRng(where, name, value),
  key: (where, name, value) => expectKey(where, name, value),
  params: (where, name, value) => expectTensors(where, name, value),
  grads: (where, name, value) => expectTensors(where, name, value),
  pass: (where, name, value) => expectRecord(where, name, value, 'what the forward pass returned'),
  options: (where, name, value) =>
    expectRecord(where, name, value, 'an object of options', ': leave it out, or pass {}'),
  devices: (where, name, value) => {
    expectRecord(where, name, value, '{ device, host }');
    expectKernels(where, (value as Record<string, unknown>).device, 'devices.device');
    expectKernels(where, (value as Record<string, unknown>).host, 'devices.host');
  },
  ids: expectIds,
  targets: expectIds,
};

/**
 * Checks the arguments of an entry point by their names: `expectEntry('linearForward', { kernels, params })`.
 *
 * @throws ArgumentError naming the first one of the wrong type
 */
export function expectEntry(where: string, values: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(values)) (RULES[name] ?? expectTensorRule)(where, name, values[name]);
}

/** Any other name denotes a tensor. */
function expectTensorRule(where: string, name: string, value: unknown): void {
  expectTensor(where, name, value);
}

/** Requires what a forward pass returned: a record with its packing and these tensors. @throws ArgumentError */
export function expectPass(where: string, pass: unknown, tensors: readonly string[]): void {
  expectRecord(where, 'pass', pass, 'what the forward pass returned');
  const fields = pass as Record<string, unknown>;
  for (const name of tensors) expectTensor(where, `pass.${name}`, fields[name]);
  expectPacking(where, fields.packing, 'pass.packing');
}
