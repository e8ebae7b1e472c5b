/** `bptt serve`: a tagger over HTTP. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { repeatable } from '../../labeling/training/parallel/threads.js';
import { loadModel } from '../../labeling/model/file.js';
import { readPackageInfo } from '../../bench/package-info.js';
import { ArgumentError, BpttError } from '../../tensor/errors.js';
import { counted } from '../../tensor/print.js';
import { count, positiveInteger, positiveNumber, threadCount } from '../arguments.js';
import { addBackendOption, openBackend } from '../backend.js';
import { watchInterrupt } from '../interrupt.js';
import { named, readBytes } from '../model-io.js';
import { openOwnCell } from '../own-cell.js';
import { openPool } from '../pool/pool.js';
import { spanHeads } from '../tag/heads.js';
import type { Terminal } from '../terminal.js';
import { print } from '../terminal.js';
import { corsOrigin, hostNames, isLoopback, portNumber } from './arguments.js';
import type { ServeData, ServeJob, ServeResult } from './jobs.js';
import { createMetrics } from './metrics.js';
import { openapi } from './openapi.js';
import { routesOf } from './routes.js';
import type { TagServer } from './server.js';
import { createTagServer } from './server.js';

interface Options {
  readonly host: string;
  readonly port: number;
  readonly workers: number | 'auto';
  readonly queue: number;
  readonly maxBody: number;
  readonly timeout: number;
  readonly cors?: string;
  readonly allowHost?: readonly string[];
  readonly log?: boolean;
  readonly cell?: string;
  readonly backend: string;
}

const HELP = `
POST /v1/tag takes text/plain, split as by bptt tag; application/json, {"text": "…"}, {"tokens": […]} or {"sentences": [[…], …]};
and application/x-ndjson, one such object per line. The response is {"sentences": […]}, each sentence as bptt tag --output jsonl
writes it; for JSON lines, one such object per line. ?probabilities=true and ?spans=true add probabilities and spans.

GET /health succeeds while the process lives, GET /ready while it accepts work; GET /metrics is in the Prometheus text format,
GET /openapi.json describes the API.

Only this machine reaches the server, unless --host names another address. Requests whose header Host names another machine are
refused, unless --allow-host names it. There is no encryption and no password: for other machines, put a proxy in front of it.
On SIGTERM or Ctrl-C, requests in progress are answered, then the server ends with status 0; a second signal ends it at once.

Example:
  bptt serve tagger.safetensors --port 8080
  curl -H 'Content-Type: text/plain' --data 'They run.' http://127.0.0.1:8080/v1/tag
  bptt serve tagger.safetensors --port 0 --workers 2 --log`;

/** Adds the command. */
export function addServe(program: Command, terminal: Terminal): void {
  const command = program
    .command('serve')
    .description('label text over HTTP, on this machine')
    .argument('<model>', 'model file')
    .option('--host <address>', 'address to listen on; 0.0.0.0 or :: lets other machines in', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 picks a free one, which is printed', portNumber, 8080)
    .option(
      '--workers <n>',
      'threads that label, each with its own copy of the model; auto: one per core',
      threadCount,
      'auto',
    )
    .option('--queue <n>', 'requests that may wait for a worker; one more gets 503', count, 64)
    .option('--max-body <bytes>', 'longest body accepted', positiveInteger, 1_048_576)
    .option('--timeout <seconds>', 'longest time for a request, its arrival included', positiveNumber, 30)
    .option('--cors <origin>', 'origin whose pages may read responses, such as https://example.org, or *', corsOrigin)
    .option(
      '--allow-host <names>',
      'names that a proxy on this machine passes on in Host, such as tags.example.org',
      hostNames,
    )
    .option('--log', 'write a line of JSON for each request to standard error')
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addBackendOption(command).action((model: string, options: Options) => runServe(model, options, terminal));
}

async function runServe(path: string, options: Options, terminal: Terminal): Promise<void> {
  const { backend, cell, queue, timeout, log, cors, maxBody, host, allowHost } = options;
  if (allowHost !== undefined && !isLoopback(host)) throw new ArgumentError(`--allow-host: at ${host} any Host is accepted: leave it out`); // prettier-ignore
  const bytes = await readBytes(path);
  const own = await openOwnCell(cell, terminal);
  const model = named(path, () => loadModel(bytes, own));
  const size = options.workers === 'auto' ? availableParallelism() : options.workers;
  const running = await backendFor(backend, terminal);
  const data: ServeData = { bytes, path, backend: running.name, ...(cell !== undefined && { cell }) };
  const pool = openPool<ServeData, ServeJob, ServeResult>(new URL('./worker.js', import.meta.url), { size, data });
  const interrupt = watchInterrupt();
  let isReady = false;
  const metrics = createMetrics({ version: readPackageInfo().version, backend: running.backend }, Math.round(Date.now() / 1000 - process.uptime())); // prettier-ignore
  const routes = routesOf({
    ...{ metrics, maxBody, run: pool.run, hasSpans: spanHeads(model).length > 0 },
    openapi: `${JSON.stringify(openapi)}\n`,
    gauges: () => ({ jobs: pool.load, limit: size + queue, workers: size, open: tags.open() }),
    ready: () => isReady && !tags.stopping(),
    replace: () => void pool.start().catch(() => undefined), // otherwise the next request starts one
  });
  const tags: TagServer = createTagServer({
    ...{ routes, metrics, timeout: Math.round(timeout * 1000), ...(cors !== undefined && { cors }) },
    ...(isLoopback(host) && { isOwnHost: (name: string) => isLoopback(name) || (allowHost ?? []).includes(name) }),
    ...(log && { log: (line: string) => void terminal.stderr.write(`${line}\n`) }),
  });
  try {
    await pool.start();
    isReady = true;
    const url = await listen(tags, options);
    if (!isLoopback(host)) terminal.stderr.write(`bptt: other machines reach ${url}, without encryption or password: put a proxy in front of it\n`); // prettier-ignore
    terminal.stderr.write(`bptt: ${path}, ${counted(size, 'worker')}, backend ${running.backend}; Ctrl-C stops\n`);
    await print(terminal, `listening on ${url}`);
    if (!interrupt.signal.aborted) await once(interrupt.signal, 'abort');
    terminal.stderr.write(`bptt: stopping, ${counted(tags.open(), 'request')} in progress\n`);
    await tags.stop();
  } finally {
    await pool.close();
    interrupt.release();
  }
}

/** Name of a backend that every worker can open. @throws ArgumentError if a device was requested */
async function backendFor(
  asked: string,
  terminal: Terminal,
): Promise<{ readonly name: string; readonly backend: string }> {
  const { kernels } = await openBackend(asked, terminal);
  const { backend } = kernels;
  kernels.dispose();
  const name = repeatable(backend);
  if (name !== undefined) return { name, backend };
  if (asked === 'auto') return backendFor('wasm', terminal).catch(() => backendFor('cpu', terminal));
  throw new ArgumentError(`--backend ${asked}: the backend ${backend} runs on one thread only, and requests use several: choose cpu or wasm`); // prettier-ignore
}

/** Starts listening. @returns the URL. @throws BpttError if the address is taken or unknown */
async function listen({ server }: TagServer, { host, port }: Options): Promise<string> {
  const shown = host.includes(':') ? `[${host}]` : host;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is in use' : code === 'EACCES' ? 'you may not use this port' : message; // prettier-ignore
    throw new BpttError(`cannot listen on ${shown}:${port}: ${why}: pass another --host or --port; --port 0 picks a free one`); // prettier-ignore
  }
  return `http://${shown}:${(server.address() as AddressInfo).port}`;
}
