import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveModel } from '../../../src/labeling';
import { untrained } from '../../../src/inspect';
import type { Trace } from '../../../src/inspect';
import { schemaFaults } from '../../inspect/support';
import { bpttHere } from '../../support/cli-here';
import { flow, jsonOf, plain, printed, SENTENCE, shows, widest } from './support';

const SMALL = ['--cell', 'rnn', '--hidden', '4', '--embedding', '5'];

describe('bptt inspect', () => {
  test('--json prints the trace, which the published schema accepts', async () => {
    const text = await printed(['inspect', SENTENCE, ...SMALL, '--json']);
    expect(schemaFaults(text)).toEqual([]);
    const trace = JSON.parse(text) as Trace;
    expect(trace.model).toMatchObject({ cell: 'rnn', hidden: [4], embedding: 5, source: 'untrained' });
    expect(trace.losses.map(({ gold }) => gold)).toEqual('DET N.SG PREP DET N.PL PREP DET N.PL V.SG'.split(' '));
    expect(trace.conventions.gold).toBe('given');
  });

  test('every number of the table and of the norms is one of the trace', async () => {
    const args = ['inspect', 'the cat sat', ...SMALL];
    const [text, trace] = [await printed(args), await jsonOf(args)];
    const lines = text.split('\n');
    trace.words.forEach(({ text: word }, k) => {
      const cells = lines.find((line) => line.startsWith(`${k}  ${word}`))!.split(/\s+/);
      const { gold, predicted, probability, loss } = trace.losses[k];
      expect(cells.slice(2, 4)).toEqual([gold, predicted]);
      const { norms } = trace.layers[0].forward.steps[k].gradients.states.h;
      const numbers = [probability, loss, norms.direct, norms.recurrent, norms.total];
      expect(numbers.map((value, n) => shows(cells[4 + n], value))).toEqual(numbers.map(() => true));
      const row = lines
        .find((line) => line.startsWith(`loss ${word}`))!
        .split(/\s+/)
        .slice(2);
      const shown = trace.layers[0].forward.reach.h.norms[k].filter((each) => each !== null);
      expect(row.map((each, n) => shows(each, shown[n]))).toEqual(shown.map(() => true));
    });
    expect(flow(text)).toContain('at the word vectors x, 5 components');
    expect(flow(text)).toContain('gold: by the grammar of number agreement');
  });

  test('gold labels are given, or the first choice of the model stands in, and it is said', async () => {
    const given = await printed(['inspect', 'a b', '--tags', 'X Y', ...SMALL]);
    expect(given).toMatch(/^0 {2}a {5}X/m);
    expect(given).toContain('gold: as given');
    expect(flow(await printed(['inspect', 'a b', ...SMALL]))).toContain('gold: none given, the model');
  });

  test('a solved word is said to be small because it is solved, under the loss alone', async () => {
    const args = ['inspect', 'the cat sat', '--cell', 'gru', '--train', '40', '--checks', '0'];
    expect(flow(await printed(args))).toContain('small because solved (p(gold) > 0.9): the');
    const margin = await printed([...args, '--loss-seed', 'margin']);
    expect(margin).not.toContain('small because solved');
    expect(margin).toContain('gradients of a margin');
  });
});

