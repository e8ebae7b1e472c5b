/**
 * Wrong calls of everything the rooms export: each argument, and each field of an argument, in turn is something else. A call
 * answers or throws an error of this package that names the argument; never a bare TypeError or RangeError from inside.
 */
import * as autograd from '../src/autograd/index.js';
import { lstm } from '../src/cells/index.js';
import { createCpuKernels } from '../src/kernels/index.js';
import * as layers from '../src/layers/index.js';
import * as optim from '../src/optim/index.js';
import { ArgumentError, BpttError, createKey, createRng, DataError, zeros } from '../src/tensor/index.js';
import { rooms } from './support/wrong-calls.js';
import type { Arguments } from './support/wrong-calls.js';

const WRONG: readonly unknown[] = [
  undefined,
  null,
  7,
  -1,
  0.5,
  NaN,
  'text',
  '0.5',
  true,
  {},
  [],
  [-1, 2],
  [null],
  () => undefined,
  new Uint8Array(4),
  new Float32Array(4),
  Promise.resolve(1),
  Object.create(null),
  Symbol('s'),
  { data: [1, 2], shape: [2], stride: [1], offset: 0 },
  { data: new Float32Array(4), shape: null, stride: [1], offset: 0 },
  { data: new Float32Array(4), shape: [7, 1, 1], stride: [1, 1, 1], offset: 0 },
];

/** Calls, and waits for all there is: a promise is awaited, a stream is read to its end. */
async function answerOf(f: (...args: unknown[]) => unknown, args: readonly unknown[]): Promise<void> {
  const answer = await f(...args);
  if (typeof answer !== 'object' || answer === null || !(Symbol.asyncIterator in answer)) return;
  const stream = answer as AsyncIterable<unknown>;
  for await (const each of stream) void each;
}

/** What comes of a call: undefined where it answers, else the fault in words. */
async function faultOf(
  f: (...args: unknown[]) => unknown,
  args: readonly unknown[],
  names: readonly string[],
  place = '',
): Promise<string | undefined> {
  try {
    await answerOf(f, args);
  } catch (error) {
    if (!(error instanceof BpttError)) return `bare ${String(error)}`;
    const { message } = error;
    // What is wrong with data is said by its place in the data.
    if (error instanceof DataError && DATA.includes(place.split('.')[0])) return undefined;
    // Letter case apart: a schedule's `steps` is STEPS in messages.
    if (names.some((name) => new RegExp(`(^|[^\\w])${name}([^\\w]|$)`, 'i').test(message))) return undefined;
    return `without one of ${names.join(', ')}: ${message}`;
  }
  return undefined;
}

const show = (x: unknown): string =>
  typeof x === 'object' && x !== null ? `${x.constructor?.name} ${JSON.stringify(x)}` : String(x);

/** Arguments that hold data: a file's bytes, a corpus. */
const DATA = ['bytes', 'chunks', 'files', 'source', 'train'];

/** What the package makes and hands out as a whole: it is told from something else, and not taken apart. */
const WHOLE = [
  ...['kernels', 'device', 'host', 'devices', 'rng', 'pass', 'unrolled', 'forward', 'mask', 'element', 'cell'],
  ...['network', 'model', 'source'],
];

/** The fields of an argument that is a plain record. */
function fieldsOf(name: string, x: unknown): string[] {
  if (WHOLE.includes(name)) return [];
  if (typeof x !== 'object' || x === null || Array.isArray(x) || ArrayBuffer.isView(x)) return [];
  return Object.keys(x);
}

/** The names of arguments, of their fields, and of the fields of these. */
function namesIn(x: unknown, depth = 3): string[] {
  if (typeof x !== 'object' || x === null || ArrayBuffer.isView(x) || depth === 0) return [];
  return Object.entries(x).flatMap(([name, own]) => [name, ...namesIn(own, depth - 1)]);
}

async function faultsOf(f: (...args: unknown[]) => unknown, valid: Arguments): Promise<string[]> {
  const rng = createRng(20261128);
  const faults: string[] = [];
  const names = Object.keys(valid());
  // A wrong object may be a right one for what it is (ids of another number): then another argument no longer fits it.
  const all = namesIn(valid());
  const attempt = async (at: number, value: unknown, wrong: unknown, place: string): Promise<void> => {
    const args = Object.values(valid());
    args[at] = value;
    const fault = await faultOf(f, args, typeof wrong === 'object' && wrong !== null ? all : place.split('.'), place);
    if (fault !== undefined) faults.push(`${place} = ${show(wrong)}: ${fault}`);
  };
  for (let at = 0; at < names.length; at++) {
    const own = (): unknown => Object.values(valid())[at];
    for (const wrong of WRONG) await attempt(at, wrong, wrong, names[at]);
    for (const field of fieldsOf(names[at], own())) {
      for (let draw = 0; draw < 6; draw++) {
        const wrong = WRONG[rng.integer(WRONG.length)];
        await attempt(at, { ...(own() as object), [field]: wrong }, wrong, `${names[at]}.${field}`);
      }
    }
  }
  return faults;
}

