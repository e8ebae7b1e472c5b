/** What `bptt serve` answers: what `bptt tag` writes, in the form that its OpenAPI description says. */
import Ajv from 'ajv';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapi } from '../../../src/cli/serve/openapi';
import { createCpuKernels } from '../../../src/kernels/index';
import type { TrainOptions } from '../../../src/labeling/index';
import { generateCorpus, saveModel, train } from '../../../src/labeling/index';
import { bpttHere } from '../../support/cli-here';
import type { Served } from '../../support/serve';
import { serve } from '../../support/serve';
import { createWorkspace } from '../../support/workspace';

const SCHEMA = join(process.cwd(), 'schema/serve-openapi-1.json');
const space = createWorkspace();
const running: Served[] = [];
afterAll(async () => {
  for (const served of running) await served.stop('SIGKILL');
  space.remove();
});

const ajv = new Ajv();
ajv.addSchema({ $id: 'api', ...openapi });
const fits = (name: string, value: unknown): string => {
  const validate = ajv.getSchema(`api#/components/schemas/${name}`)!;
  return validate(value) ? 'fits' : ajv.errorsText(validate.errors);
};

/** Spans, a first letter, and a category by length. */
const corpus = generateCorpus({ sentences: 40, seed: 1 }).map(({ tokens }) => {
  const inside = tokens.map((word) => /^.?[aeo]/.test(word));
  const labels = inside.map((is, t) => (!is ? 'O' : inside[t - 1] ? 'I-X' : 'B-X'));
  const columns = { ner: labels, first: tokens.map((word) => word[0].toUpperCase()) };
  return { tokens, labels, columns, category: tokens.length > 6 ? 'long' : 'short' };
});

async function served(name: string, options: TrainOptions, ...args: string[]): Promise<Served> {
  const small = { embedding: 4, hidden: 5, epochs: 2, batch: 8, lr: 0.05, minCount: 1 };
  const { model } = await train(createCpuKernels(), { train: corpus }, { ...small, ...options });
  space.write(name, saveModel(model));
  const server = await serve(space.folder, [name, '--workers', '1', ...args]);
  running.push(server);
  return server;
}

const TEXT = 'The dogs sat. They run!\n\nA cat — naïve, 😀 — slept.';

/** The lines that `bptt tag --output jsonl` writes. */
async function tagged(name: string, input: string, ...args: string[]): Promise<unknown[]> {
  space.write('input.txt', input);
  const { status, stdout, stderr } = await bpttHere(
    ['tag', name, 'input.txt', '--output', 'jsonl', ...args],
    space.folder,
  );
  expect([status, stderr]).toEqual([0, '']);
  return stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown); // prettier-ignore
}

test('the schema file is the description that is served', () => {
  const text = `${JSON.stringify(openapi, null, 2)}\n`;
  if (process.env.BPTT_WRITE) writeFileSync(SCHEMA, text); // then format it
  expect(JSON.parse(readFileSync(SCHEMA, 'utf8'))).toEqual(JSON.parse(text));
  expect(openapi.openapi).toBe('3.1.0');
  const references = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(new Set(references)).toEqual(new Set(Object.keys(openapi.components.schemas)));
});

