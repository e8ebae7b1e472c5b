import { createTagger } from 'bptt/tagger';

/** The model is fetched once, before the first text. */
const tagger = fetch(`${import.meta.env.BASE_URL}names.safetensors`)
  .then((response) => {
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}: run train.mjs before the build`);
    return response.arrayBuffer();
  })
  .then((buffer) => createTagger(new Uint8Array(buffer)));
tagger.catch(() => {}); // told with the first text

self.addEventListener('message', async ({ data: text }) => {
  try {
    self.postMessage({ text, entities: (await tagger).entities(text) });
  } catch ({ message }) {
    self.postMessage({ error: message });
  }
});