describe.each(Object.entries(rooms))('%s', (_, { exports, calls, exempt, methods = {} }) => {
  const functions = Object.keys(exports).filter((name) => typeof exports[name] === 'function');

  it('has a valid call for every function it exports, or a reason', () => {
    const known = [...Object.keys(calls), ...Object.keys(exempt)];
    expect(functions.filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => !functions.includes(name))).toEqual([]);
  });

  it.each(Object.entries(calls))('%s takes the valid call, and refuses the wrong ones by name', async (name, valid) => {
    const f = exports[name] as (...args: unknown[]) => unknown;
    await answerOf(f, Object.values(valid()));
    expect(await faultsOf(f, valid)).toEqual([]);
  });

  const handedOut = Object.entries(methods).map(([name, [f, valid]]) => [name, f, valid] as const);
  if (handedOut.length === 0) return;
  it.each(handedOut)('%s takes the valid call, and refuses the wrong ones by name', async (_name, f, valid) => {
    await answerOf(f as (...args: unknown[]) => unknown, Object.values(valid()));
    expect(await faultsOf(f as (...args: unknown[]) => unknown, valid)).toEqual([]);
  });
});

it('finds a function that checks nothing, and one whose message names nothing', async () => {
  const unchecked = (x: unknown): unknown => (x as { shape: number[] }).shape.length;
  const nameless = (): never => {
    throw new ArgumentError('something is wrong');
  };
  const valid: Arguments = () => ({ x: { shape: [1] } });
  expect((await faultsOf(unchecked, valid)).some((fault) => fault.includes('bare TypeError'))).toBe(true);
  expect((await faultsOf(nameless, valid)).some((fault) => fault.includes('without one of x'))).toBe(true);
});

describe('the messages', () => {
  const { createAdam } = optim;
  const { packingOf, unroll, unrollBackward, zeroGrads } = autograd;
  const rng = createRng(1);
  const params = lstm.initialize(2, 3, rng, { learnedInitialState: true });
  const packing = packingOf([2]);
  const pass = unroll(createCpuKernels(), lstm, params, zeros([2, 2]), packing);
  const without = (name: string) => {
    const grads = { ...zeroGrads(params) };
    delete grads[name];
    return () => unrollBackward(createCpuKernels(), pass, zeros([2, 3]), grads as never);
  };
  const mute = { ...createCpuKernels(), dtypes: undefined } as never;

  it.each<[() => unknown, string]>([
    [() => createAdam(createCpuKernels(), { lr: -1 } as never), 'adam: params.lr must be a tensor; got the number -1'],
    [() => createAdam(createCpuKernels(), { lr: -1 } as never), 'pass kernels, the parameters, then the options'],
    [
      () => createAdam(createCpuKernels(), params, { lr: -1 }),
      'adam: lr must be a finite number of at least 0; got -1',
    ],
    [() => packingOf([-1, 2]), 'packingOf: lengths[0] must be an integer of at least 0; got -1'],
    [
      () => layers.dropoutForward(createCpuKernels(), zeros([1, 1]), { p: '0.5' as never, key: createKey(1) }),
      'dropoutForward: p must be at least 0 and below 1; got the string "0.5"',
    ],
    [without('b'), 'lstm: grads.b is missing; every parameter needs a gradient: zeroGrads(params)'],
    [without('h0'), 'lstm: grads.h0 is missing'],
    [() => unroll(mute, lstm, params, zeros([2, 2]), packing), 'unroll: kernels.dtypes must list the element types'],
    [
      () => unroll(createCpuKernels(), lstm, params, new Float32Array(4) as never, packing),
      'unroll: x must be a tensor; got a Float32Array: pass an ndarray, fromArray(…) or zeros(…)',
    ],
    [
      () => optim.createSchedule('cosine' as never),
      'createSchedule: spec must be a schedule, as parseSchedule returns',
    ],
  ])('%s', (act, message) => {
    expect(act).toThrow(BpttError);
    expect(act).toThrow(message);
  });
});
