/**
 * ONNX Runtime as a peer: peer-onnx.js --package onnxruntime-node|onnxruntime-web --threads N. It has inference alone; the
 * model is that of onnx.js. The web package runs its WebAssembly SIMD build.
 */
import { decodeIntegers, encode, load, option, over, serve, versionOf, weightsOf } from './adapter.js';
import { taggerModel } from './onnx.js';

const name = option('--package');
const threads = Number(option('--threads'));
const loaded = await load(name);
const ort = loaded.default ?? loaded;
const web = name === 'onnxruntime-web';
if (web) ort.env.wasm.numThreads = threads;
const options = {
  executionProviders: [web ? 'wasm' : 'cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
};

await serve(
  { system: name, version: versionOf(name), backend: web ? 'wasm' : 'cpu', threads },
  {
    async tagger(request) {
      if (request.phase === 'train') return { declined: 'ONNX Runtime has no training in this package' };
      const session = await ort.InferenceSession.create(taggerModel(request, weightsOf(request)), options);
      const feeds = request.batches.map(({ ids }) => ({
        ids: new ort.Tensor('int64', BigInt64Array.from(decodeIntegers(ids), BigInt), [request.T, request.B]),
      }));
      const { logits } = await session.run(feeds[0]);
      return { answer: { logits: encode(logits.data) }, act: over(feeds, (each) => session.run(each)) };
    },
  },
);
