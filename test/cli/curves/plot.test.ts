/** `bptt plot`: logs of real trainings and made ones, as a picture and as text; gaps, crashes, files that are something else. */
import { readFileSync, existsSync } from 'node:fs';
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { axisOf, tickText } from '../../../src/cli/curves/axis';
import { drawPicture, MOST_LINES } from '../../../src/cli/curves/chart-svg';
import { sparkline } from '../../../src/cli/curves/sparkline';
import { formatSentence, generateCorpus } from '../../../src/labeling/index.js';
import { bpttHere } from '../../support/cli-here';
import { createWorkspace, overriding, TINY } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
});
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(args, space.folder);

/** The paths of a picture, by their attributes. @throws where it is not well-formed XML */
function pathsOf(svg: string): Record<string, string>[] {
  const paths: Record<string, string>[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => void (name === 'path' && paths.push(attributes)));
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(svg).close();
  return paths;
}

interface Made {
  readonly [name: string]: unknown;
}
const epoch = (n: number, more: Made = {}): Made => ({
  ...{ event: 'epoch', epoch: n, loss: 1 / n, gradientNorm: 2, lr: 0.01, dev: { accuracy: n / 10 }, best: true },
  ...more,
});
const logOf = (...entries: Made[]): string => entries.map((each) => `${JSON.stringify(each)}\n`).join('');
const START = { event: 'start' };
const END = { event: 'end' };

