/**
 * brain.js as a peer: the product of its recurrent networks. Its networks have one direction, own sizes and no batches, so
 * they cannot be given the weights of the tagger; there is nothing else that could be checked.
 */
import { encode, load, plainOperands, serve, versionOf } from './adapter.js';

const { default: brain } = await load('brain.js');
const { default: multiply } = await import('brain.js/dist/recurrent/matrix/multiply.js');
const { default: Matrix } = await import('brain.js/dist/recurrent/matrix/index.js');
const product = multiply.default ?? multiply;
const Rows = Matrix.default ?? Matrix;
if (brain === undefined) throw new Error('brain.js has no default export');

function matrix(rows, columns, weights) {
  return Object.assign(new Rows(rows, columns), { weights });
}

await serve(
  { system: 'brain.js', version: versionOf('brain.js'), backend: 'cpu', threads: 1 },
  {
    gemm(request) {
      const [M, K, N] = request.size;
      const { a, b } = plainOperands(request);
      const [left, right, out] = [matrix(M, K, a), matrix(K, N, b), matrix(M, N, new Float32Array(M * N))];
      const act = () => product(out, left, right);
      act();
      return { answer: { out: encode(out.weights) }, act };
    },
  },
);
