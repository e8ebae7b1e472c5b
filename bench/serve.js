/**
 * `bptt serve` under load: requests and tokens per second, and how long an answer takes. From the repository root:
 *
 *     npm run build && node bench/serve.js [--workers 1,2] [--clients 8] [--requests 1000] [--sentences 1] [--json]
 *
 * The tagger is an LSTM of 100 units in each direction, trained for an epoch on the embedded grammar. Before anything is timed, and while it
 * is, every answer is compared with what a tagger in this process says of the same sentences. Clients keep their connections, and each sends its next
 * request when it has the answer to the one before. Clients and server share the machine. The fastest of three runs counts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { fail, load, MODULES, parse } from './command.js';

const RUNS = 3;

const positive = (value) => {
  const n = Number(value);
  if (Number.isInteger(n) && n > 0) return n;
  throw new InvalidArgumentError('Pass an integer of at least 1.');
};
const { workers, clients, requests, sentences, json } = parse(
  new Command('node bench/serve.js')
    .description('requests and tokens per second of bptt serve')
    .option('--workers <list>', 'worker threads, one row each', (list) => list.split(',').map(positive), [1, 2])
    .option('--clients <n>', 'connections, each with one request under way', positive, 8)
    .option('--requests <n>', 'requests of a run', positive, 1000)
    .option('--sentences <n>', 'sentences of a request', positive, 1)
    .option('--json', 'print JSON'),
).opts();

const [{ createTagger, generateCorpus, saveModel, train }, { selectBackend }] = await Promise.all(
  ['labeling/index.js', 'kernels/index.js'].map(load),
);
const { kernels } = await selectBackend({ backend: 'wasm' });
const sizes = { embedding: 100, hidden: 100, epochs: 1 };
const { model } = await train(kernels, { train: generateCorpus({ sentences: 100, seed: 1 }) }, sizes);
const folder = mkdtempSync(join(tmpdir(), 'bptt-bench-'));
const file = join(folder, 'model.safetensors');
writeFileSync(file, saveModel(model));

const tagger = createTagger(model, kernels);
const corpus = generateCorpus({ sentences: 200 * sentences, seed: 2 }).map(({ tokens }) => tokens);
const questions = Array.from({ length: 200 }, (_, i) => {
  const own = corpus.slice(i * sentences, (i + 1) * sentences);
  const said = tagger.tag(own).map(({ labels }, s) => ({ tokens: own[s], labels }));
  return {
    body: JSON.stringify({ sentences: own }),
    answer: `${JSON.stringify({ sentences: said })}\n`,
    tokens: own.flat().length,
  };
});

/** One request: its answer, and the milliseconds it took. */
async function ask(agent, port, body) {
  const start = performance.now();
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const call = request({ agent, port, host: '127.0.0.1', path: '/v1/tag', method: 'POST', headers });
  call.end(body);
  const [answer] = await once(call, 'response');
  return { said: await text(answer), status: answer.statusCode, ms: performance.now() - start };
}

/** Sends `count` requests, and checks each answer. */
async function putLoad(agent, port, count) {
  let next = 0;
  const took = [];
  let tokens = 0;
  const client = async () => {
    while (next < count) {
      const question = questions[next++ % questions.length];
      const { said, status, ms } = await ask(agent, port, question.body);
      if (status !== 200 || said !== question.answer)
        fail('serve', `an answer differs from that of a tagger: status ${status}, ${said.slice(0, 200)}`);
      took.push(ms);
      tokens += question.tokens;
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - start) / 1000;
  took.sort((a, b) => a - b);
  const at = (share) => took[Math.min(took.length - 1, Math.floor(share * took.length))];
  return { requests: count / seconds, tokens: tokens / seconds, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

const rows = [];
try {
  for (const count of workers) {
    const main = fileURLToPath(new URL('cli/main.js', MODULES));
    const args = ['serve', file, '--port', '0', '--workers', String(count), '--queue', String(clients)];
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = await once(createInterface(child.stdout), 'line');
    const port = Number(new URL(line.replace('listening on ', '')).port);
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    await putLoad(agent, port, Math.max(questions.length, clients)); // every answer is checked, and what is compiled late is compiled
    const runs = [];
    for (let run = 0; run < RUNS; run++) runs.push(await putLoad(agent, port, requests));
    rows.push({ workers: count, ...runs.sort((a, b) => b.requests - a.requests)[0] });
    agent.destroy();
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (json) console.log(JSON.stringify({ cores: availableParallelism(), clients, requests, sentences, rows }));
else {
  console.log(
    `${clients} clients, ${requests} requests of ${sentences} sentence${sentences === 1 ? '' : 's'}, ${availableParallelism()} cores; all answers equal`,
  );
  console.log('workers  requests/s  tokens/s  p50 ms  p95 ms  p99 ms');
  for (const { workers: count, requests: r, tokens, p50, p95, p99 } of rows) {
    const cells = [count, r.toFixed(0), tokens.toFixed(0), p50.toFixed(1), p95.toFixed(1), p99.toFixed(1)];
    console.log(cells.map((cell, i) => String(cell).padStart([7, 12, 10, 8, 8, 8][i])).join(''));
  }
}
