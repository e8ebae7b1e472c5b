/** The HTTP server of `bptt serve`: routes, limits, errors and graceful shutdown. It is independent of models, which `routes` handles. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody, HttpError } from './http-error.js';
import type { Metrics } from './metrics.js';

/** An answer. */
export interface Reply {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Log fields of the answer. */
  readonly note?: Readonly<Record<string, number>>;
}

/** Answers one kind of request. `signal` is aborted when it times out. */
export type Handler = (request: IncomingMessage, query: URLSearchParams, signal: AbortSignal) => Reply | Promise<Reply>;

/** Handlers by path and method. HEAD is answered like GET, OPTIONS with the available methods. */
export type Routes = Readonly<Record<string, Readonly<Partial<Record<'GET' | 'POST', Handler>>>>>;

/** Configuration of a server. */
export interface ServerOptions {
  readonly routes: Routes;
  readonly metrics: Metrics;
  /** Timeout of a request in milliseconds, including its arrival. */
  readonly timeout: number;
  /** The origin whose pages may read responses, or `*`; absent for none. */
  readonly cors?: string;
  /** Whether a name in the Host header belongs to this server; absent to accept any. */
  readonly isOwnHost?: (name: string) => boolean;
  /** Receives one line per request; absent for no log. */
  readonly log?: (line: string) => void;
}

/** A server that can be stopped without losing a request. */
export interface TagServer {
  readonly server: Server;
  /** Number of requests in progress. */
  readonly open: () => number;
  readonly stopping: () => boolean;
  /** Stops accepting connections, completes requests in progress within the request timeout, and ends. */
  stop(): Promise<void>;
}

/** Maximum number of connections, including idle ones. */
const MOST_CONNECTIONS = 1024;

/** Creates the server without listening. */
export function createTagServer(options: ServerOptions): TagServer {
  const { metrics, timeout } = options;
  const state = { open: 0, stopping: false };
  const server = createServer(
    {
      requestTimeout: timeout, // of a slow sender: 408
      headersTimeout: Math.min(timeout, 10_000),
      keepAliveTimeout: 65_000, // longer than proxies keep theirs: the server must not close first
      connectionsCheckingInterval: Math.min(1000, timeout),
      maxHeaderSize: 16_384,
    },
    (request, response) => void answer(request, response, options, state),
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseRaw(error, socket, metrics));
  return {
    server,
    open: () => state.open,
    stopping: () => state.stopping,
    async stop() {
      state.stopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), timeout);
      await closed;
      clearTimeout(late);
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ServerOptions,
  state: { open: number; readonly stopping: boolean },
): Promise<void> {
  const { routes, metrics, timeout, log, cors } = options;
  const started = performance.now();
  const { pathname, searchParams } = urlOf(request);
  const route = Object.hasOwn(routes, pathname) ? pathname : 'other';
  const method = KNOWN_METHODS.includes(request.method ?? '') ? request.method! : 'other';
  const id = idOf(request);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeout);
  state.open++;
  let reply: Reply = { status: 499 }; // from a client that disconnected before its answer
  response.on('close', () => {
    clearTimeout(timer);
    controller.abort();
    state.open--;
    const seconds = (performance.now() - started) / 1000;
    metrics.request({ route, method, status: reply.status }, seconds);
    log?.(JSON.stringify({ time: new Date().toISOString(), id, method, path: pathname.slice(0, 200), status: reply.status, ms: Math.round(seconds * 1e4) / 10, ...reply.note })); // prettier-ignore
  });
  const given = isForeign(request, options)
    ? refusal(new HttpError(403, 'foreign_host', 'the header Host names another machine: use localhost, or start the server with --allow-host')) // prettier-ignore
    : await replyTo(request, routes[route === 'other' ? '' : route], searchParams, controller.signal);
  if (response.destroyed) return;
  reply = given;
  const { status, type, body = '', headers } = reply;
  // Prevents unread bytes from being mistaken for the next request.
  const unread = !request.complete || state.stopping;
  response.writeHead(status, {
    'X-Request-Id': id,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...(type !== undefined && { 'Content-Type': type, 'Content-Length': String(Buffer.byteLength(body)) }),
    ...(unread && { Connection: 'close' }),
    ...(cors !== undefined && { 'Access-Control-Allow-Origin': cors, ...(cors !== '*' && { Vary: 'Origin' }) }),
    ...headers,
    ...(status === 204 && cors !== undefined && { 'Access-Control-Allow-Methods': headers?.Allow ?? '', 'Access-Control-Allow-Headers': 'Content-Type, X-Request-Id' }), // prettier-ignore
  });
  response.end(body);
}

/**
 * Whether a request is addressed to another host. A page whose name was bound to a loopback address after loading (DNS rebinding)
 * has the same origin as the server, so that CORS does not block it; the name in its Host header reveals it. Browsers always send
 * one.
 */
function isForeign({ headers: { host } }: IncomingMessage, { isOwnHost }: ServerOptions): boolean {
  if (host === undefined || isOwnHost === undefined) return false;
  return !isOwnHost(host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase());
}

const KNOWN_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'];

/** Returns the answer to a request; never throws. */
async function replyTo(
  request: IncomingMessage,
  handlers: Routes[string] | undefined,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<Reply> {
  try {
    if (handlers === undefined) throw new HttpError(404, 'not_found', 'not found: see GET /openapi.json');
    const allowed = [...(handlers.GET ? ['GET', 'HEAD'] : []), ...(handlers.POST ? ['POST'] : []), 'OPTIONS'].join(
      ', ',
    );
    const { method } = request;
    if (method === 'OPTIONS') return { status: 204, headers: { Allow: allowed } };
    const handler =
      method === 'POST' ? handlers.POST : method === 'GET' || method === 'HEAD' ? handlers.GET : undefined;
    if (handler === undefined) {
      throw new HttpError(405, 'method_not_allowed', `this path accepts ${allowed}`, { Allow: allowed });
    }
    return await handler(request, query, signal);
  } catch (error) {
    return refusal(error);
  }
}

/** The response to an error; for an internal error, it contains no details. */
function refusal(error: unknown): Reply {
  const known =
    error instanceof HttpError ? error : new HttpError(500, 'internal', 'the request failed inside the server');
  const { status, code, message, headers } = known;
  return { status, type: 'application/json; charset=utf-8', body: errorBody(code, message), headers };
}

/** Requests that Node's parser rejects have no response object: the answer is written to the socket. */
function refuseRaw(error: NodeJS.ErrnoException, socket: Socket, metrics: Metrics): void {
  const [status, code, message] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ([408, 'timeout', 'the request did not arrive in time'] as const)
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ([431, 'too_large', 'the headers are too long'] as const)
        : ([400, 'bad_request', 'this is not an HTTP/1.1 request'] as const);
  metrics.request({ route: 'other', method: 'other', status }, 0);
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const body = errorBody(code, message);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body);
}

/** Path and query of a request; for an invalid target, a path that does not exist. */
function urlOf({ url = '' }: IncomingMessage): Pick<URL, 'pathname' | 'searchParams'> {
  const at = url.indexOf('?');
  const pathname = at < 0 ? url : url.slice(0, at);
  return { pathname, searchParams: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)) };
}

/** The request id given by the client, else a new one. */
function idOf({ headers }: IncomingMessage): string {
  const own = headers['x-request-id'];
  return typeof own === 'string' && /^[\w.:-]{1,64}$/.test(own) ? own : randomUUID();
}
