/** What a newcomer or a hostile user types: every option is used or refused, whatever is printed. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Trace } from '../../../src/inspect/index.js';
import { fromArray } from '../../../src/tensor';
import { encodeSafetensors } from '../../../src/serialize/safetensors';
import { bpttHere } from '../../support/cli-here';
import { flow, jsonOf, printed, widest } from './support';

const SENTENCE = 'the cat near the dogs sat';
const SMALL = ['--hidden', '3', '--embedding', '2'];
const folder = mkdtempSync(join(tmpdir(), 'bptt-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function refusal(args: readonly string[]) {
  const { status, stdout, stderr } = await bpttHere(args);
  expect({ stdout, lines: stderr.split('\n').length }).toEqual({ stdout: '', lines: 2 });
  return `${status} ${stderr.trim()}`;
}

/** Runs a command on a state dict of recurrent layers alone, which warns of what is drawn. */
async function ofLayers(args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await bpttHere(args);
  expect(status).toBe(0);
  expect(stderr).toMatch(/^warning: \S+ has no embedding and no output layer: drawn at random, [^\n]+\n$/);
  return stdout;
}

const drawing = (view: string, ...more: string[]) => [
  'figure',
  view,
  SENTENCE,
  '--svg',
  join(folder, 'f.svg'),
  ...more,
];

test.each([
  [['inspect', SENTENCE, '--layer', '7', '--json'], '--layer must be at most 0; got 7'],
  [['reach', SENTENCE, '--layer', '7'], '--layer must be at most 0; got 7'],
  [['reach', SENTENCE, '--direction', 'reverse', '--json'], '--direction reverse: the model is unidirectional'],
  [['reach', SENTENCE, '--cell', 'rnn', '--variable', 'c', '--json'], '--variable c: the cell rnn has'],
  [['compare', SENTENCE, '--layer', '7'], '--layer must be at most 0; got 7'],
  [['figure', 'reach', SENTENCE, '--svg', join(folder, 'f.svg'), '--layer', '7'], '--layer must be at most 0; got 7'],
  [['inspect', SENTENCE, '--label', 'V.SG'], '--label applies only to --loss-seed logit or margin; got loss'],
  [
    ['check', SENTENCE, '--loss-seed', 'logit', '--contrast', 'V.SG'],
    '--contrast applies only to --loss-seed margin; got logit',
  ],
  [['compare', SENTENCE, '--contrast', 'V.SG'], '--contrast applies only to --loss-seed margin; got loss'],
  [
    ['reach', SENTENCE, '--loss-seed', 'margin', '--label', 'V.SG', '--contrast', 'V.SG'],
    '--contrast must be another label than --label; got "V.SG" twice',
  ],
  [['salience', SENTENCE, '--label', 'V.SG', '--contrast', 'V.SG'], '--contrast must be another label than --label'],
  [['compare', SENTENCE, '--cells', 'rnn,gru', '--forget-bias', '2'], '--forget-bias applies only to the cell lstm'],
  [['ledger', SENTENCE, '--at', '99,0', '--json'], 'counted from 0; got [99, 0]'],
  [
    ['figure', 'reach', SENTENCE, '--svg', join(folder, 'f.svg'), '--language', 'constructor'],
    '--language constructor',
  ],
  [drawing('strip', '--layer', '0'), '--layer does not apply to the view strip, only to reach, stepper, ledger'],
  [drawing('gates', '--loss-seed', 'margin'), '--loss-seed does not apply to the view gates'],
  [drawing('reach', '--gate', 'f'), '--gate does not apply to the view reach, only to ledger, gates, norms'],
  [drawing('stepper', '--target', '1'), '--target does not apply to the view stepper, only to saliency'],
  [drawing('check', '--normalize', 'absolute'), '--normalize does not apply to the view check'],
  [drawing('reach', '--loss', '99'), '--loss must be an integer from 0 to 5; got 99'],
  [drawing('stepper', '--unit', '99'), '--unit must be an integer from 0 to 15; got 99'],
  [drawing('ledger', '--param', 'Wq'), '--param the ledger has no layers.0.forward.Wq'],
  [['figure', 'ledger', 'cat', '--svg', join(folder, 'f.svg')], 'the gradient of layers.0.forward.Wh is 0 at this'],
  [['figure', 'strip', SENTENCE, '--svg', ''], '--svg must name a file; got an empty name: pass one'],
  [drawing('strip', '--csv', ''), '--csv must name a file; got an empty name: pass one'],
  [
    ['reach', SENTENCE, '--loss-seed', 'logit', '--label', 'Q'],
    '--label: the model has no label "Q", it has DET, PREP',
  ],
  [['salience', SENTENCE, '--contrast', 'Q'], '--contrast: the model has no label "Q", it has DET, PREP, N.PL'],
  [['inspect', SENTENCE, '--prefix', 'a.'], '--prefix applies only to a state dict of PyTorch: leave it out'],
])('%j is refused by name', async (args, message) => {
  const found = await refusal(args);
  expect(found.startsWith('2 bptt: ')).toBe(true);
  expect(found).toContain(message);
});

