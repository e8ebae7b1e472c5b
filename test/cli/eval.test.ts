import { readFileSync, writeFileSync } from 'node:fs';
import { decodeSafetensors, encodeSafetensors } from '../../src/serialize/safetensors';
import { createTagger } from '../../src/labeling/model/tagger';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
});
afterAll(() => space.remove());

const evaluate = (...args: string[]) => bpttHere(['eval', 'model.safetensors', ...args], space.folder);

test('a file is told how it is read, where the model does not remember it', async () => {
  const { tensors, metadata } = decodeSafetensors(readFileSync(space.at('model.safetensors')));
  const { input, ...rest } = metadata;
  expect(input).toBeDefined();
  space.write('forgetful.safetensors', encodeSafetensors(tensors, rest));
  const { status, stderr } = await bpttHere(['eval', 'forgetful.safetensors', 'test.tsv'], space.folder);
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr:
      'warning: test.tsv: the model file does not record how such files are read; read as two-column, words in column 1, labels in column 2\n',
  });
  expect((await evaluate('test.tsv')).stderr).toBe('');
});

/** Gold labels and the model's own, token by token, read and compared without the scorer. */
function pairs(): { token: string; gold: string; predicted: string }[] {
  const tagger = createTagger(readFileSync(space.at('model.safetensors')));
  const sentences = readFileSync(space.at('test.tsv'), 'utf8').trimEnd().split('\n\n');
  return sentences.flatMap((sentence) => {
    const rows = sentence.split('\n').map((row) => row.split('\t'));
    const [{ labels }] = tagger.tag([rows.map(([token]) => token)]);
    return rows.map(([token, gold], i) => ({ token, gold, predicted: labels[i] }));
  });
}

