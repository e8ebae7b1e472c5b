import { clipByGlobalNorm, packingOf, unroll, unrollBackward, zeroGrads } from 'bptt/autograd';
import { lstm } from 'bptt/cells';
import { createCpuKernels } from 'bptt/kernels';
import * as layers from 'bptt/layers';
import { createAdam } from 'bptt/optim';
import { createRng, fill, zeros } from 'bptt/tensor';

const text = 'the cat sat near the dogs. the dogs ran to the trees. they run by the cat. '.repeat(4);
const alphabet = [...new Set(text)].sort();
const ids = Int32Array.from(text, (character) => alphabet.indexOf(character));
const [V, E, H, T] = [alphabet.length, 8, 32, ids.length - 1];

const kernels = createCpuKernels();
const rng = createRng(1);
const [table, cell, head] = [layers.initEmbedding(V, E, rng), lstm.initialize(E, H, rng), layers.initLinear(H, V, rng)];
const flat = (t, c, h) => ({ weight: t.weight, Wx: c.Wx, Wh: c.Wh, bias: c.b, W: h.W, b: h.b });
const [dTable, dCell, dHead] = [zeroGrads(table), zeroGrads(cell), zeroGrads(head)];
const grads = flat(dTable, dCell, dHead);
const optimizer = createAdam(kernels, flat(table, cell, head), { lr: 0.02 });

for (let update = 1; update <= 60; update++) {
  const x = layers.embeddingForward(kernels, table, ids.subarray(0, T));
  const pass = unroll(kernels, lstm, cell, x, packingOf([T]));
  const logits = layers.linearForward(kernels, head, pass.y);
  const loss = layers.softmaxLossForward(kernels, logits, ids.subarray(1)); // the next character
  if (update % 30 === 0) console.log(`update ${update}: ${loss.loss.toFixed(2)} nats per character`);

  const [dLogits, dY, dX] = [zeros([T, V]), zeros([T, H]), zeros([T, E])];
  layers.softmaxLossBackward(kernels, loss, dLogits);
  layers.linearBackward(kernels, head, pass.y, dLogits, dHead, dY);
  unrollBackward(kernels, pass, dY, dCell, { dX });
  layers.embeddingBackward(kernels, ids.subarray(0, T), dX, dTable);
  clipByGlobalNorm(kernels, grads, 5);
  optimizer.step(grads);
  Object.values(grads).forEach((g) => fill(g, 0));
}

/** Draws from softmax(logits / temperature): near 0 the likeliest character, above 1 bolder ones. */
function sample(length, temperature) {
  let [written, state] = ['the', undefined];
  let next = Int32Array.from(written, (character) => alphabet.indexOf(character));
  while (written.length < length) {
    const x = layers.embeddingForward(kernels, table, next);
    const pass = unroll(kernels, lstm, cell, x, packingOf([next.length]), { initial: state, keep: 'nothing' });
    state = pass.final;
    const logits = layers.linearForward(kernels, head, state.h);
    logits.data.forEach((value, k) => (logits.data[k] = value / temperature));
    const p = layers.softmaxRows(kernels, logits).data;
    let [u, k] = [rng.next(), 0];
    while (k < V - 1 && (u -= p[k]) > 0) k++;
    written += alphabet[k];
    next = Int32Array.of(k);
  }
  return written;
}
console.log(sample(60, 0.3));
