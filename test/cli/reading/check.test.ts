import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Trace } from '../../../src/inspect';
import { bptt } from '../../support/cli';
import { bpttHere } from '../../support/cli-here';
import { flow, jsonOf, printed, SENTENCE, shows, widest } from './support';

const MODEL = ['--cell', 'gru', '--hidden', '4', '--embedding', '3'];

interface Check {
  checked: number;
  agrees: boolean;
  worst: { where: string; analytic: number; forwardMode: number; numeric: number; noise: number; relative: number };
}

describe('bptt check', () => {
  test.each(['rnn', 'lstm', 'gru'])('%s: --json, the contract; everything agrees', async (cell) => {
    const found = await jsonOf<Check>(['check', SENTENCE, '--cell', cell, '--hidden', '4', '--random', '30']);
    expect(found).toMatchObject({ checked: 30, agrees: true });
    const { where, analytic, forwardMode, numeric, noise, relative } = found.worst;
    expect(where).toMatch(/\[\d+(, \d+)?\]/);
    expect(relative).toBeLessThan(1e-9);
    expect(Math.abs(analytic - forwardMode)).toBeLessThanOrEqual(1e-9 * Math.abs(analytic));
    expect(Math.abs(analytic - numeric)).toBeLessThanOrEqual(1e-7 * Math.abs(analytic) + noise);
  });

  test('on the terminal: the same numbers, in 80 columns', async () => {
    const args = ['check', SENTENCE, ...MODEL, '--random', '9', '--check-seed', '2'];
    const text = await printed(args, { columns: 80, env: { NO_COLOR: '1' } });
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toContain('9 weights agree');
    const { curve } = await jsonOf<{ curve: { where: string; errors: number[] } }>(args);
    expect(text).toContain(curve.where);
    const steps = text.split('\n').filter((line) => /^ *1e−\d+ /.test(line));
    expect(steps.map((line, i) => shows(line.trim().split(/\s+/)[1], curve.errors[i]))).toEqual(
      new Array(12).fill(true),
    );
    expect(steps.findIndex((line) => line.endsWith('best'))).toBe(curve.errors.indexOf(Math.min(...curve.errors)));
    const { worst } = await jsonOf<Check>(args);
    const row = text.split('\n').find((line) => line.startsWith('weight '))!;
    const first = text
      .split('\n')
      [text.split('\n').indexOf(row) + 1].trim()
      .split(/\s{2,}/);
    const { analytic, forwardMode, numeric } = worst;
    expect([analytic, forwardMode, numeric].map((x, n) => shows(first[1 + n], x))).toEqual([true, true, true]);
  });

  test('a broken backward step: status 1, and what is wrong is named', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bptt-check-'));
    const source = readFileSync(join(__dirname, '../../support/leaky.mjs'), 'utf8');
    writeFileSync(join(folder, 'leaky.mjs'), source);
    writeFileSync(join(folder, 'broken.mjs'), source.replace('dPrev.h.data[before + j] += d;', ''));
    const run = (cell: string) =>
      bptt(['check', SENTENCE, '--cell', cell, '--hidden', '4', '--json', '--quiet'], { cwd: folder });
    expect(run('./leaky.mjs')).toMatchObject({ status: 0, stderr: '' });
    const { status, stdout, stderr } = run('./broken.mjs');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ agrees: false });
    expect(stderr).toMatch(/^bptt: .*\n$/);
    rmSync(folder, { recursive: true });
  });
});

interface Salience {
  target: number;
  methods: Record<'gradient' | 'inputTimesGradient' | 'integrated' | 'swap', number[]>;
  gap: number;
  replacements: string[];
  rules: string[];
}

describe('bptt salience', () => {
  const args = ['salience', 'the cat near the dogs sat', ...MODEL, '--label', 'V.SG', '--contrast', 'V.PL'];

  test('--json: the contract; the swap test is two readings apart', async () => {
    const { target, methods, gap, replacements, rules } = await jsonOf<Salience>(args);
    expect(target).toBe(5);
    for (const values of Object.values(methods)) expect(values).toHaveLength(6);
    expect(gap).toBeLessThan(0.01);
    expect([replacements[1], rules[1]]).toEqual(['cats', 'number']);
    const margin = async (sentence: string) => {
      const base = ['reach', sentence, ...MODEL, '--loss-seed', 'margin', '--label', 'V.SG', '--contrast', 'V.PL'];
      return (await jsonOf<Trace>(base)).losses[5].seed;
    };
    const moved = (await margin('the cat near the dogs sat')) - (await margin('the cats near the dogs sat'));
    expect(Math.abs(methods.swap[1] - moved)).toBeLessThan(1e-12);
  });

  test('on the terminal: the same numbers in 80 columns, the swap beside, and a word about the first word', async () => {
    const text = await printed(args);
    const { methods } = await jsonOf<Salience>(args);
    expect(widest(text)).toBeLessThanOrEqual(80);
    const cells = text
      .split('\n')
      .find((line) => line.startsWith('dogs '))!
      .split(/\s+/)
      .slice(1);
    const { gradient, inputTimesGradient, integrated, swap } = methods;
    [gradient, inputTimesGradient, integrated, swap].forEach((values, n) => {
      expect(shows(cells[n].replace('+', ''), values[4])).toBe(true);
    });
    expect(flow(text)).toMatch(/the first word, the: rank \d of 6 by the gradient, \d by the swap test/);
    expect(flow(text)).toMatch(/both rank \w+ first|ranks \w+ first, the swap test \w+/);
  });

  test.each([
    [['--target', '9'], '--target must be at most 5; got 9'],
    [['--swaps', 'a b'], '--swaps must give one word per word, 6; got 2'],
    [['--contrast', 'X.Y'], 'X.Y'],
  ])('%j is refused in one line', async (more, message) => {
    const base = more.includes('--contrast') ? args.slice(0, -2) : args; // an option given twice is refused before
    const { status, stderr } = await bpttHere([...base, ...more]);
    expect([2, 65]).toContain(status);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^bptt: .*\n$/);
  });
});
