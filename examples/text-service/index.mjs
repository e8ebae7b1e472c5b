import { createServer } from 'node:http';
import { createTagger, generateCorpus, saveModel, segmentText, selectBackend, train } from 'bptt';

// In your service: readFileSync('names.safetensors'), made by `bptt train`. Here a small model is trained at the start.
const { kernels } = await selectBackend({ backend: 'cpu' });
const options = { embedding: 16, hidden: 16, dropout: 0, epochs: 4, batch: 16, lr: 0.02 };
const { model } = await train(kernels, { train: generateCorpus({ sentences: 300, seed: 1 }) }, options);
const tagger = createTagger(saveModel(model), kernels);

/** Every token with its label and its place in the text, in UTF-16 units as `text.slice(start, end)` takes them. */
function label(text) {
  const sentences = segmentText(text);
  const tagged = tagger.tag(sentences.map(({ tokens }) => tokens));
  return sentences.flatMap(({ offsets }, s) =>
    offsets.map(([start, end], i) => ({ start, end, text: text.slice(start, end), label: tagged[s].labels[i] })),
  );
}

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(label(Buffer.concat(parts).toString())));
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const url = `http://127.0.0.1:${server.address().port}`;
const found = await (await fetch(url, { method: 'POST', body: 'they run. the  cat sat.' })).json();
for (const { start, end, text, label } of found) console.log(`${start}-${end} ${text} ${label}`);
server.closeAllConnections();
server.close();
