/** The contract can fail: each of these kernels is wrong in one way, and the suite says so. */
import { completeAsyncKernels, completeKernels } from '../../src/kernels/complete';
import { withAsyncFallback } from '../../src/kernels/fallback';
import { createCpuKernels, createReferenceKernels } from '../../src/kernels/index';
import { generateCorpus, train } from '../../src/labeling/index';
import { checkProduct } from '../../src/kernels/check';
import type { Product } from '../../src/kernels/check';
import type { AsyncKernels, Kernels } from '../../src/kernels/types';
import type { DType, Tensor } from '../../src/tensor/types';
import { contractChecks, kernelContract } from './contract';

type Multiply = (out: Tensor, left: Tensor, right: Tensor) => void;

const swap = (x: Tensor): Tensor => ({
  ...x,
  shape: [x.shape[1], x.shape[0]],
  stride: [x.stride[1], x.stride[0]],
});

/** Checked kernels around one multiplication of `left [M, K]` and `right [K, N]`. */
function kernelsOf(
  multiply: Multiply,
  dtypes: readonly DType[] = ['float32', 'float64'],
  check = checkProduct,
): Kernels {
  const checked = (product: Product, out: Tensor, a: Tensor, b: Tensor) => check(product, out, a, b, 'test', dtypes);
  return completeKernels({
    backend: 'test',
    dtypes,
    addMatmul: (out, a, b) => {
      checked('addMatmul', out, a, b);
      multiply(out, a, b);
    },
    addMatmulTA: (out, a, b) => {
      checked('addMatmulTA', out, a, b);
      multiply(out, swap(a), b);
    },
    addMatmulTB: (out, a, b) => {
      checked('addMatmulTB', out, a, b);
      multiply(out, a, swap(b));
    },
    dispose: () => {},
  });
}

interface Faults {
  /** Replaces `out += sum`. */
  readonly store?: (old: number, sum: number) => number;
  /** Replaces one term of the sum. */
  readonly term?: (x: number, y: number) => number;
  readonly limit?: number;
  readonly view?: (x: Tensor) => Tensor;
  readonly after?: (out: Tensor, left: Tensor) => void;
  readonly evenIfEmpty?: boolean;
}

/** A right product, but for the given faults. */
function multiplyWith(faults: Faults): Multiply {
  const { store = (old, sum) => old + sum, term = (x, y) => x * y, limit = Infinity, view = (x) => x } = faults;
  return (out, left, right) => {
    const [o, l, r] = [view(out), view(left), view(right)];
    const [M, N] = out.shape;
    const K = left.shape[1];
    if (K === 0 && !faults.evenIfEmpty) return;
    for (let i = 0; i < M; i++) {
      for (let j = 0; j < N; j++) {
        let sum = 0;
        for (let k = 0; k < Math.min(K, limit); k++) {
          const x = l.data[l.offset + i * l.stride[0] + k * l.stride[1]];
          sum += term(x, r.data[r.offset + k * r.stride[0] + j * r.stride[1]]);
        }
        const p = o.offset + i * o.stride[0] + j * o.stride[1];
        o.data[p] = store(o.data[p], sum);
      }
    }
    faults.after?.(out, left);
  };
}

/** What the contract says about kernels; with a pattern, up to the first message that matches it. */
async function failures(
  kernels: Kernels | AsyncKernels,
  dtypes: readonly DType[] = ['float32', 'float64'],
  until?: RegExp,
): Promise<string[]> {
  const messages: string[] = [];
  for (const check of contractChecks(dtypes)) {
    if (until !== undefined && messages.some((each) => until.test(each))) break;
    try {
      await check.run(kernels);
    } catch (error) {
      messages.push((error as Error).message);
    }
  }
  return messages;
}

const half = (x: number): number => {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, x);
  bytes.setUint16(2, 0);
  return bytes.getFloat32(0);
};

const WRONG: readonly (readonly [string, Kernels, RegExp])[] = [
  ['assigns instead of adding', kernelsOf(multiplyWith({ store: (_, sum) => sum })), /off by/],
  ['subtracts', kernelsOf(multiplyWith({ store: (old, sum) => old - sum })), /off by/],
  ['stops at K = 1000', kernelsOf(multiplyWith({ limit: 1000 })), /\[1, 1500, 7\].*off by/],
  ['ignores the offset', kernelsOf(multiplyWith({ view: (x) => ({ ...x, offset: 0 }) })), /offset.*(off by|outside)/],
  [
    'takes every matrix for row-major',
    kernelsOf(multiplyWith({ view: (x) => ({ ...x, stride: [x.shape[1], 1] }) })),
    /transposed/,
  ],
  ['rounds factors to bfloat16', kernelsOf(multiplyWith({ term: (x, y) => half(x) * half(y) })), /off by/],
  ['computes float64 in float32', kernelsOf(multiplyWith({ store: (p, q) => Math.fround(p + q) })), /float64.*off by/],
  ['skips zeros', kernelsOf(multiplyWith({ term: (x, y) => (x === 0 ? 0 : x * y) })), /NaN and infinity/],
  ['drops NaN', kernelsOf(multiplyWith({ store: (old, sum) => old + (sum || 0) })), /NaN and infinity/],
  ['adds 0 for K = 0', kernelsOf(multiplyWith({ evenIfEmpty: true })), /size is 0/],
  [
    'writes beside out',
    kernelsOf(multiplyWith({ after: (out) => (out.data[out.data.length - 1] += out.offset === 7 ? 1 : 0) })),
    /nothing outside of out may change/,
  ],
  ['spoils its input', kernelsOf(multiplyWith({ after: (_, left) => left.data.fill(0) })), /a must stay untouched/],
  ['checks nothing', kernelsOf(multiplyWith({}), undefined, () => {}), /expected ShapeError/],
  ['names no shapes', kernelsOf(multiplyWith({}), undefined, namelessCheck), /the message must name/],
];

