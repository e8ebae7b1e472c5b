/**
 * TensorFlow.js as a peer: peer-tfjs.js --backend cpu|wasm. Its own GRU has the reset gate before the recurrent product, and
 * its layers take one direction's time loop as slow ops anyway, so the tagger is written in the core's ops, with the input
 * product of all steps made at once. Adam is tf.train.adam, which updates all rows of the embeddings.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { decodeIntegers, encode, load, operands, option, over, serve, versionOf, weightsOf } from './adapter.js';

const backend = option('--backend');
const loaded = await load('@tensorflow/tfjs');
const tf = loaded.default ?? loaded;
if (backend === 'wasm') {
  const device = await load('@tensorflow/tfjs-backend-wasm');
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  (device.default ?? device).setWasmPaths(`${dirname(main)}/`);
  (device.default ?? device).setThreadsCount?.(1);
}
await tf.setBackend(backend);
await tf.ready();

/** One direction over x [T·B, I]: rows of h per step. */
function scan(cell, x, { Wx, Wh, b, bn }, T, B, H, reverse) {
  const input = tf.split(tf.add(tf.matMul(x, Wx), b), T);
  let h = tf.zeros([B, H]);
  let c = tf.zeros([B, H]);
  const outputs = new Array(T);
  for (let s = 0; s < T; s++) {
    const t = reverse ? T - 1 - s : s;
    const u = tf.matMul(h, Wh);
    if (cell === 'lstm') {
      const [i, f, g, o] = tf.split(tf.add(input[t], u), 4, 1);
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    } else if (cell === 'gru') {
      const [ar, az, an] = tf.split(input[t], 3, 1);
      const [ur, uz, un] = tf.split(u, 3, 1);
      const z = tf.sigmoid(tf.add(az, uz));
      const n = tf.tanh(tf.add(an, tf.mul(tf.sigmoid(tf.add(ar, ur)), tf.add(un, bn))));
      h = tf.add(n, tf.mul(z, tf.sub(h, n)));
    } else {
      h = tf.tanh(tf.add(input[t], u));
    }
    outputs[t] = h;
  }
  return tf.concat(outputs, 0);
}

/** The model: variables by name, and logits [T·B, K] of ids [T·B]. */
function createModel({ cell, H, T, B }, weights) {
  const variables = Object.fromEntries(
    Object.entries(weights).map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape))]),
  );
  const direction = (name) =>
    Object.fromEntries(['Wx', 'Wh', 'b', 'bn'].map((each) => [each, variables[`layers.0.${name}.${each}`]]));
  const logits = (ids) => {
    const x = tf.gather(variables['encoders.words.weight'], ids);
    const forward = scan(cell, x, direction('forward'), T, B, H, false);
    const reverse = scan(cell, x, direction('reverse'), T, B, H, true);
    return tf.add(
      tf.matMul(tf.concat([forward, reverse], 1), variables['heads.labels.W']),
      variables['heads.labels.b'],
    );
  };
  return { variables, logits };
}

function trainer(request, { variables, logits }) {
  const optimizer = tf.train.adam(request.lr, 0.9, 0.999, 1e-8);
  const list = Object.values(variables);
  return ({ ids, labels }) =>
    tf.tidy(() => {
      const loss = () => tf.losses.softmaxCrossEntropy(labels, logits(ids));
      const { value, grads } = tf.variableGrads(loss, list);
      const norm = tf.sqrt(tf.addN(Object.values(grads).map((g) => tf.sum(tf.square(g)))));
      const factor = tf.minimum(1, tf.div(request.clip, norm));
      optimizer.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, tf.mul(g, factor)])));
      return value.dataSync()[0];
    });
}

await serve(
  { system: `tfjs-${backend}`, version: versionOf('@tensorflow/tfjs'), backend, threads: 1 },
  {
    gemm(request) {
      const { transposeA, transposeB, a, shapeA, b, shapeB } = operands(request);
      const [x, y] = [tf.tensor(a, shapeA), tf.tensor(b, shapeB)];
      const act = () => tf.matMul(x, y, transposeA, transposeB).dispose();
      return { answer: { out: encode(tf.matMul(x, y, transposeA, transposeB).dataSync()) }, act };
    },
    tagger(request) {
      const model = createModel(request, weightsOf(request));
      const batches = request.batches.map(({ ids, targets }) => ({
        ids: tf.tensor1d(decodeIntegers(ids), 'int32'),
        labels: tf.oneHot(tf.tensor1d(decodeIntegers(targets), 'int32'), request.K),
      }));
      const infer = ({ ids }) => tf.tidy(() => model.logits(ids).dataSync());
      if (request.phase === 'infer')
        return { answer: { logits: encode(infer(batches[0])) }, act: over(batches, infer) };
      const train = trainer(request, model);
      const losses = Array.from({ length: request.steps }, () => train(batches[0]));
      return { answer: { losses }, act: over(batches, train) };
    },
  },
);