test('the log of a training, as text and as a picture that says what it shows', async () => {
  for (const [seed, name] of ['train', 'dev'].entries()) {
    const sentences = generateCorpus({ sentences: 20, seed });
    space.write(`${name}.tsv`, sentences.map((s) => formatSentence({ ...s, labels: s.labels! }, 'conll')).join(''));
  }
  const files = ['--train', 'train.tsv', '--dev', 'dev.tsv', '--log', 'real.jsonl', '--out', 'm.safetensors'];
  await run('train', ...files, ...overriding(TINY, ['--epochs', '3', '--backend', 'cpu']));
  const entries = readFileSync(space.at('real.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { event: string; loss: number; dev: { accuracy: number } }); // prettier-ignore
  const epochs = entries.filter(({ event }) => event === 'epoch');
  const text = await run('plot', 'real.jsonl');
  expect(text).toMatchObject({ status: 0, stderr: '' });
  const four = (x: number): string => String(Number(x.toPrecision(4)));
  expect(text.stdout).toContain(`training loss (nats)\n  real.jsonl  ${four(epochs[0].loss).padStart(9)} `);
  expect(text.stdout).toMatch(/\ndev accuracy\n.* best [\d.]+ %, epoch \d\nlearning rate\n.*\ngradient norm\n.*\n$/);
  const picture = await run('plot', 'real.jsonl', '--svg', 'real.svg');
  expect(picture).toMatchObject({ status: 0, stdout: 'real.svg: 1 run, 3 epochs\n', stderr: '' });
  const svg = readFileSync(space.at('real.svg'), 'utf8');
  expect(pathsOf(svg).length).toBeGreaterThan(0);
  expect(svg).toContain('prefers-color-scheme:dark');
  expect(svg).toMatch(/<title id="title">real.jsonl<\/title>\n<desc id="desc">real.jsonl: 3 epochs; training loss \(nats\) [\d.]+ to [\d.]+; dev accuracy .*; best dev accuracy/); // prettier-ignore
});

test('marks lie where the numbers are: a line through equal steps is straight, gaps part it', async () => {
  space.write('line.jsonl', logOf(START, ...[1, 2, 3, 5].map((n) => epoch(n, { loss: n })), epoch(6, { loss: NaN }), epoch(7, { loss: 1 }), END)); // prettier-ignore
  const { stderr } = await run('plot', 'line.jsonl', '--svg', 'line.svg');
  expect(stderr).toBe('bptt: line.jsonl: 1 value not finite: gaps in the curves\n');
  const d = /<path d="(M[^"]*)" class="l c0"/.exec(readFileSync(space.at('line.svg'), 'utf8'))![1];
  expect(d.match(/M/g)).toHaveLength(2); // the gap
  const points = [...d.matchAll(/([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  const slope = ([x0, y0]: number[], [x1, y1]: number[]): number => (y1 - y0) / (x1 - x0);
  expect(slope(points[0], points[1])).toBeCloseTo(slope(points[2], points[3]), 1);
  expect(points[0][1]).toBeGreaterThan(points[3][1]); // y grows upward
});

test('several runs, of one epoch and of different length, seeds of one log each a run', async () => {
  space.write('one.jsonl', logOf(START, epoch(1), END));
  space.write('seeds.jsonl', logOf(START, epoch(1, { seed: 4 }), epoch(2, { seed: 4 }), epoch(1, { seed: 5 }), END));
  const { status, stdout } = await run('plot', 'one.jsonl', 'seeds.jsonl', '--svg', 'many.svg');
  expect([status, stdout]).toEqual([0, 'many.svg: 3 runs, 2 epochs\n']);
  const svg = readFileSync(space.at('many.svg'), 'utf8');
  expect(pathsOf(svg).length).toBeGreaterThan(0);
  for (const name of ['one.jsonl', 'seeds.jsonl, seed 4', 'seeds.jsonl, seed 5']) expect(svg).toContain(`>${name}</text>`); // prettier-ignore
  const text = (await run('plot', 'one.jsonl', 'seeds.jsonl')).stdout;
  expect(text).toMatch(/one\.jsonl +1 █ {8}1\n {2}seeds\.jsonl, seed 4 +1 █▁ {7}0\.5\n/);
});

test('a log that broke off is drawn as far as it goes, and said', async () => {
  const whole = logOf(START, epoch(1), epoch(2));
  space.write('cut.jsonl', `${whole}{"event":"epoch","epo`);
  const { status, stdout, stderr } = await run('plot', 'cut.jsonl');
  expect(status).toBe(0);
  expect(stdout).toContain('best 20.00 %, epoch 2');
  expect(stderr).toBe(
    'bptt: cut.jsonl: the last line is cut short and was left out\n' +
      'bptt: cut.jsonl: the run has not ended: it is still running, or it was stopped\n',
  );
});

test.each([
  ['text', 'the DET\n', /^bptt: bad is not a training log: expected the JSON lines of bptt train --log.*; got the string "the DET"\n$/],
  ['nothing', '', /not a training log.*got nothing\n$/],
  ['other JSON', '{"a":1}\n', /not a training log/],
  ['bytes', '\xff\xfe', /not a training log/],
  ['no epoch', logOf(START), /^bptt: bad: no epoch is finished; expected at least one/],
  ['a broken line inside', `${logOf(START)}{"ev\n${logOf(epoch(1))}`, /^bptt: bad, line 2: expected a JSON object; got/],
  ['an impossible epoch', logOf(START, epoch(0)), /^bptt: bad, line 2: epoch must be an integer of at least 1; got 0/],
  ['epochs that fall', logOf(START, epoch(2), epoch(1)), /^bptt: bad, line 3: epoch 1 follows epoch 2; expected epochs in ascending order/],
  ['a missing number', logOf(START, epoch(1, { lr: undefined })), /^bptt: bad, line 2: lr must be a number or null; got undefined/],
  ['a loss in words', logOf(START, epoch(1, { loss: 'low' })), /^bptt: bad, line 2: loss must be a number or null; got the string "low"/],
  ['scores in words', logOf(START, epoch(1, { dev: 'good' })), /^bptt: bad, line 2: dev must be an object with scores, or null/],
])('refuses %s by one line and status 65, and writes nothing', async (_, text, message) => {
  space.write('bad', text === '\xff\xfe' ? Buffer.from([0xff, 0xfe]) : text);
  const { status, stdout, stderr } = await run('plot', 'bad', '--svg', 'bad.svg');
  expect([status, stdout]).toEqual([65, '']);
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd()).not.toContain('\n');
  expect(existsSync(space.at('bad.svg'))).toBe(false);
}); // prettier-ignore

test('refuses scores of two kinds in one chart, too many runs, and a picture in the place of a log', async () => {
  space.write('p.jsonl', logOf(START, epoch(1), END));
  space.write('f.jsonl', logOf(START, epoch(1, { dev: { accuracy: 1, spanF1: 0.5 } }), END));
  const mixed = await run('plot', 'p.jsonl', 'f.jsonl');
  expect(mixed.status).toBe(65);
  expect(mixed.stderr).toBe(
    'bptt: plot: the dev score of p.jsonl is accuracy, that of f.jsonl span F1; expected one kind of score: plot them separately\n',
  );
  const seeds = Array.from({ length: MOST_LINES + 1 }, (_, seed) => epoch(1, { seed }));
  space.write('many.jsonl', logOf(START, ...seeds, END));
  const many = await run('plot', 'many.jsonl');
  expect(many.status).toBe(2);
  expect(many.stderr).toMatch(/43 runs cannot be told apart in one picture; expected at most 42: pass fewer logs\n$/);
  expect(await run('plot', 'none.jsonl')).toEqual({
    status: 65,
    stdout: '',
    stderr: 'bptt: none.jsonl: no such file: check the path\n',
  });
  const over = await run('plot', 'p.jsonl', '--svg', 'p.jsonl');
  expect([over.status, over.stderr]).toEqual([2, 'bptt: --svg p.jsonl would overwrite the input p.jsonl\n']);
});

test('a picture stays XML whatever a run is called, and lines differ in more than color', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.array(fc.option(fc.double({ noNaN: true, min: -1e9, max: 1e9 }))), (name, values) => {
      const lines = [{ place: 0, points: values.map((y, x) => ({ x, y })) }];
      const chart = { title: name, xLabel: name, lines };
      const svg = drawPicture({ title: name, description: name, names: [name, 'b'], charts: [chart] });
      expect(pathsOf(svg).length).toBeGreaterThan(0);
      expect(svg).not.toMatch(/NaN|Infinity/);
    }),
    { seed: 32 },
  ); // prettier-ignore
  const names = Array.from({ length: MOST_LINES }, (_, i) => `run ${i}`);
  const svg = drawPicture({ title: '', description: '', names, charts: [] });
  const looks = pathsOf(svg).map((path) => `${path['stroke-dasharray'] ?? ''}${path.transform ? path.d : ''}`);
  const pairs = names.map((_, i) => looks.slice(2 * i, 2 * i + 2).join(' '));
  expect(new Set(pairs).size).toBe(MOST_LINES);
});

