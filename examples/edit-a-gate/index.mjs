import { backward, forward } from './lstm-step.mjs';

// The loss L = Σ v∘h + w∘c of one step, with weights v and w that differ in every unit, and H = 5.
const H = 5;
const numbers = (size, phase) => Float64Array.from({ length: size }, (_, k) => Math.sin(1.7 * k + phase));
const inputs = { a: numbers(4 * H, 0.3), c: numbers(H, 1.1) };
const [v, w] = [numbers(H, 2.2), numbers(H, 0.7)];
const loss = () => {
  const { h, c } = forward(inputs, H);
  return h.reduce((sum, value, j) => sum + v[j] * value + w[j] * c[j], 0);
};

/** The slope of the loss around one number: (L(x + ε) − L(x − ε)) / 2ε. */
function slope(x, k) {
  const [kept, epsilon] = [x[k], 1e-5];
  x[k] = kept + epsilon;
  const above = loss();
  x[k] = kept - epsilon;
  const below = loss();
  x[k] = kept;
  return (above - below) / (2 * epsilon);
}

const grads = backward(forward(inputs, H).saved, v, w, H);
const parts = { i: ['a', 0], f: ['a', H], g: ['a', 2 * H], o: ['a', 3 * H], "c'": ['c', 0] };
let wrong = 0;
for (const [name, [input, start]] of Object.entries(parts)) {
  for (let j = 0; j < H; j++) {
    const [byHand, measured] = [grads[input][start + j], slope(inputs[input], start + j)];
    if (Math.abs(byHand - measured) <= 1e-7) continue; // NaN is not within any bound
    console.log(
      `${name}, unit ${j}: backward says ${byHand.toFixed(6)}, the slope of the loss is ${measured.toFixed(6)}`,
    );
    wrong++;
    break;
  }
}
console.log(wrong === 0 ? 'every gate agrees' : `${wrong} of 5 disagree`);
process.exitCode = Math.sign(wrong);