describe('a model file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bptt-inspect-'));
    const sentences = [{ tokens: ['they', 'run'], labels: ['PRON', 'VERB'] }];
    writeFileSync(
      join(folder, 'm.safetensors'),
      saveModel(untrained(sentences, { cell: 'gru', hidden: 3, bidirectional: true })),
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is read; an unknown word is flagged in the table and in a warning', async () => {
    const { status, stdout, stderr } = await bpttHere(
      ['inspect', 'they walk', 'm.safetensors', '--checks', '0'],
      folder,
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^1 {2}walk\?/m);
    expect(stdout).toContain('? the model has no vector for this word');
    expect(stderr).toBe(
      'warning: the model has no vector for "walk": it uses that of the unknown word, or of a signature\n',
    );
    expect(stdout).toMatch(/gru H = 3 × 2/);
  });

  test.each([
    [['--untrained'], '--untrained applies only to an untrained model'],
    [['--hidden', '4'], '--hidden applies only to an untrained model'],
    [['--cell', 'lstm'], '--cell lstm applies only to an untrained model'],
    [['--direction', 'reverse', '--layer', '1'], '--layer must be at most 0; got 1'],
    [['--variable', 'c'], '--variable c: the cell gru has x, h, state, a'],
    [['--tags', 'PRON'], '--tags must give one label per word, 2 (they run); got 1'],
  ])('with %j is refused, status 2', async (more, message) => {
    const { status, stderr } = await bpttHere(['inspect', 'they run', 'm.safetensors', ...more], folder);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) as string });
    expect(stderr.split('\n')).toHaveLength(2);
  });

  test.each([
    [['they run', 'gone.safetensors'], 65],
    [['they run', 'm.safetensors', '--tags', 'PRON NOUN'], 65],
  ])('%j is bad data', async (args, code) => {
    const { status, stderr } = await bpttHere(['inspect', ...args], folder);
    expect(status).toBe(code);
    expect(stderr).toMatch(/^bptt: .*\n$/);
  });
});

describe('what cannot be read', () => {
  test.each([
    [['']],
    [[' \u200b ']],
    [['the cat', '--cell', 'rnn', '--forget-bias', '1']],
    [['the cat', '--train', '5', '--untrained']],
    [['the cat', '--loss-seed', 'sum']],
    [['the cat', '--wings']],
  ])('%j: status 2, one line', async (args) => {
    const { status, stdout, stderr } = await bpttHere(['inspect', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^bptt: .*\n$/);
  });
});

describe('surroundings', () => {
  const args = ['inspect', SENTENCE, ...SMALL, '--checks', '0'];

  test('80 columns are enough, and 60', async () => {
    for (const columns of [80, 60]) expect(widest(await printed(args, { columns }))).toBeLessThanOrEqual(80);
    expect(widest(await printed(['reach', SENTENCE], { columns: 44 }))).toBeLessThanOrEqual(44);
  });

  test('colors: none, 16, 256; NO_COLOR and a dumb terminal have none; the text is the same', async () => {
    const bare = await printed(args);
    const escapes = (text: string): Set<string> =>
      new Set([...text.matchAll(/\u001b\[([\d;]+)m/g)].map(([, code]) => code).filter((code) => code !== '0'));
    expect(escapes(bare).size).toBe(0);
    for (const env of [{ NO_COLOR: '1', TERM: 'xterm-256color' }, { TERM: 'dumb' }] as const) {
      expect(await printed(args, { columns: 80, env: env as Record<string, string> })).toBe(bare);
    }
    const reach = ['reach', SENTENCE, ...SMALL];
    const many = await printed(reach, { columns: 80, env: { TERM: 'xterm-256color' } });
    expect([...escapes(many)].some((code) => code.startsWith('38;5;'))).toBe(true);
    const few = await printed(reach, { columns: 80, env: { TERM: 'xterm' } });
    expect(escapes(few).size).toBeGreaterThan(2);
    expect([...escapes(few)].every((code) => /^\d+$/.test(code))).toBe(true);
    expect([plain(many), plain(few)]).toEqual([await printed(reach), await printed(reach)]);
  });

  test('--ascii: nothing but ASCII beside the words', async () => {
    for (const command of ['inspect', 'reach']) {
      const text = await printed([command, SENTENCE, ...SMALL, '--ascii']);

      expect(text).toMatch(/^[\x00-\x7f]*$/);
    }
    expect(await printed(['inspect', 'das → Ende', ...SMALL, '--ascii', '--tokenizer', 'whitespace'])).toContain('→');
  });
});
