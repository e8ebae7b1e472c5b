/** What the entries of layers and of BPTT say of an argument that is something else: every rule, in full. */
import { expectEntry, expectGrads, expectKernels, expectPacking, expectPass } from '../../src/autograd/entry-checks.js';
import { packingOf } from '../../src/autograd/packing.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { allocate } from '../../src/tensor/view.js';

const kernels = createCpuKernels();

/** The error of a call that must be refused. */
function refusal(act: () => void): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('the call was not refused');
}

describe('kernels', () => {
  const PASS = 'pass createCpuKernels(), or (await selectBackend()).kernels';

  test.each<[string, unknown, string]>([
    ['nothing', undefined, `here: expected kernels; got undefined: ${PASS}`],
    ['null', null, `here: expected kernels; got null: ${PASS}`],
    ['a number', 7, `here: expected kernels; got the number 7: ${PASS}`],
    ['any object', { rows: 1 }, `here: expected kernels; got an object with rows: ${PASS}`],
    ['a promise of kernels', Promise.resolve(kernels), 'here: expected kernels; got a Promise: await it'],
    [
      'the answer of selectBackend',
      { kernels, backend: 'cpu' },
      'here: expected kernels; got an object with kernels, backend: that is the result of selectBackend(), take its .kernels',
    ],
  ])('%s', (_, value, message) => {
    const error = refusal(() => expectKernels('here', value));
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toBe(message);
  });

  test('under another name', () => {
    expect(refusal(() => expectKernels('here', 7, 'device')).message).toBe(
      `here: device must be kernels; got the number 7: ${PASS}`,
    );
  });

  test.each(['addMatmulTA', 'addMatmulTB'])('without the product %s', (product) => {
    const error = refusal(() => expectKernels('here', { ...kernels, [product]: 3 }));
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toBe(
      `here: kernels.${product} must be a function; got the number 3: ` +
        'pass completeKernels(…) of it, or completeAsyncKernels(…), which make it of addMatmul',
    );
  });

  test('without element types', () => {
    expect(refusal(() => expectKernels('here', { ...kernels, dtypes: 'float32' })).message).toBe(
      "here: kernels.dtypes must list the element types of the backend, such as ['float32', 'float64']; got the string \"float32\"",
    );
    expect(() => expectKernels('here', kernels)).not.toThrow();
  });
});

describe('a packing', () => {
  const packing = packingOf([2, 1]);
  const list = (...values: number[]): Int32Array => Int32Array.from(values);

  test.each<[string, object, string]>([
    ['batchSizes', { batchSizes: [2, 1] }, 'a list'],
    ['offsets', { offsets: null }, 'null'],
    ['lengths', { lengths: new Float32Array(2) }, 'a Float32Array'],
    ['order', { order: undefined }, 'undefined'],
    ['batch', { batch: 3 }, '3'],
    ['order', { order: list(0, 1, 2) }, 'an Int32Array'],
    ['steps', { steps: 3 }, '3'],
    ['offsets', { offsets: list(0, 2, 3, 3) }, 'an Int32Array'],
    ['offsets', { offsets: list(0, 3) }, 'an Int32Array'],
    ['total', { total: 4 }, '4'],
  ])('whose %s does not fit: %p', (field, change, got) => {
    const error = refusal(() => expectPacking('here', { ...packing, ...change }));
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toBe(`here: packing must be a packing, packingOf(lengths); its ${field} is ${got}`);
  });

  test('that packingOf made is taken, whatever the lengths', () => {
    for (const lengths of [[2, 1], [], [0, 0], [3, 0, 5]]) {
      expect(() => expectPacking('here', packingOf(lengths))).not.toThrow();
    }
    expect(refusal(() => expectPacking('here', 5, 'pass.packing')).message).toBe(
      'here: pass.packing must be a packing, packingOf(lengths); got the number 5',
    );
  });
});

describe('gradients', () => {
  const params = { W: allocate([2, 3], 'float32'), b: allocate([3], 'float32') };

  test.each<[object, typeof ArgumentError | typeof ShapeError, string]>([
    [{ W: params.W }, ArgumentError, 'grads.b is missing; every parameter needs a gradient: zeroGrads(params)'],
    [{ ...params, b: allocate([4], 'float32') }, ShapeError, 'grads.b must be [3] float32, like b; got [4] float32'],
    [
      { ...params, W: allocate([3, 2], 'float32') },
      ShapeError,
      'grads.W must be [2, 3] float32, like W; got [3, 2] float32',
    ],
    [
      { ...params, W: allocate([2, 3], 'float64') },
      ShapeError,
      'grads.W must be [2, 3] float32, like W; got [2, 3] float64',
    ],
    [{ ...params, W: 5 }, ArgumentError, 'grads.W must be a tensor; got the number 5'],
  ])('%#', (grads, type, message) => {
    const error = refusal(() => expectGrads('here', 'grads', grads, params));
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(new RegExp(`^here: ${message.replace(/[[\]().]/g, '\\$&')}`));
  });

  test('that mirror the parameters are taken', () => {
    expect(() => expectGrads('here', 'grads', { ...params, more: 1 }, params)).not.toThrow();
  });
});

describe('by its name', () => {
  test.each<[string, unknown, RegExp]>([
    ['kernels', null, /^here: expected kernels; got null/],
    ['device', null, /^here: device must be kernels; got null/],
    ['packing', null, /^here: packing must be a packing, packingOf\(lengths\); got null/],
    ['rng', null, /^here: rng must be a generator of random numbers, createRng\(seed\); got null/],
    ['key', null, /^here: key must be a key of random numbers, createKey\(seed\); got null/],
    ['params', null, /^here: params must be a record of tensors by name; got null/],
    ['grads', null, /^here: grads must be a record of tensors by name; got null/],
    ['pass', null, /^here: pass must be what the forward pass returned; got null/],
    ['options', null, /^here: options must be an object of options; got null: leave it out, or pass \{\}/],
    ['devices', null, /^here: devices must be \{ device, host \}; got null/],
    ['devices', { host: kernels }, /^here: devices\.device must be kernels; got undefined/],
    ['devices', { device: kernels }, /^here: devices\.host must be kernels; got undefined/],
    ['ids', null, /^here: ids must be /],
    ['targets', null, /^here: targets must be /],
    ['dY', null, /^here: dY must be a tensor; got null/],
  ])('an argument %s that is %p', (name, value, message) => {
    const error = refusal(() => expectEntry('here', { [name]: value }));
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toMatch(message);
  });

  test('the first one that is wrong is named', () => {
    expect(refusal(() => expectEntry('here', { kernels, x: 1, dY: 2 })).message).toMatch(/^here: x must be a tensor/);
    expect(() => expectEntry('here', { kernels, devices: { device: kernels, host: kernels } })).not.toThrow();
  });
});

test('what a forward pass returned has its tensors and its packing', () => {
  const pass = { y: allocate([2, 3], 'float32'), packing: packingOf([2, 1]) };
  expect(() => expectPass('here', pass, ['y'])).not.toThrow();
  expect(refusal(() => expectPass('here', [], ['y'])).message).toMatch(/^here: pass must be what the forward pass/);
  expect(refusal(() => expectPass('here', { ...pass, y: 1 }, ['y'])).message).toMatch(
    /^here: pass\.y must be a tensor/,
  );
  expect(refusal(() => expectPass('here', { ...pass, packing: 1 }, ['y'])).message).toMatch(
    /^here: pass\.packing must be a packing/,
  );
});