function namelessCheck(...args: Parameters<typeof checkProduct>): void {
  try {
    checkProduct(...args);
  } catch (error) {
    (error as Error).message = 'bad input';
    throw error;
  }
}

describe('the kernel contract', () => {
  it('accepts the plain product the wrong ones are made from', async () => {
    expect(await failures(kernelsOf(multiplyWith({})))).toEqual([]);
  });

  it.each(WRONG)('rejects a kernel that %s', async (_, kernels, message) => {
    expect(await failures(kernels, kernels.dtypes, message)).toContainEqual(expect.stringMatching(message));
  });

  it('rejects a transposed weight gradient, and nothing else', async () => {
    const right = kernelsOf(multiplyWith({}));
    const wrong: Kernels = { ...right, addMatmulTA: (out, a, b) => right.addMatmulTA(out, b, a) };
    const found = await failures(wrong);
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((each) => !each.startsWith('addMatmulTA'))).toEqual([]);
  });

  it('rejects kernels that compute in a type they do not list', async () => {
    const kernels = kernelsOf(multiplyWith({}));
    const found = await failures({ ...kernels, dtypes: ['float32'] }, ['float32']);
    expect(found).toEqual(
      expect.arrayContaining([expect.stringMatching(/declines float64.*expected UnsupportedError/)]),
    );
  });

  it('sees the errors of asynchronous kernels too', async () => {
    const wrong: AsyncKernels = later(kernelsOf(multiplyWith({ limit: 1000 })));
    const found = await failures(wrong);
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((each) => !/, (1500|4096|4097), /.test(each))).toEqual([]);
  });
});

/** The same products, answered one turn later. */
function later(kernels: Kernels): AsyncKernels {
  return {
    backend: kernels.backend,
    dtypes: kernels.dtypes,
    addMatmul: async (out, a, b) => kernels.addMatmul(out, a, b),
    addMatmulTA: async (out, a, b) => kernels.addMatmulTA(out, a, b),
    addMatmulTB: async (out, a, b) => kernels.addMatmulTB(out, a, b),
    dispose: async () => kernels.dispose(),
  };
}

const single: DType[] = ['float32'];
kernelContract('a backend of float32 alone', single, () => kernelsOf(multiplyWith({}), single));
kernelContract('an asynchronous backend', ['float32', 'float64'], async () => later(createCpuKernels()));

/** One product, and nothing else. */
const one = {
  backend: 'one product',
  dtypes: ['float32', 'float64'],
  addMatmul(out: Tensor, a: Tensor, b: Tensor): void {
    checkProduct('addMatmul', out, a, b, this.backend, ['float32', 'float64']);
    multiplyWith({})(out, a, b);
  },
} as const;
const oneLater = { ...one, addMatmul: (out: Tensor, a: Tensor, b: Tensor) => Promise.resolve().then(() => one.addMatmul(out, a, b)) }; // prettier-ignore

kernelContract('one product, completed', ['float32', 'float64'], () => completeKernels(one));
kernelContract('one product that answers later, completed', ['float32', 'float64'], () =>
  completeAsyncKernels(oneLater),
);
kernelContract('one product that answers later, with a host behind it', ['float32', 'float64'], () =>
  withAsyncFallback(oneLater, createCpuKernels()),
);

describe('kernels made of one product', () => {
  it('keep the products that the backend has', () => {
    const addMatmulTA = jest.fn();
    const later = jest.fn();
    expect(completeKernels({ ...one, addMatmulTA }).addMatmulTA).toBe(addMatmulTA);
    expect(completeAsyncKernels({ ...oneLater, addMatmulTB: later }).addMatmulTB).toBe(later);
  });

  it('are wrong where the product ignores strides, and the contract says so', async () => {
    const rowMajor = multiplyWith({ view: (x) => ({ ...x, stride: [x.shape[1], 1] }) });
    const wrong = completeKernels({ ...one, addMatmul: rowMajor });
    expect(await failures(wrong, ['float64'], /addMatmulT[AB]/)).toContainEqual(expect.stringMatching(/addMatmulTA/));
  });

  it('run the network of a training, and a device of one product is taken for one', async () => {
    const corpora = { train: generateCorpus({ sentences: 6, seed: 1 }) };
    const options = { embedding: 4, hidden: 3, epochs: 1 };
    const weights = async (kernels: Kernels, hooks = {}) =>
      (await train(kernels, corpora, options, hooks)).model.params;
    const expected = await weights(createReferenceKernels());
    expect(await weights(completeKernels(one))).toEqual(expected);
    expect(await weights(createReferenceKernels(), { device: completeAsyncKernels(oneLater) })).toEqual(expected);
    await expect(weights(one as never)).rejects.toThrow('kernels.addMatmulTA must be a function; got undefined: pass completeKernels(…)'); // prettier-ignore
    await expect(weights(createReferenceKernels(), { device: oneLater })).rejects.toThrow('completeAsyncKernels(…)');
  });
});
