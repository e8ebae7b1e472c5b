/** Run by `cold.ts`: `node cold-child.js MODEL BACKEND`. Prints the milliseconds of each part of a first sentence, as JSON. */
import { readFileSync } from 'node:fs';

const [file, backend] = process.argv.slice(2);
const bytes = readFileSync(file);
const start = performance.now();
const { createTagger } = await import('../labeling/model/tagger.js');
const { selectBackend } = await import('../kernels/index.js');
const imported = performance.now();
const { kernels } = await selectBackend({ backend });
const compiled = performance.now();
const tagger = createTagger(bytes, kernels);
const loaded = performance.now();
tagger.tag([Array.from({ length: 32 }, (_, i) => `w${i}`)]);
const tagged = performance.now();
console.log(
  JSON.stringify({
    backend: kernels.backend,
    import: imported - start,
    compile: compiled - imported,
    load: loaded - compiled,
    tag: tagged - loaded,
    all: tagged - start,
  }),
);
