import { gradcheck, packingOf, unroll, unrollBackward, zeroGrads } from 'bptt/autograd';
import { createCpuKernels } from 'bptt/kernels';
import { generateCorpus, train } from 'bptt/labeling';
import { createRng, dot, normal } from 'bptt/tensor';
import ugrnn from './ugrnn.mjs';

// Its backward step, against finite differences of its forward step: two sequences, of 5 and 3 steps.
const kernels = createCpuKernels();
const rng = createRng(1);
const params = ugrnn.initialize(3, 4, rng, { dtype: 'float64' });
const [x, dY] = [normal([8, 3], 1, rng, 'float64'), normal([8, 4], 1, rng, 'float64')];
const forward = () => unroll(kernels, ugrnn, params, x, packingOf([5, 3]));
const grads = zeroGrads(params);
unrollBackward(kernels, forward(), dY, grads);
const { checked, passed } = gradcheck({ tensors: params, grads, loss: () => dot(dY, forward().y) });
console.log(`${checked} derivatives agree: ${passed}`);

// A tagger with it, as with any other cell.
const corpora = { train: generateCorpus({ sentences: 300, seed: 1 }), dev: generateCorpus({ sentences: 60, seed: 2 }) };
const options = { cell: ugrnn, embedding: 12, hidden: 16, epochs: 5, lr: 0.02 };
const { dev } = await train(kernels, corpora, options);
console.log(`a tagger with the cell ${ugrnn.name}: ${dev.correct} of ${dev.tokens} words are right`);
