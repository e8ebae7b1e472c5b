/** Requests that are wrong, slow or made to do harm; no room; workers that end; the end of the server. */
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { bptt } from '../../support/cli';
import { bpttHere } from '../../support/cli-here';
import { readPrometheus } from '../../support/prometheus';
import type { Served } from '../../support/serve';
import { serve } from '../../support/serve';
import { createWorkspace, TINY } from '../../support/workspace';

const space = createWorkspace();
const running: Served[] = [];

/** A cell that waits while a file is there, and ends its thread where another one is. */
const HELD = `import cell from './leaky.mjs';
import { existsSync, rmSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
const pause = new Int32Array(new SharedArrayBuffer(4));
export default {
  ...cell,
  stepForward(...step) {
    while (!isMainThread && existsSync('flags/hold')) Atomics.wait(pause, 0, 0, 5);
    if (!isMainThread && existsSync('flags/crash')) {
      rmSync('flags/crash');
      process.exit(3);
    }
    cell.stepForward(...step);
  },
};
`;
const flag = (name: string) => join(space.folder, 'flags', name);
const raise = (name: string): void => writeFileSync(flag(name), '');

beforeAll(() => {
  mkdirSync(join(space.folder, 'flags'));
  copyFileSync(join(__dirname, '../../support/leaky.mjs'), space.at('leaky.mjs'));
  space.write('held.mjs', HELD);
  const flags = ['--cell', './leaky.mjs', '--epochs', '1', '--quiet', '--out', 'model.safetensors'];
  expect(bptt(['train', '--train', 'train.tsv', ...TINY, ...flags], { cwd: space.folder }).stderr).toBe('');
});
afterAll(async () => {
  for (const served of running) await served.stop('SIGKILL');
  space.remove();
});

async function start(...args: string[]): Promise<Served> {
  const server = await serve(space.folder, ['model.safetensors', '--cell', './held.mjs', '--workers', '1', ...args]);
  running.push(server);
  return server;
}

/** Status, name and line of a refusal. */
function refusalOf({ status, body }: { readonly status: number; readonly body: string }) {
  const { error } = JSON.parse(body) as { error: { code: string; message: string } };
  expect(Object.keys(error)).toEqual(['code', 'message']);
  expect(error.message).toMatch(/^[^\n]+$/);
  expect(error.message).not.toMatch(/node:|\.js:\d/); // no stack
  return [status, error.code, error.message];
}

