/** The parts of bench/peers that need nothing installed. Whether the systems agree with bptt is checked whenever they are timed. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { PeerEntry } from '../../src/bench/peers';
import { openPeers } from '../../src/bench/peers';
import { SUITES } from '../../src/bench/types';
import { ArgumentError } from '../../src/tensor';

const FOLDER = resolve(__dirname, '../../bench/peers');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const entries = JSON.parse(read('peers.json')) as PeerEntry[];

test('every peer has an adapter, a program and suites that exist', () => {
  expect(entries.length).toBeGreaterThan(9);
  for (const {
    system,
    programs,
    arguments: [script],
    threads,
    suites,
  } of entries) {
    expect([system, existsSync(join(FOLDER, script))]).toEqual([system, true]);
    expect(programs.length).toBeGreaterThan(0);
    expect(threads === 'all' || threads >= 1).toBe(true);
    expect(suites.filter((suite) => !SUITES.includes(suite))).toEqual([]);
  }
});

test('the packages of the adapters are dependencies, and the lockfile names no registry', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const scripts = [...new Set(entries.map((entry) => entry.arguments[0]))].filter((name) => name.endsWith('.js'));
  const loaded = scripts.flatMap((name) => [...read(name).matchAll(/\bload\('([^']+)'\)/g)].map(([, found]) => found));
  const given = entries.flatMap(({ arguments: words }) => (words[1] === '--package' ? [words[2]] : []));
  expect(loaded.length).toBeGreaterThan(3);
  expect([...loaded, ...given].filter((name) => !(name in dependencies))).toEqual([]);
  expect(read('package-lock.json')).not.toContain('"resolved"');
  expect(read('.npmrc')).toContain('ignore-scripts=true');
});

test('without a checkout there are none, which is said', () => {
  const open = () => openPeers(join(FOLDER, 'none'));
  expect(open).toThrow(ArgumentError);
  expect(open).toThrow(
    /^peers are part of a checkout, .* there is no .*none\/peers\.json; leave --peers and --browser out$/,
  );
});