test('--json has exactly the fields of the contract, and they are right', async () => {
  const { status, stdout, stderr } = await evaluate('test.tsv', '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const all = pairs();
  const right = all.filter(({ gold, predicted }) => gold === predicted).length;
  const seen = new Set(
    readFileSync(space.at('train.tsv'), 'utf8')
      .split('\n')
      .map((row) => row.split('\t')[0]),
  );
  const oov = all.filter(({ token }) => !seen.has(token));
  const oovRight = oov.filter(({ gold, predicted }) => gold === predicted).length;
  const report = JSON.parse(stdout) as Record<string, unknown>;
  expect(report).toEqual({
    accuracy: right / all.length,
    oovAccuracy: oov.length > 0 ? oovRight / oov.length : null,
    spanF1: null,
    spanMode: null,
    tokens: all.length,
    sentences: 40,
    correct: right,
    correctSentences: expect.any(Number),
    knownTokens: all.length - oov.length,
    knownAccuracy: (right - oovRight) / (all.length - oov.length),
    oovTokens: oov.length,
    macroF1: expect.any(Number),
    macro: { precision: expect.any(Number), recall: expect.any(Number), f1: report.macroF1 },
    labels: expect.any(Object),
    lengths: expect.any(Array),
    spans: null,
    warnings: [],
  });
  const labels = report.labels as Record<string, { gold: number; correct: number; predicted: number }>;
  for (const [label, counts] of Object.entries(labels)) {
    expect(counts.gold).toBe(all.filter(({ gold }) => gold === label).length);
    expect(counts.predicted).toBe(all.filter(({ predicted }) => predicted === label).length);
    expect(counts.correct).toBe(all.filter(({ gold, predicted }) => gold === label && predicted === label).length);
  }
  const lengths = report.lengths as { from: number; to: number | null; sentences: number; tokens: number }[];
  expect(lengths.reduce((sum, each) => sum + each.sentences, 0)).toBe(40);
  expect(lengths.reduce((sum, each) => sum + each.tokens, 0)).toBe(all.length);
});

test('a label the model was never trained on counts as an error, and is told once', async () => {
  const gold = readFileSync(space.at('test.tsv'), 'utf8');
  writeFileSync(space.at('unseen.tsv'), `${gold}\nnew\tNEVER\nnewer\tNEVER\n`);
  const [known, unseen] = [await evaluate('test.tsv', '--json'), await evaluate('unseen.tsv', '--json')];
  expect(unseen.status).toBe(0);
  const [before, after] = [known, unseen].map(({ stdout }) => JSON.parse(stdout) as Record<string, number>);
  expect(after.tokens).toBe(before.tokens + 2);
  expect(Math.round(after.accuracy * after.tokens)).toBe(Math.round(before.accuracy * before.tokens));
  expect(unseen.stderr).toMatch(/^warning: unseen\.tsv: 2 tokens have labels .* count as errors: "NEVER" 2: .*\n$/);
  expect(after.warnings).toMatchObject([{ kind: 'unknown-labels', source: 'unseen.tsv', count: 2 }]);
  expect((await evaluate('unseen.tsv', '--strict-labels')).status).toBe(65);
});

test('--confusion and --errors as JSON', async () => {
  const { stdout } = await evaluate('test.tsv', '--json', '--confusion', '--errors', '2');
  const { confusion, errors } = JSON.parse(stdout) as {
    confusion: { labels: string[]; counts: number[][] };
    errors: { token: string; gold: string; predicted: string; count: number; line: number; lines: number[] }[];
  };
  const all = pairs();
  confusion.labels.forEach((gold, g) =>
    confusion.labels.forEach((predicted, p) => {
      expect(confusion.counts[g][p]).toBe(all.filter((x) => x.gold === gold && x.predicted === predicted).length);
    }),
  );
  expect(errors).toHaveLength(2);
  expect(errors[0].count).toBeGreaterThanOrEqual(errors[1].count);
  const rows = readFileSync(space.at('test.tsv'), 'utf8').split('\n');
  for (const { token, gold, predicted, count, line, lines } of errors) {
    const same = all.filter((x) => x.token === token && x.gold === gold && x.predicted === predicted);
    expect(same).toHaveLength(count);
    expect(gold).not.toBe(predicted);
    expect(lines).toHaveLength(count);
    expect(lines[0]).toBe(line);
    for (const each of lines) expect(rows[each - 1]).toBe(`${token}\t${gold}`); // the line of the word, not of its sentence
  }
  const every = JSON.parse((await evaluate('test.tsv', '--json', '--errors', 'all')).stdout) as { errors: { count: number }[] }; // prettier-ignore
  const wrong = all.filter(({ gold, predicted }) => gold !== predicted).length;
  expect(every.errors.reduce((sum, { count }) => sum + count, 0)).toBe(wrong);
  expect(await evaluate('test.tsv', '--errors', '0')).toMatchObject({ status: 2, stderr: expect.stringContaining('at least 1, or all') as string }); // prettier-ignore
});

test('--calibration: accuracy by confidence, out of what the tagger says', async () => {
  const tagger = createTagger(readFileSync(space.at('model.safetensors')));
  const decisions = readFileSync(space.at('test.tsv'), 'utf8').trimEnd().split('\n\n').flatMap((sentence) => {
    const rows = sentence.split('\n').map((row) => row.split('\t'));
    const [{ labels, probabilities }] = tagger.tag([rows.map(([token]) => token)], { probabilities: true });
    return rows.map(([, gold], t) => ({ p: probabilities![t], right: labels[t] === gold }));
  }); // prettier-ignore
  const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
  let ece = 0;
  for (let m = 1; m <= 15; m++) {
    const own = decisions.filter(({ p }) => p > (m - 1) / 15 && p <= m / 15);
    if (own.length === 0) continue;
    const gap = Math.abs(mean(own.map(({ p }) => p)) - mean(own.map(({ right }) => Number(right))));
    ece += (own.length / decisions.length) * gap;
  }
  const { calibration } = JSON.parse((await evaluate('test.tsv', '--json', '--calibration')).stdout) as { calibration: { ece: number; count: number; bins: { count: number }[] } }; // prettier-ignore
  expect(calibration.ece).toBeCloseTo(ece, 7); // float32 of another backend
  expect(ece).toBeGreaterThan(0.001);
  expect(calibration.count).toBe(decisions.length);
  expect(calibration.bins.reduce((sum, { count }) => sum + count, 0)).toBe(decisions.length);
  const { stdout } = await evaluate('test.tsv', '--calibration');
  expect(stdout).toMatch(/^confidence of labels +mean +accuracy +count$/m);
  expect(stdout).toMatch(/^0\.\d{3} to [01]\.\d{3}( +[\d.]+ %){2} +\d+$/m);
  expect(stdout).toContain(`expected calibration error ${(100 * ece).toFixed(2)} % (15 bins)`);
  expect(stdout).not.toContain('confidence of spans');
  expect((await evaluate('test.tsv', '--json')).stdout).not.toContain('calibration');
});

test('as text: scores, a row per label, and what was asked for', async () => {
  const { status, stdout, stderr } = await evaluate('test.tsv', '--confusion', '--errors', '1');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^accuracy [\d.]+ % .* tokens$/m);
  expect(stdout).toMatch(/^label +precision +recall +F1 +support$/m);
  expect(stdout).toMatch(/^NOUN( +[\d.]+ %){3} +\d+$/m);
  expect(stdout).toMatch(/^gold \\ predicted( +\S+)+$/m);
  expect(stdout).toMatch(/^token +gold +predicted +count +lines\n\S+ +\S+ +\S+ +\d+ +\d+(, (\d+|…))*$/m);
  expect((await evaluate('test.tsv')).stdout).not.toMatch(/gold \\|count/);
});

