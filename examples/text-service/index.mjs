import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { createCpuKernels, createTagger, readSentences, saveModel, train } from 'bptt';

// In your service: readFileSync('names.safetensors'), made by `bptt train`. Here a small model is trained at the start.
const kernels = createCpuKernels();
const sentences = [];
const file = createReadStream(new URL('../names.txt', import.meta.url));
for await (const sentence of readSentences(file, { format: 'slashed' })) sentences.push(sentence);
const size = { embedding: 16, hidden: 16, epochs: 15, batch: 8, lr: 0.02 };
const { model } = await train(kernels, { train: sentences }, { encoders: ['words', 'affixes'], head: 'crf', ...size });
const tagger = createTagger(saveModel(model), kernels);

// Answers a text with its entities: type, score, and the place in the text, in UTF-16 units as `text.slice(start, end)` takes them.
const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(tagger.entities(Buffer.concat(parts).toString())));
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const url = `http://127.0.0.1:${server.address().port}`;
const body = 'Greta Lind lives in Bonn. Is Emil in  New York?';
const entities = await (await fetch(url, { method: 'POST', body })).json();
for (const { start, end, text, type, score } of entities) {
  console.log(`${start}-${end} ${text}: ${type}, ${score.toFixed(2)}`);
}
server.closeAllConnections();
server.close();
