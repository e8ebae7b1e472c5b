/** `bptt train --find-lr`: rates, losses, the end and the suggestion by rules that are computed anew here; refusals; the picture. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { selectBackend } from '../../../src/kernels/index';
import { generateCorpus, train } from '../../../src/labeling/index';
import { findRateRange, suggestedRate } from '../../../src/labeling/training/rate-range';
import { bptt } from '../../support/cli';
import { bpttHere } from '../../support/cli-here';
import { createWorkspace, overriding, TINY } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
beforeAll(() => void (space = createWorkspace()));
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(['train', ...overriding([...TINY, '--train', 'train.tsv', '--backend', 'cpu'], args)], space.folder); // prettier-ignore

interface Found {
  readonly points: { readonly lr: number; readonly loss: number; readonly smoothed: number; readonly gradientNorm: number }[]; // prettier-ignore
  readonly updates: number;
  readonly ended: string;
  readonly suggested: number | null;
  readonly usual: number;
  readonly threads: number;
  readonly svg: string | null;
}
const found = async (...args: string[]): Promise<Found> => {
  const { status, stdout, stderr } = await run(...(args.includes('--find-lr') ? [] : ['--find-lr']), '--json', ...args);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Found;
};

test('rates, smoothing and the end follow their formulas; a seed gives the same again, and no model', async () => {
  const first = await found('--seed', '3');
  expect(first).toMatchObject({ updates: 50, suggested: expect.any(Number) as number, usual: 0.003, threads: 1, svg: null }); // prettier-ignore
  const { points } = first;
  points.forEach(({ lr, smoothed }, k) => {
    expect(lr / (1e-5 * 10 ** ((6 * k) / 49))).toBeCloseTo(1, 12);
    const weights = points.slice(0, k + 1).map((_, j) => 0.9 ** (k - j));
    const total = weights.reduce((sum, w) => sum + w, 0);
    const mean = weights.reduce((sum, w, j) => sum + (w / total) * points[j].loss, 0);
    expect(smoothed).toBeCloseTo(mean, 10);
  });
  const grown = points.findIndex(({ smoothed }, k) => k >= 5 && smoothed > 2 * Math.min(...points.slice(0, k).map((each) => each.smoothed))); // prettier-ignore
  expect([first.ended, grown]).toEqual(grown < 0 ? ['range', -1] : ['diverged', points.length - 1]);
  expect(await found('--seed', '3')).toEqual(first);
  expect((await found('--seed', '4')).points).not.toEqual(points);
  expect(['model.safetensors', 'model.config.json'].filter((file) => existsSync(space.at(file)))).toEqual([]);
});

test('the batches are those of the training, in its order, over its epochs', async () => {
  const { kernels } = await selectBackend({ backend: 'cpu' });
  const corpora = { train: generateCorpus({ sentences: 30, seed: 8 }) };
  const options = { embedding: 5, hidden: 6, batch: 4, epochs: 2, optimizer: 'sgd' as const, lr: 0, seed: 5 };
  const sums: { loss: number; tokens: number }[][] = [[], []];
  await train(kernels, corpora, options, {
    onProgress: ({ epoch, loss, tokens }) => void sums[epoch - 1].push({ loss: loss * tokens, tokens }),
  });
  const losses = sums.flatMap(
    (epoch) =>
    epoch.map(({ loss, tokens }, b) => (b === 0 ? loss / tokens : (loss - epoch[b - 1].loss) / (tokens - epoch[b - 1].tokens))), // prettier-ignore
  );
  // Rates so small that no weight changes, as with the rate of 0.
  const { points } = await findRateRange(kernels, corpora, options, { from: 1e-30, to: 1e-29, updates: 16 });
  expect(losses).toHaveLength(16);
  points.forEach(({ loss }, k) => expect(loss).toBeCloseTo(losses[k], 8));
  expect(new Set(losses.map((loss) => loss.toFixed(8))).size).toBe(16); // another order would be another list
});

test('a loss that is no longer finite ends it; so do few updates, at the last rate', async () => {
  const burst = await found('--lr-range', '1e38,3e38', '--optimizer', 'sgd', '--clip', 'none', '--find-lr', '100');
  expect(burst.ended).toBe('not-finite');
  expect(burst.points.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  const small = await found('--lr-range', '1e-6,1e-5', '--find-lr', '12');
  expect([small.ended, small.updates, small.points.length]).toEqual(['range', 12, 12]);
});

test('other tasks and threads', async () => {
  writeFileSync(space.at('texts.tsv'), Array.from({ length: 24 }, (_, i) => `${i % 2 ? 'pos' : 'neg'}\t${i % 2 ? 'fine' : 'poor'} film ${i}\n`).join('')); // prettier-ignore
  expect((await found('--task', 'classify', '--train', 'texts.tsv', '--find-lr', '10')).points).toHaveLength(10);
  const flags = ['train', ...TINY, '--train', space.at('train.tsv'), '--backend', 'cpu', '--find-lr', '10', '--json'];
  const [one, two] = ['1', '2'].map((threads) => JSON.parse(bptt([...flags, '--threads', threads]).stdout) as Found);
  expect([one.threads, two.threads]).toEqual([1, 2]);
  two.points.forEach(({ loss }, k) => expect(loss).toBeCloseTo(one.points[k].loss, 3));
});

describe('the suggestion', () => {
  const curve = (loss: (x: number) => number, n = 61) =>
    Array.from({ length: n }, (_, k) => ({ lr: 10 ** (-5 + (6 * k) / (n - 1)), loss: loss(-5 + (6 * k) / (n - 1)) }));

  test('is where a loss falls fastest: the middle of a fall, whatever comes behind its lowest point', () => {
    fc.assert(
      fc.property(fc.double({ min: -3.5, max: -1.5, noNaN: true }), fc.double({ min: 2, max: 6, noNaN: true }), (middle, steep) => {
const fall = (x: number): number => 2 - Math.tanh(steep * (x - middle)) + Math.max(0, 5 * (x - middle - 1.5));
        expect(Math.abs(Math.log10(suggestedRate(curve(fall))!) - middle)).toBeLessThan(0.25);
      }),
      { numRuns: 200, seed: 13 },
    ); // prettier-ignore
  });

  test('is none where the loss never falls, or there is nothing to fit', () => {
    expect(suggestedRate(curve((x) => x))).toBeNull();
    expect(suggestedRate(curve(() => 1))).toBeNull();
    expect(suggestedRate([])).toBeNull();
    expect(suggestedRate([{ lr: 1, loss: 2 }])).toBeNull();
  });
});

test('the table, the advice and a picture that says what it shows', async () => {
  const { status, stdout } = await run('--find-lr', '--svg', 'lr.svg');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^rate +loss +smoothed +gradient norm\n1e-5|^rate +loss +smoothed +gradient norm\n0\.00001/);
  expect(stdout).toMatch(/\nended {6}after \d+ of 50 updates.*\nsuggested {2}--lr [\d.e-]+, where the loss falls fastest; without --lr it is 0.003\npicture {4}lr\.svg\n$/); // prettier-ignore
  expect(stdout.split('\n').length).toBeLessThan(28);
  const svg = readFileSync(space.at('lr.svg'), 'utf8');
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(svg).close();
  expect(svg.match(/class="ring"/g)).toHaveLength(1);
  expect(svg).toContain('prefers-color-scheme:dark');
  expect(svg).toMatch(
    /<desc id="desc">learning-rate range test: suggested [\d.e-]+, in a ring\. after \d+ of 50 updates/,
  );
  expect((await run('--find-lr', '10', '--quiet')).stdout).toBe('');
});

test('a file of settings that has a rate and a schedule goes with it', async () => {
  writeFileSync(space.at('set.json'), JSON.stringify({ bptt: 'train-config-1', train: 'train.tsv', lr: 0.5, schedule: 'warmup:5', hidden: 5, seeds: 2 })); // prettier-ignore
  const { status, stdout } = await bpttHere(['train', '--config', 'set.json', '--find-lr', '10', '--json', '--quiet'], space.folder); // prettier-ignore
  expect([status, (JSON.parse(stdout) as Found).usual]).toEqual([0, 0.5]);
});

test.each([
  [['--find-lr', '--lr', '0.1'], '--lr cannot be combined with --find-lr, which tries many rates and writes no model: leave it out'],
  [['--find-lr', '--schedule', 'cosine'], '--schedule cannot be combined with --find-lr'],
  [['--find-lr', '--seeds', '2'], '--seeds cannot be combined with --find-lr'],
  [['--find-lr', '--ensemble', '2'], '--ensemble cannot be combined with --find-lr'],
  [['--find-lr', '--out', 'x'], '--out cannot be combined with --find-lr'],
  [['--find-lr', '--log', 'x'], '--log cannot be combined with --find-lr'],
  [['--find-lr', '--card', 'x'], '--card cannot be combined with --find-lr'],
  [['--find-lr', '--save-config', 'x'], '--save-config cannot be combined with --find-lr'],
  [['--find-lr', '--profile'], '--profile cannot be combined with --find-lr'],
  [['--svg', 'x.svg'], '--svg has no effect without --find-lr: leave it out, or add --find-lr'],
  [['--lr-range', '1,2'], '--lr-range has no effect without --find-lr'],
  [['--find-lr', '9'], 'It must be an integer of at least 10.'],
  [['--find-lr', '--lr-range', '2,1'], 'It must be two numbers above 0, the second above the first, such as 1e-5,10.'],
  [['--find-lr', '--lr-range', '0,1'], 'It must be two numbers above 0'],
  [['--find-lr', '--svg', 'train.tsv'], '--svg train.tsv would overwrite the input train.tsv'],
])('%j is refused', async (flags, message) => {
  const { status, stderr } = await run(...flags);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
}); // prettier-ignore

test('bad data are told as by a training', async () => {
  expect((await run('--train', 'none.tsv', '--find-lr')).status).toBe(65);
});
