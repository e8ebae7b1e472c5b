/**
 * A cell that somebody wrote, in a file of its own that imports nothing: a leaky RNN. For the tests of `--cell FILE`.
 *
 * Forward    (1)  a = x·Wx + b + h'·Wh          x·Wx + b is already in `a`
 *            (2)  n = tanh(a)                   written over `a`
 *            (3)  h = (h' + n) / 2
 * Backward   (3)  dn = dh / 2   dh' += dh / 2
 *            (2)  da = dn ∘ (1 − n²)
 *            (1)  dh' += da·Whᵀ
 */
const HALF = 0.5;

const row = (x, b) => x.offset + b * x.stride[0];

function matrix(rows, columns, dtype, scale, rng) {
  const data = dtype === 'float64' ? new Float64Array(rows * columns) : new Float32Array(rows * columns);
  for (let i = 0; i < data.length; i++) data[i] = scale * rng.normal();
  return { data, shape: [rows, columns], stride: [columns, 1], offset: 0 };
}

function vector(size, dtype) {
  const data = dtype === 'float64' ? new Float64Array(size) : new Float32Array(size);
  return { data, shape: [size], stride: [1], offset: 0 };
}

export default {
  name: 'leaky',
  gates: 1,
  gateNames: ['n'],
  states: ['h'],
  saved: { a: 1 },
  stepGrads: { da: 1 },
  quantities: [
    {
      equation: 2,
      symbol: 'n',
      name: 'new part',
      range: [-1, 1],
      value: { in: 'saved', tensor: 'a', block: 0 },
      gradient: { of: 'a', in: 'stepGrads', tensor: 'da', block: 0 },
    },
    {
      equation: 3,
      symbol: 'h',
      name: 'hidden state',
      range: [-1, 1],
      value: { in: 'states', tensor: 'h', block: 0 },
      gradient: { of: 'h', in: 'dStates', tensor: 'h', block: 0 },
    },
  ],
  shapes: (D, H) => ({ Wx: [D, H], Wh: [H, H], b: [H] }),
  initialize: (D, H, rng, { dtype = 'float32', learnedInitialState = false } = {}) => ({
    Wx: matrix(D, H, dtype, 0.3, rng),
    Wh: matrix(H, H, dtype, 0.3, rng),
    b: vector(H, dtype),
    ...(learnedInitialState && { h0: vector(H, dtype) }),
  }),
  stepForward(kernels, { Wh }, prev, { a }, { h }) {
    kernels.addMatmul(a, prev.h, Wh); //                                     (1)
    const [B, H] = h.shape;
    for (let b = 0; b < B; b++) {
      const [n, after, before] = [row(a, b), row(h, b), row(prev.h, b)];
      for (let j = 0; j < H; j++) {
        a.data[n + j] = Math.tanh(a.data[n + j]); //                         (2)
        h.data[after + j] = HALF * (prev.h.data[before + j] + a.data[n + j]); // (3)
      }
    }
  },
  stepBackward(kernels, { Wh }, _prev, { a, da }, _next, { h: dh }, dPrev) {
    const [B, H] = dh.shape;
    for (let b = 0; b < B; b++) {
      const [n, dn, after, before] = [row(a, b), row(da, b), row(dh, b), row(dPrev.h, b)];
      for (let j = 0; j < H; j++) {
        const d = HALF * dh.data[after + j];
        dPrev.h.data[before + j] += d; //                                    (3)
        da.data[dn + j] = d * (1 - a.data[n + j] * a.data[n + j]); //        (3), (2)
      }
    }
    kernels.addMatmulTB(dPrev.h, da, Wh); //                                 (1)
  },
  weightGradients: (kernels, hPrev, { da }, grads) => kernels.addMatmulTA(grads.Wh, hPrev, da), // (1)
  equations(ops, { Wx, Wh, b }, x, prev) {
    const half = ops.sigmoid(ops.sub(b, b)); // σ(0) = 1/2: an algebra has no numbers
    const a = ops.name('a', ops.add(ops.add(ops.matmul(x, Wx), b), ops.matmul(prev.h, Wh))); // (1)
    const n = ops.name('n', ops.tanh(a)); //                                                    (2)
    return { h: ops.name('h', ops.mul(ops.add(prev.h, n), half)) }; //                          (3)
  },
};