test.each([
  ['inspect', '--checks'],
  ['check', '--random'],
  ['inspect', '--layers'],
  ['inspect', '--hidden'],
  ['inspect', '--embedding'],
  ['inspect', '--train'],
  ['compare', '--seeds'],
])('%s %s 9007199254740991 is refused at once', async (command, option) => {
  expect(await refusal([command, SENTENCE, option, '9007199254740991'])).toMatch(/^2 bptt: .*It must be at most \d+\./);
});

test('a gradient that is 0 has no shares, and says so', async () => {
  expect(flow(await printed(['ledger', 'cat', ...SMALL]))).toContain(
    'the gradient dWh is 0 at this sentence: it has no',
  );
  const text = await printed(['inspect', 'cat', ...SMALL, '--checks', '1']);
  expect(flow(text)).toContain('dWh is 0 here: it has no shares');
  expect(text).toContain('1 weight checked');
  expect(text).not.toMatch(/NaN|✕/);
});

test('ledger --at: the weight is in --json, its uses add up to its total', async () => {
  const args = ['ledger', SENTENCE, ...SMALL, '--at', '1,2'];
  const { element } = await jsonOf<{ element: { index: number[]; uses: number[]; total: number } }>(args);
  expect(element.index).toEqual([1, 2]);
  expect(element.uses.reduce((sum, each) => sum + each, 0)).toBeCloseTo(element.total, 12);
});

/** A state dict of an RNN with D = 3 and H = 2. */
function stateDict(name: string, change: Parameters<typeof encodeSafetensors>[0] = {}): string {
  const path = join(folder, name);
  const weights = {
    weight_ih_l0: fromArray([1, 2, 3, 4, 5, 6], [2, 3]),
    weight_hh_l0: fromArray([1, 2, 3, 4], [2, 2]),
  };
  writeFileSync(path, encodeSafetensors({ ...weights, ...change }));
  return path;
}

test('weights that are not finite: no word is ranked first, and the difference is not 0', async () => {
  const file = stateDict('nan.safetensors', { weight_hh_l0: fromArray([NaN, NaN, NaN, NaN], [2, 2]) });
  expect(flow(await ofLayers(['salience', 'the cat sat', file]))).toContain('no word is ranked first');
  expect(JSON.parse(await ofLayers(['salience', 'the cat sat', file, '--json']))).toMatchObject({ agrees: false });
  expect(flow(await ofLayers(['inspect', 'the cat sat', file]))).toContain('worst relative difference ✕ from forward');
});

test.each([
  ['flat', { weight_hh_l0: fromArray([1, 2], [2]) }, 'weight_hh_l0 is [2]; expected a matrix'],
  ['empty', { weight_ih_l0: fromArray([], [2, 0]) }, 'weight_ih_l0 has no columns'],
])('a state dict whose weights are %s is bad data', async (name, change, message) => {
  const file = stateDict(`${name}.safetensors`, change);
  const found = await refusal(['inspect', 'the cat sat', file]);
  expect(found).toContain(message);
  expect(found.startsWith(`65 bptt: ${file}: `)).toBe(true);
});

test.each([
  ['<unk>\nthe\n\ncat\n', (words: string) => `${words}: line 3 is empty; expected a word: remove the line`],
  [
    '<unk>\nthe\n',
    (words: string, model: string) =>
      `${words}: expected 3 words, one for each row of the embedding of ${model}; got 2: correct the list`,
  ],
])('words that do not fit, %j: the file of the words is named', async (text, message) => {
  const words = join(folder, 'short.txt');
  writeFileSync(words, text);
  const model = stateDict('rows.safetensors', { 'embedding.weight': fromArray([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3]) });
  expect(await refusal(['inspect', 'the cat', model, '--words', words])).toBe(`65 bptt: ${message(words, model)}`);
});

test('a word of 100 kB: warnings stay short', async () => {
  const words = join(folder, 'fitting.txt');
  writeFileSync(words, '<unk>\nthe\ncat\n');
  const model = stateDict('rows.safetensors', { 'embedding.weight': fromArray([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3]) });
  const { status, stderr } = await bpttHere(['reach', `the ${'x'.repeat(100_000)}`, model, '--words', words]);
  expect(status).toBe(0);
  expect(stderr).toContain(`no vector for "${'x'.repeat(57)}…":`);
  expect(stderr.length).toBeLessThan(1000);
});

test('a word that occurs twice: the file of the words is named', async () => {
  const words = join(folder, 'words.txt');
  writeFileSync(words, '<unk>\nthe\nthe\n');
  const found = await refusal(['inspect', 'the cat', stateDict('plain.safetensors'), '--words', words]);
  expect(found).toBe(`65 bptt: ${words}: "the" occurs twice; expected each word once: remove one`);
});

