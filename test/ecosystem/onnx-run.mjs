/**
 * Runs ONNX models: onnx-run.mjs node|web FOLDER. FOLDER holds cases.json, [{ name, stem, batches: [[tokens, …], …] }], and the files of
 * every stem. Prints, as JSON, per case and batch the labels that the decoder of the file gives, the inputs, and the outputs.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [runtime, folder] = process.argv.slice(2);
const loaded = await import(runtime === 'web' ? 'onnxruntime-web' : 'onnxruntime-node');
const ort = loaded.default ?? loaded;
if (runtime === 'web') ort.env.wasm.numThreads = 1;
const options = {
  executionProviders: [runtime === 'web' ? 'wasm' : 'cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
};

const plain = (tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data, dims }]) => [
      name,
      { type, dims, data: Array.from(data, Number) },
    ]),
  );

const answers = [];
for (const { name, stem, batches, brief } of JSON.parse(readFileSync(`${folder}/cases.json`, 'utf8'))) {
  const session = await ort.InferenceSession.create(readFileSync(`${folder}/${stem}.onnx`), options);
  const { decoder } = await import(pathToFileURL(`${folder}/${stem}.decode.mjs`));
  const { encode, decode } = decoder(JSON.parse(readFileSync(`${folder}/${stem}.decode.json`, 'utf8')));
  const ran = [];
  for (const sentences of batches) {
    const feeds = encode(ort.Tensor, sentences);
    const outputs = await session.run(feeds);
    const tags = decode(outputs, sentences);
    ran.push(brief ? { tags } : { tags, feeds: plain(feeds), outputs: plain(outputs) });
  }
  await session.release();
  answers.push({ name, batches: ran });
}
process.stdout.write(JSON.stringify(answers));