describe.each<[string, TrainOptions, boolean]>([
  ['tags', { head: 'softmax' }, true],
  ['crf', { head: 'crf', bidirectional: false }, true],
  ['heads', { columns: ['ner', 'first'] }, true],
  ['sentences', { task: 'classify' }, false],
  ['both', { task: 'slots-intent' }, true],
])('a model of %s', (name, options, hasSpans) => {
  let server: Served;
  beforeAll(async () => void (server = await served(`${name}.safetensors`, options)));

  test('answers what bptt tag writes, and what its description says', async () => {
    const { status, headers, body } = await server.post(TEXT, 'text/plain; charset=utf-8', '?probabilities=true');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    const answer = JSON.parse(body) as { sentences: unknown[] };
    const flags = name === 'sentences' ? [] : ['--probabilities'];
    expect(answer.sentences).toEqual(await tagged(`${name}.safetensors`, TEXT, ...flags));
    expect(fits('Answer', answer)).toBe('fits');
    const plain = JSON.parse((await server.post(TEXT, 'text/plain')).body) as typeof answer;
    expect(plain.sentences).toEqual(await tagged(`${name}.safetensors`, TEXT));
    expect(fits('Answer', plain)).toBe('fits');
  });

  test('JSON and JSON lines say the same as text', async () => {
    const whole = await server.post(TEXT, 'text/plain');
    const inputs = [{ text: TEXT }, { tokens: ['a', 'cat'] }, { sentences: [['a', 'cat'], ['dogs']] }];
    for (const input of inputs) expect(fits('Input', input)).toBe('fits');
    const alone = await Promise.all(inputs.map((input) => server.post(JSON.stringify(input), 'application/json')));
    expect(alone[0].body).toBe(whole.body);
    const lines = await server.post(inputs.map((input) => JSON.stringify(input)).join('\n\n'), 'application/x-ndjson');
    expect(lines.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(lines.body).toBe(alone.map(({ body }) => body).join(''));
    const sentences = (JSON.parse(alone[2].body) as { sentences: unknown[] }).sentences;
    expect(sentences.map((each) => (each as { tokens: string[] }).tokens)).toEqual([['a', 'cat'], ['dogs']]);
    expect((await server.post('{"sentences":[]}', 'application/json')).body).toBe('{"sentences":[]}\n');
  });

  test('spans, where labels annotate any', async () => {
    const { status, body } = await server.post(TEXT, 'text/plain', '?spans=true&probabilities=false');
    if (!hasSpans) return expect([status, body]).toEqual([400, expect.stringContaining('are not spans')]);
    const answer = JSON.parse(body) as { sentences: unknown[] };
    expect(answer.sentences).toEqual(await tagged(`${name}.safetensors`, TEXT, '--spans'));
    expect(fits('Answer', answer)).toBe('fits');
  });
});

describe('beside tagging', () => {
  let server: Served;
  beforeAll(async () => void (server = await served('more.safetensors', {}, '--cors', 'https://example.org', '--log')));
  const get = (path: string, init: RequestInit = {}) => fetch(server.url + path, init);

  test('states, the description, methods and request ids', async () => {
    for (const [path, status] of [
      ['/health', 'ok'],
      ['/ready', 'ready'],
    ] as const) {
      const answer = await get(path);
      const body = (await answer.json()) as object;
      expect([answer.status, body, fits('State', body)]).toEqual([200, { status }, 'fits']);
      const head = await get(path, { method: 'HEAD' });
      expect([head.status, await head.text()]).toEqual([200, '']);
    }
    expect(await (await get('/openapi.json')).json()).toEqual(JSON.parse(JSON.stringify(openapi)));
    const own = await get('/health', { headers: { 'X-Request-Id': 'mine-1' } });
    expect(own.headers.get('x-request-id')).toBe('mine-1');
    const foreign = await get('/health', { headers: { 'X-Request-Id': 'two words' } });
    expect(foreign.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('--cors lets one origin read', async () => {
    const preflight = await get('/v1/tag', { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': 'https://example.org',
      'access-control-allow-methods': 'POST, OPTIONS',
      vary: 'Origin',
      allow: 'POST, OPTIONS',
    });
    expect((await get('/health')).headers.get('access-control-allow-origin')).toBe('https://example.org');
  });

  test('a graceful end, with a line for each request', async () => {
    await server.post('They run.', 'text/plain');
    const { code, stderr } = await server.stop('SIGINT');
    expect(code).toBe(0);
    expect(stderr).toContain('bptt: more.safetensors, 1 worker, backend ');
    expect(stderr).toContain('bptt: stopping, 0 requests in progress\n');
    const lines = stderr.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    expect(lines.at(-1)).toMatchObject({ method: 'POST', path: '/v1/tag', status: 200, sentences: 1, tokens: 3 });
    expect(lines.find(({ id }) => id === 'mine-1')).toMatchObject({ method: 'GET', path: '/health', status: 200 });
  });
});