describe('what is wrong with a request is said', () => {
  let server: Served;
  beforeAll(async () => void (server = await start('--max-body', '2000', '--timeout', '20')));
  const JSON_TYPE = 'application/json';
  const LINES = 'application/x-ndjson';

  test.each<[string, string | Uint8Array, string, string, number, string, string]>([
    ['no sentence', ' \n ', 'text/plain', '', 400, 'bad_request', 'text: no sentences: the input is empty'],
    ['invalid UTF-8', Uint8Array.of(0x61, 0xff), 'text/plain', '', 400, 'bad_request', 'the body is not UTF-8: encode it as UTF-8'], // prettier-ignore
    ['a NUL byte', 'a\0b', 'text/plain', '', 400, 'bad_request', 'text:1'],
    ['no JSON', '{"text": ', JSON_TYPE, '', 400, 'bad_request', 'the body is not JSON'],
    ['deep JSON', `{"sentences":${'['.repeat(900)}${']'.repeat(900)}}`, JSON_TYPE, '', 400, 'bad_request', 'the body has brackets nested deeper than 32 levels: send flat JSON'], // prettier-ignore
    ['a key twice', '{"text":"a","text":"b"}', JSON_TYPE, '', 400, 'bad_request', '"text"'],
    [
      'a list',
      '["a"]',
      JSON_TYPE,
      '',
      400,
      'bad_request',
      'the body: expected an object with "text", "tokens" or "sentences"',
    ],
    ['two of them', '{"text":"a","tokens":["a"]}', JSON_TYPE, '', 400, 'bad_request', 'expected exactly one of'],
    ['none of them', '{}', JSON_TYPE, '', 400, 'bad_request', 'expected exactly one of'],
    ['another field', '{"txt":"a"}', JSON_TYPE, '', 400, 'bad_request', 'unknown field "txt"'],
    ['a number as text', '{"text":3}', JSON_TYPE, '', 400, 'bad_request', '"text" must be a string'],
    [
      'a string as tokens',
      '{"tokens":"a b"}',
      JSON_TYPE,
      '',
      400,
      'bad_request',
      '"tokens" must be an array of strings',
    ],
    ['an empty token', '{"tokens":["a",""]}', JSON_TYPE, '', 400, 'bad_request', '"tokens"[1] must be a string that is not empty'], // prettier-ignore
    [
      'a token that is a number',
      '{"sentences":[["a"],[1]]}',
      JSON_TYPE,
      '',
      400,
      'bad_request',
      '"sentences"[1][0] must be',
    ],
    ['sentences that are none', '{"sentences":{}}', JSON_TYPE, '', 400, 'bad_request', '"sentences" must be an array'],
    ['a bad line', '{"text":"a"}\n{"text":}', LINES, '', 400, 'bad_request', 'line 2 is not JSON'],
    ['no lines', '\n\n', LINES, '', 400, 'bad_request', 'the body has no lines'],
    ['another parameter', 'a', 'text/plain', '?output=conll', 400, 'bad_request', 'unknown parameter "output"'],
    [
      'a parameter that is neither',
      'a',
      'text/plain',
      '?probabilities=1',
      400,
      'bad_request',
      'probabilities must be true or false',
    ],
    [
      'another type',
      'a=b',
      'application/x-www-form-urlencoded',
      '',
      415,
      'unsupported_media_type',
      'is not supported: send text/plain',
    ],
    ['another charset', 'a', 'text/plain; charset=latin1', '', 415, 'unsupported_media_type', 'send UTF-8'],
    ['a body that is too long', 'a '.repeat(3000), 'text/plain', '', 413, 'too_large', 'more than 2000 bytes'],
    ['one that is far too long', 'a '.repeat(30_000), 'text/plain', '', 413, 'too_large', 'raise --max-body'],
  ])('%s', async (_, body, type, query, status, code, message) => {
    expect(refusalOf(await server.post(body, type, query))).toEqual([status, code, expect.stringContaining(message)]);
  });

  test('paths, methods and encodings that there are not', async () => {
    const of = async (path: string, init: RequestInit) => {
      const answer = await fetch(server.url + path, init);
      return { status: answer.status, body: await answer.text(), allow: answer.headers.get('allow') };
    };
    expect(refusalOf(await of('/v1/nothing', {}))).toEqual([404, 'not_found', 'not found: see GET /openapi.json']);
    expect(refusalOf(await of('/constructor', {}))).toEqual([404, 'not_found', expect.any(String)]);
    const put = await of('/v1/tag', { method: 'PUT', body: 'a' });
    expect([...refusalOf(put), put.allow]).toEqual([
      405,
      'method_not_allowed',
      'this path accepts POST, OPTIONS',
      'POST, OPTIONS',
    ]);
    expect(refusalOf(await of('/metrics', { method: 'DELETE' }))[0]).toBe(405);
    expect((await of('/v1/tag', { method: 'HEAD' })).status).toBe(405);
    const zipped = { method: 'POST', body: 'a', headers: { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' } };
    expect(refusalOf(await of('/v1/tag', zipped))[0]).toBe(415);
    const options = await fetch(`${server.url}/v1/tag`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('access-control-allow-origin')]).toEqual([204, null]);
  });

  test('bytes that are not HTTP, headers without an end, chunks that go on and on', async () => {
    expect(await server.raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"bad_request"/s);
    expect(await server.raw(`GET /health HTTP/1.1\r\nX: ${'y'.repeat(40_000)}`)).toMatch(/^HTTP\/1\.1 431 /);
    const head =
      'POST /v1/tag HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await server.raw(head + `400\r\n${'a'.repeat(1024)}\r\n`.repeat(20))).toMatch(
      /^HTTP\/1\.1 413 .*too_large/s,
    );
  });

  test('it goes on as before, and has counted all of it', async () => {
    const { status, body } = await server.post('They run.', 'text/plain');
    expect([status, body]).toEqual([200, expect.stringContaining('"tokens":["They","run","."]')]);
    const families = readPrometheus(await (await fetch(`${server.url}/metrics`)).text());
    const of = (want: string) => families.get('bptt_http_requests_total')!.samples.filter(({ labels }) => labels.status === want); // prettier-ignore
    expect(of('400').length).toBeGreaterThan(0);
    expect(of('404').map(({ labels }) => labels.route)).toEqual(['other']);
    expect(of('200').find(({ labels }) => labels.route === '/v1/tag')?.value).toBe(1);
    expect(await server.metric('bptt_tokens_total')).toBe(3);
    const { samples, type } = families.get('bptt_http_request_duration_seconds')!;
    expect([type, samples.some(({ labels }) => labels.route === '/v1/tag')]).toEqual(['histogram', true]);
  });

  test('a client that leaves in the middle leaves nothing behind', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      'POST /v1/tag HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nThey',
    );
    while ((await server.metric('bptt_http_open_requests')) < 2); // that of the metrics too
    socket.destroy();
    while ((await server.metric('bptt_http_open_requests')) > 1);
    expect((await server.post('They run.', 'text/plain')).status).toBe(200);
  });
});

