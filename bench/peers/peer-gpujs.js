/**
 * gpu.js as a peer, in one of its own modes: peer-gpujs.js --mode cpu|webasm|headlessgl. The kernel is the product of its own
 * documentation, one thread per element of the result; operands go in and the result comes out with every call.
 */
import { absent, encode, load, option, plainOperands, serve, versionOf } from './adapter.js';

const { default: loaded, GPU: named } = await load('gpu.js');
const GPU = named ?? loaded.GPU;
const mode = option('--mode');
if (mode === 'headlessgl' && !GPU.isHeadlessGLSupported) absent('headless-gl is not installed, or there is no display');

function device(gpu) {
  const kernel = gpu.createKernel(function one() { return 1; }, { output: [1] }); // prettier-ignore
  kernel();
  return kernel.kernel.constructor.name;
}

let gpu;
let backend;
try {
  gpu = new GPU({ mode });
  backend = device(gpu);
} catch (error) {
  absent(`mode ${mode}: ${String(error.message ?? error).split('\n')[0]}`);
}

await serve(
  { system: `gpu.js-${mode}`, version: versionOf('gpu.js'), backend, threads: 1 },
  {
    gemm(request) {
      const [M, K, N] = request.size;
      const { a, b } = plainOperands(request);
      const kernel = gpu.createKernel(
        function multiply(x, y) {
          let sum = 0;
          for (let k = 0; k < this.constants.K; k++) sum += x[this.thread.y][k] * y[k][this.thread.x];
          return sum;
        },
        { output: [N, M], constants: { K }, loopMaxIterations: K, precision: 'single' },
      );
      const { input } = loaded ?? { input: GPU.input };
      const [x, y] = [input(a, [K, M]), input(b, [N, K])];
      const act = () => kernel(x, y);
      return { answer: { out: encode(act().flatMap((row) => [...row])) }, act };
    },
  },
);
