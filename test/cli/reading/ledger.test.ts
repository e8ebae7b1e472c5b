import { bpttHere } from '../../support/cli-here';
import type { Trace } from '../../../src/inspect';
import { flow, jsonOf, printed, SENTENCE, shows } from './support';

interface Ledger {
  param: string;
  gate: string | null;
  shares: number[][];
  total: number;
  cancellation: number;
}

const MODEL = ['--cell', 'lstm', '--hidden', '4', '--embedding', '3'];

test.each([
  ['Wh', 'layers.0.forward.Wh'],
  ['b', 'layers.0.forward.b'],
  ['heads.labels.W', 'heads.labels.W'],
])('%s: --json is the entry of the trace, and its shares add up to 1', async (param, name) => {
  const found = await jsonOf<Ledger>(['ledger', SENTENCE, ...MODEL, '--param', param]);
  const trace = await jsonOf<Trace>(['inspect', SENTENCE, ...MODEL, '--checks', '0']);
  const entry = trace.ledger.find((each) => each.param === name && each.gate === null)!;
  const shares = entry.shares.map((row) => row.map((each) => each ?? 0));
  expect(found).toMatchObject({ param, shares, total: entry.total, cancellation: entry.cancellation });
  expect(Math.abs(found.shares.flat().reduce((sum, each) => sum + each, 0) - 1)).toBeLessThan(1e-12);
});

test('the signs and classes on the terminal are those of the shares; one gate alone', async () => {
  const args = ['ledger', SENTENCE, ...MODEL, '--param', 'Wh', '--gate', 'f'];
  const [text, { shares, gate }] = [await printed(args), await jsonOf<Ledger>(args)];
  expect(gate).toBe('f');
  const lines = text.split('\n');
  const rows = lines.filter((line) => /^ *(the|cat|near|dogs|by|trees|sat) [ +-][█▓▒░·]/.test(line));
  expect(rows).toHaveLength(shares.length);
  rows.forEach((row, m) => {
    const cells = row.replace(/^ *\S+ /, '').match(/.{2}/g)!;
    const classes = [0.1, 0.01, 0.001, 0.0001];
    cells.forEach((cell, k) => {
      const size = classes.findIndex((least) => Math.abs(shares[m][k]) >= least);
      expect(cell[1]).toBe('█▓▒░·'.at(size)); // -1: less than all
      expect(cell[0]).toBe(shares[m][k] < 0 ? '-' : shares[m][k] > 0 ? '+' : ' ');
    });
  });
  expect(text).toContain('shares add up to 100.000 %');
});

test('--at: one weight as a sum over the words, which ends on its gradient', async () => {
  const args = [SENTENCE, ...MODEL];
  const text = flow(await printed(['ledger', ...args, '--param', 'Wh', '--at', '1,2']));
  const trace = await jsonOf<Trace>(['inspect', ...args, '--checks', '0']);
  const gradient = trace.layers[0].forward.dWeights.Wh[1][2];
  const [, total, terms] = /dWh\[1\]\[2\] = (\S+) = (.*?\(k=8\))/.exec(text)!;
  expect(shows(total.replace('+', ''), gradient)).toBe(true);
  const sum = [...terms.matchAll(/(^|[−+]) ?([−\d.e]+) \(k=\d\)/g)].map(
    ([, sign, digits]) => Number(digits.replace(/−/g, '-')) * (sign === '−' ? -1 : 1),
  );
  expect(Math.abs(sum.reduce((a, b) => a + b) - gradient)).toBeLessThan(1e-5);
  const [, numeric, off] = /agrees central difference (\S+), off by (\S+)/.exec(text)!;
  expect(shows(numeric.replace('+', ''), gradient)).toBe(true);
  expect(Number(off.replace(/−/g, '-'))).toBeLessThan(1e-8);
});

test('bptt gates: --json is words by units for each gate; the means are right', async () => {
  const gates = await jsonOf<Record<string, number[][]>>(['gates', SENTENCE, ...MODEL]);
  const trace = await jsonOf<Trace>(['inspect', SENTENCE, ...MODEL, '--checks', '0']);
  expect(Object.keys(gates)).toEqual(['i', 'f', 'g', 'o']);
  for (const gate of Object.keys(gates)) {
    expect(gates[gate]).toEqual(trace.layers[0].forward.steps.map((step) => step.gates[gate]));
  }
  const text = await printed(['gates', SENTENCE, ...MODEL]);
  const row = text
    .split('\n')
    .find((line) => line.startsWith('dogs '))!
    .split(/\s+/)
    .slice(1);
  const means = Object.values(gates).map((words) => words[4].reduce((sum, x) => sum + x, 0) / 4);
  expect(row.map((each, g) => shows(each, means[g]))).toEqual([true, true, true, true]);
});

test.each([
  [['ledger', 'the cat', '--param', 'Wz'], '--param Wz: there is no such parameter: choose one of'],
  [['ledger', 'the cat', '--gate', 'z'], '--gate z: layers.0.forward.Wh has i, f, g, o'],
  [['ledger', 'the cat', '--at', 'x'], 'It must be i or i,j'],
  [['ledger', 'the cat', '--at', '99,99'], '99'],
])('%j is refused, status 2', async (args, message) => {
  const { status, stderr } = await bpttHere(args);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});
