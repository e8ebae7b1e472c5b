import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import { createCpuKernels, readSentences, saveModel, train } from 'bptt';

const sentences = [];
const file = createReadStream(new URL('../names.txt', import.meta.url));
for await (const sentence of readSentences(file, { format: 'slashed' })) sentences.push(sentence);

const size = { embedding: 16, hidden: 16, epochs: 15, batch: 8, lr: 0.02 };
const corpora = { train: sentences };
const { model } = await train(createCpuKernels(), corpora, { encoders: ['words', 'affixes'], head: 'crf', ...size });

// Vite copies public/ as it is.
const folder = new URL('public/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('names.safetensors', folder), saveModel(model));
console.log(`${sentences.length} sentences read, public/names.safetensors written`);
