/** docs/workbench.md, from an empty folder: its commands, in their order, over sentences as an annotation tool exports them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { bptt, mainFile } from '../support/cli';
import type { Outcome } from '../support/cli';

const PAGE = readFileSync(resolve(__dirname, '../../docs/workbench.md'), 'utf8');
const COMMANDS = [...PAGE.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block]) => block.trim().split('\n'));
const PEOPLE = ['Ann Berg', 'Bo Falk', 'Cara Dahl', 'Dan Ek', 'Eva Holt', 'Finn Gray', 'Jana Cole'];
const CITIES = ['Oslo', 'Bergen', 'Riga', 'Turku', 'Malmö', 'Cádiz'];
const TEXTS = [
  '{p} met {p} in {c}.',
  'Yesterday {p} left {c} 👍🏽.',
  'In {c} it rained, so {p} stayed.',
  'It was a quiet day.',
];
const LETTERS = ['Eva Holt 👍🏽 met Ann Berg in Riga.', 'It was a quiet day.', 'In Malmö it rained, so Bo Falk stayed.'];

interface Exported {
  readonly id: number;
  readonly text: string;
  readonly label: [start: number, end: number, type: string][];
}

/** Sentence i of the export; places count code units, as doccano's page does. */
function exported(i: number): Exported {
  const label: Exported['label'] = [];
  let text = '';
  for (const part of TEXTS[i % TEXTS.length].split(/(\{.\})/)) {
    const from = { '{p}': PEOPLE, '{c}': CITIES }[part];
    const word = from?.[(i * 7 + text.length * 3 + (i >> 2)) % from.length] ?? part;
    if (from) label.push([text.length, text.length + word.length, from === PEOPLE ? 'PER' : 'LOC']);
    text += word;
  }
  return { id: i, text, label };
}

let folder: string;
const said: Record<string, Outcome> = {};
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const lines = (text: string): string[] => text.trim().split('\n');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-workbench-'));
  writeFileSync(join(folder, 'export.jsonl'), Array.from({ length: 300 }, (_, i) => `${JSON.stringify(exported(i))}\n`).join('')); // prettier-ignore
  writeFileSync(join(folder, 'letters.txt'), `${LETTERS.join('\n')}\n`);
  for (const command of COMMANDS) {
    const [program, name, ...rest] = command.split(' ');
    if (program !== 'bptt') throw new Error(`expected commands of bptt; got ${command}`);
    said[name] = bptt([name, ...rest], { cwd: folder });
  }
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true }));

test('every command of the page succeeds, and the files it names are there', () => {
  expect(Object.entries(said).map(([name, { status }]) => [name, status])).toEqual(
    ['stats', 'split', 'search', 'train', 'errors', 'tag'].map((name) => [name, 0]),
  );
  const made = ['best.json', 'best.search.json', 'card.md', 'data', 'errors.html', 'tagger.config.json', 'tagger.safetensors']; // prettier-ignore
  expect(readdirSync(folder).sort()).toEqual([...made, 'export.jsonl', 'letters.txt'].sort());
});

test('stats counts what was exported', () => {
  const spans = Array.from({ length: 300 }, (_, i) => exported(i).label).flat();
  const people = spans.filter(([, , type]) => type === 'PER').length;
  expect(said.stats.stdout).toMatch(new RegExp(`^PER +${people} `, 'm'));
  expect(said.stats.stdout).toMatch(new RegExp(`^all +${spans.length}\\b`, 'm'));
});

test('the parts are the export, line for line, and no sentence stands in two of them', () => {
  const parts = ['train', 'dev', 'test'].map((name) => lines(read(`data/${name}.jsonl`)));
  const all = lines(read('export.jsonl'));
  expect(parts.flat().sort()).toEqual([...all].sort());
  const texts = parts.map((part) => new Set(part.map((line) => (JSON.parse(line) as Exported).text)));
  for (const [i, own] of texts.entries())
    for (const other of texts.slice(i + 1)) expect([...own].filter((text) => other.has(text))).toEqual([]);
});

test('the search has twelve trials, and the model is trained with the best of them', () => {
  const settings = (name: string): object =>
    Object.fromEntries(Object.entries(JSON.parse(read(name)) as object).filter(([setting]) => setting !== 'test'));
  expect(settings('tagger.config.json')).toEqual(settings('best.json'));
  expect(Object.keys(settings('best.json'))).toEqual(expect.arrayContaining(['train', 'dev', 'lr', 'dropout', 'seed']));
  const trials = [...said.search.stdout.matchAll(/^ *\d+ +(\d+) /gm)].map(([, trial]) => Number(trial));
  expect(trials.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  expect(read('card.md')).toMatch(/^---\n[^]*model-index:[^]*\n---\n/);
  expect(read('errors.html')).toMatch(/^<!doctype html>[^]*Content-Security-Policy/i);
});

test('entities are sliced from the lines they were found in', () => {
  const found = lines(said.tag.stdout).map((line) => JSON.parse(line) as { readonly text: string; readonly spans: { readonly start: number; readonly end: number; readonly type: string; readonly text: string }[] }); // prettier-ignore
  expect(found.map(({ text }) => text)).toEqual(LETTERS);
  for (const { text, spans } of found)
    for (const each of spans) expect(text.slice(each.start, each.end)).toBe(each.text);
  expect(found[0].spans.map(({ type, text }) => [type, text])).toEqual([
    ['PER', 'Eva Holt'],
    ['PER', 'Ann Berg'],
    ['LOC', 'Riga'],
  ]);
});

test('a service in Node answers with the spans of the command line', () => {
  const root = dirname(dirname(mainFile()));
  const index = [join(root, 'index.js'), join(root, 'cjs/index.js')].find(existsSync)!;
  const service = `
    const { createServer } = require('node:http');
    const { createTagger } = require(${JSON.stringify(index)});
    const tagger = createTagger(require('node:fs').readFileSync('tagger.safetensors'));
    const server = createServer((request, response) => {
      const parts = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => response.end(JSON.stringify(tagger.entities(Buffer.concat(parts).toString()))));
    });
    server.listen(0, '127.0.0.1', async () => {
      const answer = await fetch('http://127.0.0.1:' + server.address().port, { method: 'POST', body: process.argv[1] });
      process.stdout.write(await answer.text());
      server.closeAllConnections();
      server.close();
    });`;
  const run = spawnSync(process.execPath, ['-e', service, LETTERS[0]], { cwd: folder, encoding: 'utf8' });
  expect([run.status, run.stderr]).toEqual([0, '']);
  const { spans } = JSON.parse(lines(said.tag.stdout)[0]) as { readonly spans: { readonly score: number }[] };
  const close = (all: { readonly score: number }[]) =>
    all.map((each) => ({ ...each, score: expect.closeTo(each.score, 4) as number }));
  expect(JSON.parse(run.stdout)).toEqual(close(spans));
});