test('axes: ticks lie within the range, ascend, and are round; values keep their order', () => {
  const scales = fc.constantFrom('linear' as const, 'integers' as const, 'logarithmic' as const);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1 }), scales, (raw, scale) => {
      const values = scale === 'integers' ? raw.map(Math.ceil) : raw;
      const { at, ticks } = axisOf(values, scale, 100);
      const sorted = [...values].sort((p, q) => p - q);
      expect(ticks).toEqual([...ticks].sort((p, q) => p - q));
      for (const tick of ticks) {
        expect(tick).toBeGreaterThanOrEqual(sorted[0] * (1 - 1e-9));
        expect(tick).toBeLessThanOrEqual(sorted[sorted.length - 1] * (1 + 1e-9));
      }
      for (const value of values) expect(Math.abs(at(value) - 50)).toBeLessThanOrEqual(50.001);
      const [least, most] = [sorted[0], sorted[sorted.length - 1]];
      if (most - least > 1e-9 * most) expect(at(least)).toBeLessThan(at(most));
    }),
    { seed: 33 },
  );
  expect(axisOf([0.2, 1.9], 'linear', 1).ticks).toEqual([0.5, 1, 1.5]);
  for (const scale of ['linear', 'integers', 'logarithmic'] as const) {
    const { at, ticks } = axisOf([1e6, 1e6 + 1e-9], scale, 100); // values that differ by rounding: steps between them add nothing
    expect([ticks, at(1e6)]).toEqual([[1e6], expect.closeTo(50, 4)]);
  }
  expect(axisOf([1, 60], 'integers', 1).ticks).toEqual([1, 20, 40, 60]);
  expect(axisOf([1e-7, 1e-2], 'logarithmic', 1).ticks).toEqual([1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2]);
  expect([0, 0.5, 0.00002, 1234567, 20].map(tickText)).toEqual(['0', '0.5', '2e-5', '1.23457e+6', '20']);
});

test('a sparkline has its lowest block at the least value, its highest at the greatest, spaces where there is none', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline([0, null, 7, NaN], 8)).toBe('▁ █ ');
  expect(sparkline([3, 3], 8)).toBe('▄▄');
  expect(sparkline([1, 3, 9, 11], 2)).toBe('▁█');
  expect(sparkline([1], 8, [0, 2])).toBe('▅');
  expect(sparkline([], 8)).toBe('');
});
