import { createTagger, generateCorpus, train } from 'bptt';
import { createCpuKernels } from 'bptt/kernels';

const kernels = createCpuKernels();
const corpus = { train: generateCorpus({ sentences: 200, seed: 1 }) };
const options = { hidden: 16, embedding: 16, epochs: 6, lr: 0.02, seed: 1 };
const tokens = corpus.train[0].tokens;

// A forward-only model: the label of a token is there with the token.
const forward = createTagger((await train(kernels, corpus, { ...options, bidirectional: false })).model);
const live = forward.open();
for (const token of tokens) console.log(`${token}/${live.push([token]).labels[0]}`);
live.end();

// A bidirectional one waits for two tokens, and catches up at the end.
const both = createTagger((await train(kernels, corpus, options)).model);
const stream = both.open({ lookAhead: 2 });
const labels = [];
const take = ({ from, labels: fresh }) => labels.splice(from, Infinity, ...fresh);
for (const token of tokens) {
  take(stream.push([token]));
  console.log(`${token}: ${labels.length} of ${tokens.length} labels`);
}
take(stream.end());
console.log(labels.join(' '));
const [whole] = both.tag([tokens]);
console.log(
  'as the whole sentence:',
  whole.labels.every((label, t) => label === labels[t]),
);
