import { createReadStream } from 'node:fs';
import { createCpuKernels, createTagger, saveModel, segmentText, train } from 'bptt';
import { readClassified } from 'bptt/labeling';

const messages = []; // a label, a tab, a text: one message a line
const file = createReadStream(new URL('./messages.tsv', import.meta.url));
for await (const message of readClassified(file, { format: 'tsv' })) messages.push(message);

const kernels = createCpuKernels();
const size = { embedding: 16, hidden: 16, epochs: 12, batch: 6, lr: 0.01 };
const options = { task: 'classify', encoders: ['words', 'affixes'], ...size };
const { model } = await train(kernels, { train: messages }, options);
const classifier = createTagger(saveModel(model), kernels);

const unseen = [
  'My package is still not here.',
  'I returned the shoes and want a refund.',
  'The password does not work.',
];
for (const text of unseen) {
  const tokens = segmentText(text).flatMap((sentence) => sentence.tokens);
  const [{ category, categoryProbability }] = classifier.tag([tokens], { probabilities: true });
  console.log(`${category} ${categoryProbability.toFixed(2)}  ${text}`);
}
