/** The routes of `bptt serve`. */
import { BpttError, WorkerError } from '../../tensor/errors.js';
import { inputsOf, mediaTypeOf, readBody } from './body.js';
import { HttpError } from './http-error.js';
import type { ServeJob, ServeResult, Wanted } from './jobs.js';
import type { Gauges, Metrics } from './metrics.js';
import type { Handler, Reply, Routes } from './server.js';

/** Dependencies of the routes. */
export interface RouteOptions {
  readonly metrics: Metrics;
  readonly gauges: () => Gauges;
  /** Runs a job on a worker. */
  readonly run: (job: ServeJob) => Promise<ServeResult>;
  /** Called when a worker has ended, so that another can be started. */
  readonly replace: () => void;
  readonly ready: () => boolean;
  /** Maximum size of a body in bytes. */
  readonly maxBody: number;
  /** Whether a head of the model annotates spans. */
  readonly hasSpans: boolean;
  /** The OpenAPI description, as JSON. */
  readonly openapi: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** All paths. */
export function routesOf(options: RouteOptions): Routes {
  const { metrics, gauges, ready, openapi } = options;
  const state = (status: number, word: string): Reply => ({ status, type: JSON_TYPE, body: `{"status":"${word}"}\n` });
  return {
    '/v1/tag': { POST: tagHandler(options) },
    '/health': { GET: () => state(200, 'ok') },
    '/ready': { GET: () => (ready() ? state(200, 'ready') : state(503, 'not ready')) },
    '/metrics': {
      GET: () => ({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.text(gauges()) }),
    },
    '/openapi.json': { GET: () => ({ status: 200, type: JSON_TYPE, body: openapi }) },
  };
}

function tagHandler(options: RouteOptions): Handler {
  const { metrics, maxBody } = options;
  return async (request, query, signal) => {
    const wanted = wantedOf(query, options);
    const type = mediaTypeOf(request);
    expectRoom(options); // before the body: an overloaded server does not read it
    const inputs = inputsOf(await readBody(request, maxBody, signal), type);
    expectRoom(options);
    const { answers, sentences, tokens } = await inTime(run(options, { inputs, wanted }), signal);
    metrics.labeled(sentences, tokens);
    const lines = answers.map((own) => `{"sentences":${own}}\n`);
    const note = { sentences, tokens };
    if (type !== 'application/x-ndjson') return { status: 200, type: JSON_TYPE, body: lines[0], note };
    return { status: 200, type: 'application/x-ndjson; charset=utf-8', body: lines.join(''), note };
  };
}

/** The options of a request. @throws HttpError 400 on an unknown option, and on spans for a model that does not annotate any */
function wantedOf(query: URLSearchParams, { hasSpans }: RouteOptions): Wanted {
  const wanted = { probabilities: false, spans: false };
  for (const [name, value] of query) {
    const fail = (message: string): HttpError => new HttpError(400, 'bad_request', message);
    if (!Object.hasOwn(wanted, name)) throw fail(`unknown parameter ${JSON.stringify(name.slice(0, 40))}: expected ${Object.keys(wanted).join(' or ')}`); // prettier-ignore
    if (value !== 'true' && value !== 'false') throw fail(`the parameter ${name} must be true or false`);
    wanted[name as keyof Wanted] = value === 'true';
  }
  if (!wanted.spans || hasSpans) return wanted;
  throw new HttpError(400, 'bad_request', 'the labels of this model are not spans, such as B-PER: leave spans out');
}

/** @throws HttpError 503 if the maximum number of jobs are waiting or running */
function expectRoom({ gauges }: RouteOptions): void {
  const { jobs, limit } = gauges();
  if (jobs >= limit) throw new HttpError(503, 'busy', `${limit} requests wait or run already: try again`, { 'Retry-After': '1' }); // prettier-ignore
}

/** @throws HttpError 400 if the input is invalid, 500 if a worker ended */
async function run({ run: work, replace, metrics }: RouteOptions, job: ServeJob): Promise<ServeResult> {
  try {
    return await work(job);
  } catch (error) {
    if (error instanceof WorkerError) {
      metrics.workerLost();
      replace();
      throw new HttpError(500, 'worker_lost', 'the worker of this request ended, and was replaced: try again');
    }
    if (error instanceof BpttError && error.name === 'DataError')
      throw new HttpError(400, 'bad_request', error.message);
    throw error;
  }
}

/** @throws HttpError 503 if the request times out first; the result of the job is then discarded */
function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new HttpError(503, 'timeout', 'the request took too long: send less at once, or raise --timeout', { 'Retry-After': '1' })); // prettier-ignore
    if (signal.aborted) late();
    signal.addEventListener('abort', late);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}
