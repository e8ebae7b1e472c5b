/**
 * jax-js as a peer, on its WebAssembly device: products. A tagger is not timed: its loop over time steps is traced op by op,
 * and it has no recurrent layer of its own.
 */
import { absent, encode, load, operands, serve, versionOf } from './adapter.js';

const jax = await load('@jax-js/jax');
const devices = await jax.init('wasm');
if (!devices.includes('wasm')) absent('its WebAssembly device does not start here');
jax.defaultDevice('wasm');
const { numpy: np } = jax;

await serve(
  { system: 'jax-js', version: versionOf('@jax-js/jax'), backend: 'wasm', threads: 1 },
  {
    async gemm(request) {
      const { transposeA, transposeB, a, shapeA, b, shapeB } = operands(request);
      const [x, y] = [np.array(a).reshape(shapeA), np.array(b).reshape(shapeB)];
      const multiply = jax.jit((p, q) => np.matmul(transposeA ? p.transpose() : p, transposeB ? q.transpose() : q));
      const act = async () => {
        const out = multiply(x.ref, y.ref);
        await out.blockUntilReady();
        return out;
      };
      const first = await (await act()).data();
      return { answer: { out: encode(first) }, act: async () => (await act()).dispose() };
    },
  },
);
