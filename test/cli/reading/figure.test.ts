import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Trace } from '../../../src/inspect';
import { valueAt } from '../../../src/inspect';
import { bpttHere } from '../../support/cli-here';
import { marksOf } from '../../inspect/views/marks';
import { jsonOf } from './support';

const SENTENCE = 'the cat near the dogs sat';
const MODEL = ['--cell', 'gru', '--hidden', '3', '--embedding', '4'];

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-figure-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const write = (name: string, text: string | Uint8Array) => writeFileSync(join(folder, name), text);
const run = (...args: string[]) => bpttHere(args, folder);
const figure = (view: string, ...more: string[]) =>
  run('figure', view, SENTENCE, ...MODEL, '--svg', `${view}.svg`, ...more);
const verified = async (name: string, ...more: string[]) => {
  const { status, stdout, stderr } = await run('verify', name, '--json', ...more);
  return { status, stderr, ...(JSON.parse(stdout || '{}') as { marks?: number; differing?: number }) };
};

describe.each(['strip', 'reach', 'stepper', 'ledger', 'gates', 'norms'])('bptt figure %s', (view) => {
  test('draws numbers of the trace, writes them as a table, and is verified', async () => {
    const { status, stdout, stderr } = await figure(view, '--csv', `${view}.csv`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const trace = await jsonOf<Trace>(['inspect', SENTENCE, ...MODEL, '--checks', '0']);
    const svg = read(`${view}.svg`);
    const marks = marksOf(svg);
    expect(marks.length).toBeGreaterThan(5);
    for (const { v, ref, block } of marks) if (!block) expect(Number(v)).toBe(valueAt(trace, ref));
    expect(read(`${view}.csv`)).toMatch(/^[^\r\n]+\r\n[^\r\n]/);
    expect(await verified(`${view}.svg`)).toEqual({ status: 0, stderr: '', marks: marks.length, differing: 0 });
  });
});

test.each(['check', 'saliency', 'equation'])(
  'bptt figure %s draws numbers that bptt verify finds again',
  async (view) => {
    expect(await figure(view)).toMatchObject({ status: 0, stderr: '' });
    const found = await verified(`${view}.svg`);
    expect(found).toMatchObject({ status: 0, differing: 0 });
    expect(found.marks).toBeGreaterThan(10);
  },
);

test('three cells, in every theme and language', async () => {
  for (const [theme, language] of [
    ['light', 'en'],
    ['dark', 'de'],
    ['print', 'en'],
  ]) {
    const args = ['figure', 'compare', SENTENCE, '--cells', 'rnn,gru', '--seeds', '2', '--hidden', '3'];
    const { status } = await run(...args, '--theme', theme, '--language', language, '--svg', 'c.svg');
    expect(status).toBe(0);
    expect(read('c.svg')).toContain(`lang="${language}"`);
    expect(await verified('c.svg')).toMatchObject({ status: 0, differing: 0 });
  }
});

test('the metadata: command, version, weights, conventions', async () => {
  await figure('reach', '--variable', 'h', '--normalize', 'absolute', '--loss-seed', 'margin');
  const text = /<metadata>(.*?)<\/metadata>/s.exec(read('reach.svg'))![1];
  const found = JSON.parse(text.replace(/&quot;/g, '"').replace(/&#39;/g, "'")) as Record<string, unknown>;
  expect(found).toMatchObject({
    command: `bptt figure reach '${SENTENCE}' ${MODEL.join(' ')} --loss-seed margin --variable h --normalize absolute`,
    version: (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version,
    conventions: { variable: 'h', normalization: 'absolute', seed: 'margin', norm: 'euclidean' },
  });
  expect(found.model).toMatch(/^[\da-f]{64}$/);
});

describe('bptt verify finds', () => {
  beforeAll(() => figure('reach'));

  test.each([
    [
      'another number',
      (svg: string) => svg.replace(/data-v="(?:- )*0\.(\d)/, (_, d: string) => `data-v="0.${(Number(d) + 1) % 10}`),
    ],
    ['a number of a row', (svg: string) => svg.replace(/(data-v="\S+ \S+ 0\.)\d/, '$19')],
    ['another color', (svg: string) => svg.replace(/(role="cell"[^<>]*fill=")#[\da-f]{6}/, '$1#123456')],
    [
      'another color of a bar',
      (svg: string) => svg.replace(/(<rect[^<>]*fill=")#[\da-f]{6}("[^<>]*data-v)/, '$1#123456$2'),
    ],
    ['a cell that is gone', (svg: string) => svg.replace(/<rect role="cell"[^<>]*fill="#[^<>]*>/, '<rect>')],
    ['a cell more', (svg: string) => svg.replace(/<rect role="cell"[^<>]*fill="#[^<>]*>/, '$&$&')],
    [
      'another place',
      (svg: string) => svg.replace('data-ref="/reach/retention/2/{}"', 'data-ref="/reach/retention/1/{}"'),
    ],
    ['a mark that is gone', (svg: string) => svg.replace(/<[a-z]+ [^<>]*data-v="[^<>]*>/, '<g>')],
  ])('%s: status 1', async (_, spoil) => {
    const spoiled = spoil(read('reach.svg'));
    expect(spoiled).not.toBe(read('reach.svg'));
    write('spoiled.svg', spoiled);
    const { status, differing, stderr } = await verified('spoiled.svg');
    expect(status).toBe(1);
    expect(differing).toBeGreaterThan(0);
    expect(stderr).toMatch(/^bptt: verify: spoiled\.svg: \d+ of \d+ marks differ.*\n$/);
  });

  test('other weights', async () => {
    write('spoiled.svg', read('reach.svg').replace(/(&quot;model&quot;:&quot;)\w{4}/, '$1ffff'));
    const { status, stderr } = await verified('spoiled.svg');
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /the model has other weights \(expected the SHA-256 ffff[\da-f]{12}; got [\da-f]{16}\): pass the model that made the figure/,
    );
  });
});

describe('a hostile figure ends with one line, status 65', () => {
  const withArguments = (args: unknown) => {
    const metadata = JSON.stringify({ arguments: args, model: 'x', version: '0' }).replace(/"/g, '&quot;');
    return `<svg xmlns="http://www.w3.org/2000/svg"><metadata>${metadata}</metadata></svg>`;
  };
  test.each([
    ['nothing', ''],
    ['no SVG', '<html><metadata>{}</metadata></html>'],
    ['no metadata', '<svg></svg>'],
    ['metadata twice', '<svg><metadata>{}</metadata><metadata>{}</metadata></svg>'],
    ['metadata that are no JSON', '<svg><metadata>{</metadata></svg>'],
    ['deep JSON', `<svg><metadata>${'['.repeat(100_000)}</metadata></svg>`],
    ['no arguments', '<svg><metadata>{"version":"1"}</metadata></svg>'],
    ['arguments that are not strings', withArguments([{}])],
    ['another command', withArguments(['--wings'])],
    ['an unknown view', withArguments(['flower', 'the cat'])],
    ['--help', withArguments(['--help'])],
    ['an empty sentence', withArguments(['reach', ''])],
    ['code to run', withArguments(['reach', 'the cat', '--cell', './evil.mjs'])],
    ['a training without an end', withArguments(['reach', 'the cat', '--train', '999999999'])],
    ['a model that does not fit into memory', withArguments(['reach', 'the cat', '--hidden', '9999999'])],
    ['a model file that is not there', withArguments(['reach', 'the cat', '/gone/model.safetensors'])],
    ['a file to write', withArguments(['reach', 'the cat', 'x.svg', '--svg', 'written.svg'])],
  ])('%s', async (_, svg) => {
    write('hostile.svg', svg);
    const { status, stdout, stderr } = await run('verify', 'hostile.svg');
    expect({ status, stdout }).toEqual({ status: 65, stdout: '' });
    expect(stderr).toMatch(/^bptt: hostile\.svg: .*\n$/);
    expect(readdirSync(folder)).not.toContain('written.svg');
  });

  test('bytes that are not text, and random damage', async () => {
    write('hostile.svg', Uint8Array.from([0xff, 0xfe, 0x00]));
    expect((await run('verify', 'hostile.svg')).status).toBe(65);
    await figure('strip');
    const whole = read('strip.svg');
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.nat(40), fc.string({ maxLength: 20 }), async (at, gone, text) => {
        write('hostile.svg', whole.slice(0, at) + text + whole.slice(at + gone));
        const { status, stderr } = await run('verify', 'hostile.svg');
        expect([0, 1, 65]).toContain(status);
        expect(stderr).toMatch(/^(bptt: .*\n|warning: .*\n)*$/);
        expect(stderr).not.toMatch(/TypeError|undefined is not|Cannot read/);
      }),
      { seed: 30, numRuns: 40 },
    );
  });
});

describe('files', () => {
  test.each([
    [['--svg', 'no/such/folder.svg'], 1],
    [['--svg', 'a.svg', '--csv', 'a.svg'], 2],
    [[], 2],
    [['--svg', 'a.svg', '--theme', 'pink'], 2],
    [['--svg', 'a.svg', '--language', 'xx'], 2],
    [['--svg', 'a.svg', '--loss', '99'], 2],
    [['--svg', 'a.svg', '--seeds', '3'], 2],
  ])('%j: status %i, one line, no file', async (more, code) => {
    const { status, stderr } = await run('figure', 'reach', SENTENCE, ...MODEL, ...more);
    expect(status).toBe(code);
    expect(stderr).toMatch(/^bptt: .*\n$/);
    expect(readdirSync(folder).filter((name) => name === 'a.svg' || name.startsWith('.bptt'))).toEqual([]);
  });
});