test('span labels get a span F1, in both forms', async () => {
  space.write('spans.tsv', 'New\tB-LOC\nYork\tI-LOC\nsleeps\tO\n\n'.repeat(9));
  const args = ['--train', 'spans.tsv', '--epochs', '40', '--hidden', '8', '--lr', '0.05', '--dropout', '0'];
  await bpttHere(['train', ...args, '--quiet', '--out', 'spans.safetensors'], space.folder);
  const run = async (...more: string[]) =>
    (await bpttHere(['eval', 'spans.safetensors', 'spans.tsv', ...more], space.folder)).stdout;
  expect(JSON.parse(await run('--json'))).toMatchObject({
    ...{
      accuracy: 1,
      oovAccuracy: null,
      spanF1: 1,
      spanMode: 'conlleval',
      tokens: 27,
      correctSentences: 9,
      warnings: [],
    },
    spans: { gold: 9, types: { LOC: { f1: 1, gold: 9 } }, known: { gold: 9 }, oov: { gold: 0 }, macro: { f1: 1 } },
  });
  expect(await run()).toMatch(/span F1 100\.00 % \(conlleval\)/);
  expect(await run()).toMatch(/^span LOC +100\.00 % +100\.00 % +100\.00 % +9$/m);
  expect(await run('--errors', '3')).toContain('no mistakes');
});

test('--format and --column choose the labels; - is standard input', async () => {
  const input = 'the x DET\ncat y NOUN\n';
  const run = (...more: string[]) =>
    bptt(['eval', 'model.safetensors', '-', '--json', ...more], { cwd: space.folder, input });
  expect(JSON.parse(run('--format', 'conll', '--column', '3').stdout)).toMatchObject({ tokens: 2 });
  expect(run('--format', 'conll', '--column', '2', '--strict-labels').status).toBe(65);
});

test('messages call standard input by its name', () => {
  const { status, stderr } = bptt(['eval', 'model.safetensors', '-', '--strict-labels'], {
    cwd: space.folder,
    input: 'a\tNEVER\n',
  });
  expect(status).toBe(65);
  expect(stderr).toMatch(/^bptt: standard input: sentence at line 1, token 1, "a": label "NEVER" was never seen/);
});

