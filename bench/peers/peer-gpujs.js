/**
 * gpu.js as a peer, in one of its own modes: peer-gpujs.js --mode cpu|webasm|headlessgl. The kernel is the product of its own
 * documentation, one thread per element of the result; operands go in and the result comes out with every call. The native
 * module of headlessgl is that of test/gpu: here nothing is compiled.
 */
import { createRequire } from 'node:module';
import { absent, encode, load, option, plainOperands, serve, versionOf } from './adapter.js';

const mode = option('--mode');

/** gpu.js with its native module, and its version. */
function loadCompiled() {
  const require = createRequire(new URL('../../test/gpu/package.json', import.meta.url));
  try {
    return { module: require('gpu.js'), version: require('gpu.js/package.json').version };
  } catch (error) {
    const missing = error.code === 'MODULE_NOT_FOUND';
    return absent(missing ? 'gpu.js with gl is not installed: npm ci --prefix test/gpu' : `gpu.js: ${error.message}`);
  }
}

async function loadOwn() {
  const { default: module } = await load('gpu.js');
  return { module, version: versionOf('gpu.js') };
}

const { module, version } = mode === 'headlessgl' ? loadCompiled() : await loadOwn();
const { GPU, input } = module;
if (mode === 'headlessgl' && !GPU.isHeadlessGLSupported)
  absent('there is no display (without one: xvfb-run -a), or no gl');

/** The class of a kernel of the mode, which says what runs, and the context behind it. */
function probe(gpu) {
  const kernel = gpu.createKernel(function one() { return 1; }, { output: [1] }); // prettier-ignore
  kernel();
  const { constructor, context } = kernel.kernel;
  return { backend: constructor.name, context };
}

let gpu;
let found;
try {
  gpu = new GPU({ mode });
  found = probe(gpu);
} catch (error) {
  absent(`mode ${mode}: ${String(error.message ?? error).split('\n')[0]}`);
}
const { backend, context } = found;
const device =
  mode === 'headlessgl' ? { device: String(context.getParameter(context.RENDERER)), unnamed: true } : undefined;

await serve(
  { system: `gpu.js-${mode}`, version, backend, threads: 1, ...device },
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
      const [x, y] = [input(a, [K, M]), input(b, [N, K])];
      const act = () => kernel(x, y);
      return { answer: { out: encode(act().flatMap((row) => [...row])) }, act };
    },
  },
);