test('no room is 503 with Retry-After; a signal ends the server when all is answered', async () => {
  const server = await start('--queue', '1');
  raise('hold');
  const held = [server.post('They run.', 'text/plain'), server.post('We run.', 'text/plain')];
  while ((await server.metric('bptt_jobs')) < 2);
  const third = await server.post('You run.', 'text/plain');
  expect(refusalOf(third)).toEqual([503, 'busy', '2 requests wait or run already: try again']);
  expect(third.headers.get('retry-after')).toBe('1');
  server.child.kill('SIGTERM');
  const refused = async () => fetch(`${server.url}/ready`).then((answer) => answer.status !== 503, () => true); // prettier-ignore
  while (!(await refused()));
  rmSync(flag('hold'));
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
  const { code, stderr } = await server.ended;
  expect([code, stderr]).toEqual([0, expect.stringContaining('stopping, 2 requests in progress')]);
});

test('a worker that ends is replaced and counted; its request gets an error, the next an answer', async () => {
  const server = await start();
  raise('crash');
  expect(refusalOf(await server.post('They run.', 'text/plain'))).toEqual([500, 'worker_lost', 'the worker of this request ended, and was replaced: try again']); // prettier-ignore
  expect(existsSync(flag('crash'))).toBe(false);
  expect((await server.post('They run.', 'text/plain')).status).toBe(200);
  expect(await server.metric('bptt_worker_restarts_total')).toBe(1);
});

test('what takes too long is ended: a slow sender with 408, a slow answer with 503', async () => {
  const server = await start('--timeout', '0.4');
  expect(await server.raw('POST /v1/tag HTTP/1.1\r\nHost: localhost\r\nContent-')).toMatch(
    /^HTTP\/1\.1 408 .*"timeout"/s,
  );
  const body = 'POST /v1/tag HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nThey';
  expect(await server.raw(body)).toMatch(/^HTTP\/1\.1 408 .*"timeout"/s);
  raise('hold');
  const late = await server.post('They run.', 'text/plain');
  expect([...refusalOf(late), late.headers.get('retry-after')]).toEqual([503, 'timeout', expect.any(String), '1']);
  rmSync(flag('hold'));
  expect((await server.stop()).code).toBe(0);
});