describe('spans', () => {
  const eight = 'New\tB-LOC\nYork\tI-LOC\nand\tO\nAnn\tB-PER\n\n';
  beforeAll(async () => {
    space.write('two.tsv', eight.repeat(9));
    const args = ['--train', 'two.tsv', '--epochs', '60', '--hidden', '8', '--lr', '0.05', '--dropout', '0'];
    const { status } = await bpttHere(['train', ...args, '--quiet', '--out', 'two.safetensors'], space.folder);
    expect(status).toBe(0);
    // The model says LOC LOC O PER of all of these. Comments and blank lines shift the lines.
    space.write(
      'odd.tsv',
      '# a comment\n\nNew\tB-PER\nYork\tI-PER\nand\tO\nAnn\tB-PER\n\nNew\tB-LOC\nYork\tO\nand\tO\nAnn\tO\n\nNew\tO\nYork\tI-LOC\nand\tB-PER\nAnn\tB-PER\n\n',
    );
  });
  const run = (...args: string[]) => bpttHere(['eval', 'two.safetensors', 'odd.tsv', ...args], space.folder);

  test('their mistakes have a kind, and lines of the file', async () => {
    const { stdout } = await run('--json', '--errors', 'all');
    const { spanErrors, spans } = JSON.parse(stdout) as { spanErrors: object[]; spans: object };
    const [NewYork, York, New] = ['New York', 'York', 'New'].map((text) => ({ type: 'LOC', text }));
    expect(spanErrors).toEqual([
      { kind: 'type', gold: { type: 'PER', text: 'New York' }, predicted: NewYork, count: 1, line: 3, lines: [3] },
      { kind: 'boundary', gold: New, predicted: NewYork, count: 1, line: 8, lines: [8] },
      { kind: 'spurious', gold: null, predicted: { type: 'PER', text: 'Ann' }, count: 1, line: 11, lines: [11] },
      { kind: 'boundary', gold: York, predicted: NewYork, count: 1, line: 13, lines: [13] },
      { kind: 'missed', gold: { type: 'PER', text: 'and' }, predicted: null, count: 1, line: 15, lines: [15] },
    ]);
    expect(spans).toMatchObject({ correct: 2, gold: 6, predicted: 6, mistakes: { type: 1, boundary: 2, 'type-and-boundary': 0, missed: 1, spurious: 1 } }); // prettier-ignore
    const text = (await run('--errors', 'all')).stdout;
    expect(text).toMatch(/^mistake +gold span +predicted span +count +lines$/m);
    expect(text).toMatch(/^type +PER: New York +LOC: New York +1 +3$/m);
    expect(text).toMatch(/^missed +PER: and +- +1 +15$/m);
    expect(text).toContain('span mistakes: 1 type, 2 boundary, 0 type and boundary, 1 missed, 1 spurious');
  });

  test('--calibration: of labels, and of spans', async () => {
    const { calibration, spanCalibration } = JSON.parse((await run('--json', '--calibration')).stdout) as Record<string, { count: number; accuracy: number }>; // prettier-ignore
    expect([calibration.count, calibration.accuracy]).toEqual([12, 6 / 12]);
    expect([spanCalibration.count, spanCalibration.accuracy]).toEqual([6, 2 / 6]);
    expect((await run('--calibration')).stdout).toMatch(/^confidence of spans +mean +accuracy +count$/m);
  });

  test('--span-mode: the mode is printed, in text and in JSON', async () => {
    const scores = async (...args: string[]) => {
      const { spanF1, spanMode, accuracy, spans } = JSON.parse((await run('--json', ...args)).stdout) as Record<string, unknown> & { spans: { scheme: string | null; gold: number; illFormed: object | null } }; // prettier-ignore
      return { spanF1, spanMode, accuracy, scheme: spans.scheme, gold: spans.gold, illFormed: spans.illFormed };
    };
    expect(await scores()).toEqual({ spanF1: 1 / 3, spanMode: 'conlleval', accuracy: 6 / 12, scheme: null, gold: 6, illFormed: null }); // prettier-ignore
    // I-LOC behind O begins no span: five are left.
    expect(await scores('--span-mode', 'strict')).toEqual({ spanF1: 4 / 11, spanMode: 'strict', accuracy: 6 / 12, scheme: 'IOB2', gold: 5, illFormed: { gold: 1, predicted: 0 } }); // prettier-ignore
    expect(await scores('--span-mode', 'repair')).toEqual({ spanF1: 1 / 3, spanMode: 'repair', accuracy: 5 / 12, scheme: 'IOB2', gold: 6, illFormed: { gold: 1, predicted: 0 } }); // prettier-ignore
    expect((await scores('--span-mode', 'strict', '--scheme', 'iobes')).scheme).toBe('IOBES');
    const { stdout } = await run('--span-mode', 'strict');
    expect(stdout).toMatch(/span F1 36\.36 % \(strict, IOB2\)/);
    expect(stdout).toContain('labels in no well-formed span, and left out: 1 gold, 0 predicted');
    expect((await run('--span-mode', 'repair')).stdout).toContain('labels repaired: 1 gold, 0 predicted');
  });

  test('--span-mode and --scheme where they mean nothing', async () => {
    const cases: [string[], number, string][] = [
      [['--span-mode', 'loose'], 2, 'It must be one of conlleval, strict, repair.'],
      [['--scheme', 'iob2'], 2, '--scheme has no effect with --span-mode conlleval'],
      [['--span-mode', 'strict', '--scheme', 'bmes'], 2, 'It must be one of IOB1'],
    ];
    for (const [args, status, message] of cases)
      expect(await run(...args)).toMatchObject({ status, stderr: expect.stringContaining(message) as string });
    expect(await evaluate('test.tsv', '--span-mode', 'strict')).toMatchObject({
      status: 65,
      stderr: expect.stringContaining('test.tsv: the span mode strict needs span labels') as string,
    });
  });

  test('tables fit 80 columns; long types are cut with a mark; colors on a terminal alone', async () => {
    const type = 'A_type_with_a_name_that_is_as_long_as_the_names_of_a_badly_designed_ontology';
    space.write('long.tsv', `a\tB-${type}\nb\tI-${type}\nc\tO\n\n`.repeat(9));
    const args = ['--train', 'long.tsv', '--epochs', '1', '--hidden', '4', '--quiet', '--out', 'long.safetensors'];
    await bpttHere(['train', ...args], space.folder);
    const shown = async (surroundings: object) =>
      (await bpttHere(['eval', 'long.safetensors', 'long.tsv', '--confusion', '--errors', '9'], space.folder, surroundings)).stdout; // prettier-ignore
    const plain = await shown({});
    expect(plain).toContain('…');
    expect(plain).not.toContain('\u001b');
    for (const line of plain.split('\n')) expect([line, line.length <= 80]).toEqual([line, true]);
    const colored = await shown({ columns: 80, env: { TERM: 'xterm-256color' } });
    expect(colored).toContain('\u001b[1m');
    expect(await shown({ columns: 80, env: { TERM: 'xterm-256color', NO_COLOR: '1' } })).toBe(plain);
  });
});