test('a state dict has a cell of its own', async () => {
  expect(await refusal(['inspect', 'the cat', stateDict('own.safetensors'), '--cell', './mine.mjs'])).toMatch(
    /^2 .*leave it out$/,
  );
});

test('a state dict of several recurrent parts: --prefix chooses one, and the message says so', async () => {
  const weights = (scale: number) => ({
    weight_ih_l0: fromArray([1, 2, 3, 4, 5, 6].map((x) => scale * x), [2, 3]), // prettier-ignore
    weight_hh_l0: fromArray([1, 2, 3, 4].map((x) => scale * x), [2, 2]), // prettier-ignore
  });
  const both = Object.fromEntries(
    ['enc.', 'dec.'].flatMap((prefix, i) =>
      Object.entries(weights(0.1 * (i + 1))).map(([name, x]) => [prefix + name, x]),
    ),
  );
  const path = join(folder, 'both.safetensors');
  writeFileSync(path, encodeSafetensors(both));
  expect(await refusal(['inspect', 'the cat', path])).toMatch(
    /^65 .*several recurrent parts.*: choose one with --prefix$/,
  );
  const Wh = async (prefix: string) =>
    (JSON.parse(await ofLayers(['inspect', 'the cat', path, '--checks', '0', '--prefix', prefix, '--json'])) as Trace)
      .layers[0].forward.weights.Wh[0][0];
  expect(await Wh('enc.')).toBeCloseTo(0.1, 6);
  expect(await Wh('dec.')).toBeCloseTo(0.2, 6);
});

test('gold labels that the model does not have are bad data', async () => {
  const found = await refusal(['inspect', SENTENCE, '--train', '1', '--tags', 'DET N.SG PREP DET Q V.SG']);
  expect(found).toMatch(/^65 bptt: --tags: the model has no label "Q", it has DET, PREP, .*: choose one of them$/);
});

test.each(['', ',', '/words', '/words/99/norm', 'words/0/norm', '/losses/0/label'])(
  'figure equation --ref %j leads to no number, and that is said',
  async (ref) => {
    const svg = join(folder, 'nothing.svg');
    const found = await refusal(['figure', 'equation', SENTENCE, '--svg', svg, '--ref', ref]);
    expect(found).toMatch(
      /^2 bptt: (?:numberAt|valueAt): ref (?:"[^"]*" (?:must point to a number|points nowhere)|must begin)[^\n]*$/,
    );
    expect(existsSync(svg)).toBe(false);
  },
);

test('figure equation --ref opens the number that it names; salience is saliency', async () => {
  const svg = join(folder, 'e.svg');
  expect(await printed(drawn('equation', svg, '--ref', '/layers/0/forward/steps/1/states/h/2'))).toContain('h');
  const readRef = (path: string) => /data-ref="([^"]*)"/.exec(readFileSync(path, 'utf8'))?.[1];
  expect(readRef(svg)).toBe('/layers/0/forward/steps/1/states/h/2');
  const [one, other] = [join(folder, 'one.svg'), join(folder, 'other.svg')];
  await printed(drawn('saliency', one));
  await printed(drawn('salience', other));
  const marks = (path: string) => readFileSync(path, 'utf8').match(/data-v="[^"]*"/g);
  expect(marks(one)).toEqual(marks(other));
  expect(marks(one)!.length).toBeGreaterThan(10);
});

const drawn = (view: string, svg: string, ...more: string[]) => [
  'figure',
  view,
  SENTENCE,
  ...SMALL,
  '--svg',
  svg,
  ...more,
];

describe('80 columns hold every line', () => {
  const long =
    'Donaudampfschiffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsmitglied 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字 cat';
  const labels = ['--tags', `${'A'.repeat(60)} ${'B'.repeat(60)} C`, '--tokenizer', 'whitespace'];
  test.each([
    ['inspect', long, ...SMALL, ...labels],
    ['inspect', long, ...SMALL, ...labels, '--layers', '2', '--bidirectional', '--ascii'],
    ['reach', long, ...SMALL, ...labels],
    ['check', long, ...SMALL, ...labels, '--layers', '2', '--bidirectional', '--random', '30'],
    ['ledger', long, ...SMALL, ...labels, '--at', '0,0'],
    ['gates', long, ...SMALL, '--tokenizer', 'whitespace'],
    ['salience', long, ...SMALL, ...labels],
    ['compare', long, ...SMALL, ...labels, '--cells', 'rnn,lstm,gru,rnn-relu,gru-reset-before', '--swap', 'cat=mouse'],
  ])('%s', async (...args) => {
    const text = await shownAt80(args);
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toMatch(/…|\.\.\./);
  });
});

/** What a command prints on a terminal of 80 columns, whatever it warns of. */
async function shownAt80(args: readonly string[]): Promise<string> {
  const { status, stdout } = await bpttHere(args, undefined, { columns: 80, env: { NO_COLOR: '1' } });
  expect(status).toBe(0);
  return stdout;
}