test('at a loopback address a Host of another machine is refused, whatever the path', async () => {
  const server = await start('--allow-host', 'tags.example.org,b');
  const statusOf = async (host: string | undefined, path = '/health') => {
    const head = host === undefined ? `GET ${path} HTTP/1.0\r\n` : `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
    return Number((await server.raw(`${head}Connection: close\r\n\r\n`)).slice(9, 12));
  };
  for (const own of [
    'localhost',
    'LocalHost:1',
    'a.localhost',
    '127.0.0.1',
    '127.1.2.3:80',
    '[::1]:99',
    'localhost.',
    'tags.example.org',
    'B:8080',
    undefined,
  ]) {
    expect([own, await statusOf(own)]).toEqual([own, 200]);
  }
  for (const foreign of [
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'xlocalhost',
    '192.168.0.1',
    '[::2]',
    'example.org',
    '',
  ]) {
    expect([foreign, await statusOf(foreign)]).toEqual([foreign, 403]);
  }
  for (const path of ['/metrics', '/openapi.json', '/ready', '/v1/tag', '/nothing'])
    expect(await statusOf('evil.example', path)).toBe(403);
  const post =
    'POST /v1/tag HTTP/1.1\r\nHost: evil.example\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nThey';
  const answer = await server.raw(post);
  expect(refusalOf({ status: Number(answer.slice(9, 12)), body: answer.split('\r\n\r\n')[1] })).toEqual([403, 'foreign_host', expect.stringContaining('--allow-host')]); // prettier-ignore
  expect((await server.stop()).code).toBe(0);
});

test('what the command line refuses', async () => {
  const run = (...args: string[]) => bptt(['serve', 'model.safetensors', '--cell', './leaky.mjs', ...args], { cwd: space.folder }); // prettier-ignore
  const here = (...args: string[]) =>
    bpttHere(['serve', 'model.safetensors', '--cell', './leaky.mjs', ...args], space.folder);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const busy = run('--workers', '1', '--port', String(port));
  taken.close();
  expect([busy.status, busy.stderr]).toEqual([1, `bptt: cannot listen on 127.0.0.1:${port}: the port is in use: pass another --host or --port; --port 0 picks a free one\n`]); // prettier-ignore
  for (const wrong of [['--port', '65536'], ['--port', 'x'], ['--workers', '0'], ['--timeout', '0'], ['--max-body', '0'], ['--cors', 'example.org'], ['--cors', 'http://a/b'], ['--allow-host', 'a:80'], ['--allow-host', 'a,'], ['--allow-host', 'http://a'], ['--allow-host', 'a', '--host', '0.0.0.0'], ['--queue', '-1']]) expect([wrong, (await here(...wrong)).status]).toEqual([wrong, 2]); // prettier-ignore
  expect(run('--backend', 'nothing').status).toBe(2);
  const missing = bptt(['serve', 'nowhere.safetensors'], { cwd: space.folder });
  expect([missing.status, missing.stderr]).toEqual([
    65,
    expect.stringMatching(/^bptt: nowhere\.safetensors: [^\n]+\n$/),
  ]);
});

test('the reader of metrics finds what is wrong', () => {
  const head = '# HELP a_total A.\n# TYPE a_total counter\n';
  expect(readPrometheus(`${head}a_total{b="c\\"d"} 3\n`).get('a_total')!.samples[0].labels).toEqual({ b: 'c"d' });
  const histogram = '# HELP h H.\n# TYPE h histogram\n';
  for (const wrong of [
    `${head}a_total 3`,
    `${head}a_total three\n`,
    `${head}a_total -1\n`,
    `${head}a_total 1\na_total 2\n`,
    `${head}a_total{b="c} 3\n`,
    `${head}b_total 3\n`,
    'a_total 3\n',
    `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
    `${histogram}h_bucket{le="1"} 2\nh_sum 1\nh_count 2\n`,
    `${histogram}h_bucket{le="+Inf"} 2\nh_sum 1\nh_count 3\n`,
  ]) {
    expect(() => readPrometheus(wrong)).toThrow();
  }
});