test('train --span-mode: dev and test are scored so, and it is printed', async () => {
  const args = ['--train', 'two.tsv', '--dev', 'odd.tsv', '--test', 'odd.tsv', '--epochs', '60', '--hidden', '8', '--lr', '0.05', '--dropout', '0', '--out', 'm2.safetensors']; // prettier-ignore
  const run = (...more: string[]) => bpttHere(['train', ...args, ...more], space.folder);
  const { stdout, stderr } = await run('--span-mode', 'strict');
  expect(stdout).toMatch(/^test .* span F1 \S+ % \(strict, IOB2\)/m);
  expect(stderr).toMatch(/^epoch 1\/60 .* F1 \S+ % \(strict\)/m);
  const { dev } = JSON.parse((await run('--span-mode', 'repair', '--json')).stdout) as { dev: object };
  expect(dev).toMatchObject({ spanMode: 'repair' });
  const refused: [string[], number, string][] = [
    [['train', '--train', 'train.tsv', '--span-mode', 'strict'], 65, 'train.tsv: the span mode strict needs span labels'],
    [['train', '--task', 'classify', '--train', 'a=two.tsv,b=odd.tsv', '--span-mode', 'strict'], 2, '--span-mode strict does not apply to --task classify'],
    [['train', '--train', 'two.tsv', '--span-mode', 'x'], 2, 'It must be one of conlleval, strict, repair.'],
  ]; // prettier-ignore
  for (const [command, status, message] of refused)
    expect(await bpttHere(command, space.folder)).toMatchObject({ status, stderr: expect.stringContaining(message) as string }); // prettier-ignore
});

