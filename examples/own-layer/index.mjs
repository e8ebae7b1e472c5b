import { gradcheck } from 'bptt/autograd';
import { createRng, normal, zerosLike } from 'bptt/tensor';

// A layer of your own: y = x / √(1 + x²), element by element.  (1)
const forward = (x) => x.data.map((value) => value / Math.sqrt(1 + value * value));
// dx += dy · (1 + x²)^(−3/2)                                    (1)
const backward = (x, dY, dX) => x.data.forEach((value, k) => (dX.data[k] += dY.data[k] * (1 + value * value) ** -1.5));

const rng = createRng(1);
const x = normal([4, 3], 1, rng, 'float64');
const dY = normal([4, 3], 1, rng, 'float64'); // random weights of the loss L = Σ dY ∘ y: a plain sum hides swaps
const loss = () => forward(x).reduce((sum, value, k) => sum + dY.data[k] * value, 0);

const grads = { x: zerosLike(x) };
backward(x, dY, grads.x);
const right = gradcheck({ tensors: { x }, grads, loss });
console.log(`${right.checked} derivatives agree: ${right.passed}`);

grads.x.data[5] *= 1.001; // a mistake
const wrong = gradcheck({ tensors: { x }, grads, loss });
console.log(`with a mistake: ${wrong.passed}, first at ${wrong.failures[0].name}[${wrong.failures[0].index}]`);
