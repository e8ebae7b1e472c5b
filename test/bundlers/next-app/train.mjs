/** Trains what the application serves, in Node, and prints the labels that Node gives. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createTagger, generateCorpus, saveModel, selectBackend, train } from 'bptt';
import { sentence } from './sentence.mjs';

const { kernels } = await selectBackend();
const options = { cell: 'gru', embedding: 8, hidden: 8, dropout: 0, epochs: 5, batch: 8, lr: 0.03, seed: 1 };
const { model } = await train(kernels, { train: generateCorpus({ sentences: 300, seed: 1 }) }, options);
mkdirSync('public');
writeFileSync('public/model.safetensors', saveModel(model));
const tagger = createTagger(readFileSync('public/model.safetensors'), kernels);
console.log(JSON.stringify(tagger.tag([sentence])[0].labels));