describe('labels that training lacks', () => {
  const both = async (model: string, file: string, ...more: string[]) => {
    const run = (...args: string[]) => bpttHere(['eval', model, file, ...more, ...args], space.folder);
    return [await run(), await run('--strict-labels')];
  };

  test.each([
    ['conll', ['--scheme', 'iobes'], 'x\tB-NEW\ny\tO\n\nNew\tB-LOC\nYork\tI-LOC\n'],
    ['conll', ['--head', 'crf', '--scheme', 'bilou'], 'x\tB-NEW\ny\tO\n\nNew\tB-LOC\nYork\tI-LOC\n'],
  ])('%s, learned with %j', async (_format, options, text) => {
    const args = ['--train', 'two.tsv', '--epochs', '2', '--hidden', '4', '--quiet', '--out', 'own.safetensors'];
    expect((await bpttHere(['train', ...args, ...options], space.folder)).status).toBe(0);
    space.write('unseen.conll', text);
    const [lenient, strict] = await both('own.safetensors', 'unseen.conll');
    expect([lenient.status, strict.status]).toEqual([0, 65]);
    expect(lenient.stderr).toMatch(/^warning: unseen\.conll: 1 token has a label .* counts as an error: "B-NEW" 1/m);
    expect(strict.stderr).toMatch(
      /^bptt: unseen\.conll: sentence at line 1, token 1, "x": label "B-NEW" was never seen/m,
    );
    const trained = await bpttHere(
      ['train', ...args, ...options, '--dev', 'unseen.conll', '--strict-labels'],
      space.folder,
    );
    expect([trained.status, trained.stderr]).toEqual([65, expect.stringContaining('label "B-NEW" was never seen')]);
  });

  test('slots', async () => {
    const { mkdirSync } = await import('node:fs');
    for (const [name, label] of [['slots', 'B-city'], ['other', 'B-street']]) {
      mkdirSync(space.at(name), { recursive: true });
      space.write(`${name}/seq.in`, 'fly to oslo\n'.repeat(4));
      space.write(`${name}/seq.out`, `O O ${label}\n`.repeat(4));
      space.write(`${name}/label`, 'flight\n'.repeat(4));
    } // prettier-ignore
    const args = ['--train', 'slots', '--epochs', '1', '--hidden', '4', '--quiet', '--out', 'slots.safetensors'];
    expect((await bpttHere(['train', ...args], space.folder)).status).toBe(0);
    const [lenient, strict] = await both('slots.safetensors', 'other');
    expect([lenient.status, strict.status]).toEqual([0, 65]);
    expect(lenient.stderr).toContain('"B-street" 4');
  });

  test('sentences with a label each', async () => {
    space.write('moods.tsv', 'good\ta b c\nbad\td e f\n'.repeat(4));
    space.write('other.tsv', 'good\ta b c\nodd\td e f\n'.repeat(4));
    const args = ['--task', 'classify', '--train', 'moods.tsv', '--epochs', '1', '--hidden', '4', '--quiet'];
    await bpttHere(['train', ...args, '--out', 'moods.safetensors'], space.folder);
    const [lenient, strict] = await both('moods.safetensors', 'other.tsv');
    expect([lenient.status, strict.status]).toEqual([0, 65]);
    expect(lenient.stderr).toContain('"odd" 4');
    expect(strict.stderr).toContain('label "odd" was never seen');
    const { stdout } = await bpttHere(['eval', 'moods.safetensors', 'other.tsv'], space.folder);
    expect(stdout).toMatch(/^label +precision +recall +F1 +support$/m);
    expect(await bpttHere(['eval', 'moods.safetensors', 'other.tsv', '--span-mode', 'strict'], space.folder)).toMatchObject({ status: 2 }); // prettier-ignore
  });
});

test.each(['X', 'B_PER'])('one stray %s switches no span scoring off: it is named with its line', async (stray) => {
  space.write('stray.tsv', `New\tB-LOC\nYork\tI-LOC\nand\tO\n\nAnn\t${stray}\nand\tO\n\n`.replace(/^/, 'New\tB-LOC\nYork\tI-LOC\nand\tO\n\n'.repeat(8))); // prettier-ignore
  const args = [
    '--train',
    'stray.tsv',
    '--dev',
    'stray.tsv',
    '--epochs',
    '1',
    '--hidden',
    '4',
    '--out',
    's.safetensors',
  ];
  const trained = await bpttHere(['train', ...args, '--json'], space.folder);
  const { dev, warnings } = JSON.parse(trained.stdout) as { dev: { spanF1: number | null }; warnings: object[] };
  expect(dev.spanF1).not.toBeNull();
  expect(warnings).toEqual([
    expect.objectContaining({ kind: 'outlier-labels', source: 'stray.tsv', line: 37, count: 1 }),
    expect.objectContaining({ kind: 'leaked-sentences', source: 'stray.tsv', line: 1, count: 10 }), // dev is training
  ]);
  expect(trained.stderr).toContain(`"${stray}" once (line 37)`);
  const scored = await bpttHere(['eval', 's.safetensors', 'stray.tsv'], space.folder);
  expect(scored.stdout).toMatch(/span F1 .*\(conlleval\)/);
  expect(scored.stderr).toContain(`"${stray}" once (line 37)`);
  // The same of a model that never saw the stray label.
  await bpttHere(['train', '--train', 'two.tsv', '--epochs', '1', '--hidden', '4', '--quiet', '--out', 'pure.safetensors'], space.folder); // prettier-ignore
  const unseen = await bpttHere(['eval', 'pure.safetensors', 'stray.tsv'], space.folder);
  expect(unseen.stdout).toMatch(/span F1 .*\(conlleval\)/);
  expect(unseen.stderr).toMatch(
    new RegExp(`neither O nor a position and a type \\(B-PER\\): "${stray}" once \\(line 37\\)`),
  );
});

test('labels of which too few look like spans are scored token by token, and that is said', async () => {
  space.write('mixed.tsv', 'a\tB-X\nb\tNOUN\nc\tVERB\nd\tDET\n\n'.repeat(4));
  const args = ['--train', 'mixed.tsv', '--epochs', '1', '--hidden', '4', '--quiet', '--out', 'mixed.safetensors'];
  const { stderr } = await bpttHere(['train', ...args], space.folder);
  expect(stderr).toBe('warning: mixed.tsv: 1 label looks like spans: "B-X" 4 times (lines 1, 6, 11, 16); most others do not: "DET", "NOUN", "VERB". They are scored token by token, without span F1: if they are spans, write O or a position and a type (B-PER) everywhere\n'); // prettier-ignore
});
